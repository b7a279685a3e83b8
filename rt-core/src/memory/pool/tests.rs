use super::*;
use proptest::prelude::*;

fn pool(slots: usize) -> FramePool {
    FramePool::new(slots, 64, HugePages::Never, false).expect("a small pool")
}

proptest! {
    /// Random acquiring, sharing and dropping against a count of what must be out: nothing leaks, nothing is handed
    /// out twice, and what a reader sees is what was written.
    #[test]
    fn slots_are_conserved(operations in prop::collection::vec((0_u8..4, any::<u8>()), 1..300)) {
        const SLOTS: usize = 5;
        let mut pool = pool(SLOTS);
        let mut writing: Vec<WriteLease> = Vec::new();
        let mut reading: Vec<(u8, Vec<ReadLease>)> = Vec::new();
        for (operation, value) in operations {
            match operation {
                0 => match pool.acquire() {
                    Some(lease) => writing.push(lease),
                    None => prop_assert_eq!(writing.len() + reading.len(), SLOTS, "exhausted only when all are out"),
                },
                1 => if let Some(mut lease) = writing.pop() {
                    lease.as_mut().fill(value);
                    let leases = if value % 2 == 0 {
                        pool.share::<1>(lease, 64).into_iter().collect()
                    } else {
                        pool.share::<3>(lease, 64).into_iter().collect()
                    };
                    reading.push((value, leases));
                },
                2 => if !reading.is_empty() {
                    let chosen = usize::from(value) % reading.len();
                    let (written, leases) = &mut reading[chosen];
                    if let Some(lease) = leases.pop() {
                        prop_assert!(lease.as_ref().iter().all(|byte| byte == written));
                    }
                    if leases.is_empty() {
                        reading.swap_remove(chosen);
                    }
                },
                _ => drop(writing.pop()),
            }
            prop_assert_eq!(pool.free_slots() + writing.len() + reading.len(), SLOTS);
        }
    }
}

#[test]
fn an_exhausted_pool_says_so_and_recovers() {
    let mut pool = pool(1);
    let lease = pool.acquire().expect("the only slot");
    assert!(pool.acquire().is_none());
    drop(lease);
    assert!(pool.acquire().is_some());
}

#[test]
fn leases_outlive_the_pool() {
    let mut pool = pool(1);
    let mut lease = pool.acquire().expect("the only slot");
    lease.as_mut().fill(7);
    let [reader] = pool.share::<1>(lease, 64);
    drop(pool);
    assert!(reader.as_ref().iter().all(|&byte| byte == 7));
}

#[test]
fn slots_are_aligned_for_direct_io() {
    let mut pool = pool(3);
    while let Some(mut lease) = pool.acquire() {
        assert_eq!(lease.as_mut().as_ptr() as usize % SLOT_ALIGNMENT_BYTES, 0);
        std::mem::drop(pool.share::<1>(lease, 64).map(std::mem::ManuallyDrop::new));
    }
}

#[test]
fn readers_on_other_threads_see_every_frame_whole() {
    const FRAMES: u32 = 5_000;
    let mut pool = pool(4);
    let (mut sender, mut receiver) = crate::mailbox::mailbox::<(u8, ReadLease)>();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut seen = 0;
            while seen < FRAMES {
                match receiver.take() {
                    Some((value, lease)) => {
                        assert!(lease.as_ref().iter().all(|&byte| byte == value), "torn frame");
                        seen += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
        });
        let mut value = 0_u8;
        while !reader.is_finished() {
            match pool.acquire() {
                Some(mut lease) => {
                    value = value.wrapping_add(1);
                    lease.as_mut().fill(value);
                    let [lease] = pool.share(lease, 64);
                    sender.put((value, lease));
                }
                None => std::thread::yield_now(),
            }
        }
        reader.join().expect("no frame was torn");
    });
    drop(sender);
    assert_eq!(pool.free_slots(), 4);
}

#[test]
fn a_pool_of_nothing_is_refused() {
    assert!(matches!(FramePool::new(0, 64, HugePages::Never, false), Err(PoolError::Empty { slots: 0, .. })));
    assert!(matches!(FramePool::new(4, 0, HugePages::Never, false), Err(PoolError::Empty { slot_bytes: 0, .. })));
}
