use super::*;
use crate::memory::arena::ArenaError;
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
                        lease.share::<1>(64).expect("it fits").into_iter().collect()
                    } else {
                        lease.share::<3>(64).expect("it fits").into_iter().collect()
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
    let [reader] = lease.share(64).expect("it fits");
    drop(pool);
    assert!(reader.as_ref().iter().all(|&byte| byte == 7));
}

#[test]
fn slots_are_aligned_for_direct_io() {
    let mut pool = pool(3);
    for mut lease in std::iter::from_fn(|| pool.acquire()).collect::<Vec<_>>() {
        assert_eq!(lease.as_mut().as_ptr() as usize % SLOT_ALIGNMENT_BYTES, 0);
    }
}

#[test]
fn readers_on_other_threads_see_every_frame_whole() {
    let frames = crate::testing::rounds(5_000);
    let mut pool = pool(4);
    let (mut sender, mut receiver) = crate::mailbox::mailbox::<(u8, ReadLease)>();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut seen = 0;
            while seen < frames {
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
                    let [lease] = lease.share(64).expect("it fits");
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
fn more_than_a_slot_cannot_be_shared_and_the_slot_goes_home() {
    let mut pool = pool(1);
    let refused = pool.acquire().expect("the only slot").share::<2>(65).err();
    assert_eq!(refused, Some(Overfilled { filled_bytes: 65, slot_bytes: 64 }));
    assert_eq!(pool.free_slots(), 1);
}

#[test]
fn an_arena_too_small_for_the_slots_is_refused_with_what_would_fit() {
    let arena = Arena::map(1, HugePages::Never, false).expect("one huge page's worth");
    let error = FramePool::within(arena, 3, 1 << 20).err().map(|error| error.to_string()).expect("refused");
    assert!(error.contains("3145728 bytes") && error.contains("2097152") && error.contains("2 slots"), "{error}");
    assert!(matches!(
        FramePool::new(usize::MAX, usize::MAX, HugePages::Never, false),
        Err(PoolError::Arena(ArenaError::LargerThanMemory { .. }))
    ));
}

#[test]
fn the_regions_are_the_slots() {
    let mut pool = pool(3);
    let regions: Vec<SlotRegion> = pool.regions().collect();
    let leases: Vec<WriteLease> = std::iter::from_fn(|| pool.acquire()).collect();
    assert_eq!(leases.len(), regions.len());
    for mut lease in leases {
        let region = regions[lease.index()];
        assert_eq!((region.address.as_ptr(), region.bytes), (lease.as_mut().as_mut_ptr(), 64));
        assert_eq!(region.offset_bytes, lease.offset_bytes());
    }
}

/// What a driver in another process, or a device, would see through the descriptor.
#[test]
fn the_descriptor_and_the_offset_lead_to_the_slot_s_bytes() {
    use std::os::unix::fs::FileExt;
    let mut pool = pool(2);
    let mut lease = pool.acquire().expect("a slot");
    lease.as_mut().fill(9);
    let memory = std::fs::File::from(pool.arena().descriptor().try_clone_to_owned().expect("a second descriptor"));
    let mut seen = [0_u8; 64];
    memory.read_exact_at(&mut seen, lease.offset_bytes() as u64).expect("the slot's bytes");
    assert_eq!(seen, [9; 64]);
}

#[test]
fn a_direct_read_writes_into_a_slot() {
    use std::os::unix::fs::OpenOptionsExt;
    let path = std::env::temp_dir().join(format!("turbo-direct-{}", std::process::id()));
    std::fs::write(&path, vec![5_u8; 8192]).expect("a file");
    let opened = std::fs::OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(&path);
    let mut pool = FramePool::new(1, 8192, HugePages::Prefer, false).expect("one slot");
    let mut lease = pool.acquire().expect("the slot");
    let read = opened.and_then(|mut file| std::io::Read::read(&mut file, lease.as_mut()));
    std::fs::remove_file(&path).expect("the file was there");
    match read {
        Ok(bytes) => assert_eq!((bytes, lease.as_mut()[8191]), (8192, 5)),
        Err(error) => eprintln!("SKIPPED: {} cannot be read directly: {error}", path.display()),
    }
}

#[test]
fn a_pool_of_nothing_is_refused() {
    assert!(matches!(FramePool::new(0, 64, HugePages::Never, false), Err(PoolError::Empty { slots: 0, .. })));
    assert!(matches!(FramePool::new(4, 0, HugePages::Never, false), Err(PoolError::Empty { slot_bytes: 0, .. })));
}
