use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::{Deadline, Monotonic};
use crate::frame::{FrameMeta, PixelFormat};
use crate::memory::arena::HugePages;
use crate::process::claim::Peer;
use crate::process::ring::{Producer, WaitError};
use crate::process::segment::{Access, Segment};

const SLOT_BYTES: usize = 5000;

fn segment(slots: usize, readers: &[(&str, usize)]) -> Segment {
    let parts = parts("cam", slots, SLOT_BYTES, readers).expect("a pool");
    Segment::create(&parts, Access::ReadWrite, HugePages::Never, false).expect("a segment")
}

fn other_view(segment: &Segment) -> Segment {
    Segment::open(segment.descriptor().try_clone_to_owned().expect("a descriptor")).expect("valid")
}

fn meta(seq: u64) -> FrameMeta {
    FrameMeta {
        service: 3,
        seq,
        capture: Monotonic::from_ns(seq * 10),
        deadline: Deadline::at(Monotonic::from_ns(seq * 10 + 5)),
        width: 40,
        height: 30,
        format: PixelFormat::Rgb8,
        scene: seq ^ 77,
    }
}

fn fill(owner: &mut Owner, seq: u64) -> Option<Lent> {
    let mut lease = owner.acquire()?;
    lease.as_mut().fill(seq as u8);
    Some(owner.lend(lease, &meta(seq), SLOT_BYTES - 1).expect("it fits"))
}

fn check(lease: &ReadLease, seq: u64) {
    assert_eq!(lease.meta(), meta(seq));
    assert_eq!(lease.as_ref().len(), SLOT_BYTES - 1);
    assert!(lease.as_ref().iter().all(|&byte| byte == seq as u8), "the bytes of frame {seq} changed");
}

#[test]
fn slots_lie_apart_and_aligned() {
    let segment = segment(3, &[("a", 1)]);
    let (area, _) = area::Area::of(&segment, "cam").expect("a pool");
    let starts: Vec<usize> = (0..3).map(|slot| area.slot(slot).as_ptr() as usize).collect();
    assert!(starts.iter().all(|start| start.is_multiple_of(4096)));
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= SLOT_BYTES));
    let end = area.control() as *const _ as usize + segment.parts().next().expect("the pool").bytes as usize;
    assert!(starts[2] + SLOT_BYTES <= end);
    let words = area.returned(MOST_READERS - 1);
    assert!(words.as_ptr_range().end as usize <= starts[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever is done in whatever order: bytes never change under a lease, each reader gets its frames in order and
    /// never more at once than it may hold, and at the end every slot is home.
    #[test]
    fn no_slot_is_lost_or_used_twice(slots in 1_usize..7, steps in proptest::collection::vec((0_u8..6, any::<u8>()), 0..150)) {
        let segment = segment(slots, &[("a", 2), ("b", 3)]);
        let other = other_view(&segment);
        let mut owner = Owner::attach(&segment, "cam").expect("the first");
        let mut readers = ["a", "b"].map(|name| Reader::attach(&other, "cam", name).expect("free"));
        let mut sent = [VecDeque::new(), VecDeque::new()];
        let mut held: [Vec<(u64, ReadLease)>; 2] = [Vec::new(), Vec::new()];
        let mut writing = Vec::new();
        let mut seq = 0;
        for (step, choice) in steps {
            let reader = usize::from(choice) % 2;
            match step {
                0 | 1 => {
                    let busy: std::collections::HashSet<u64> = (0..2)
                        .flat_map(|reader| sent[reader].iter().copied().chain(held[reader].iter().map(|held| held.0)))
                        .collect();
                    let lease = owner.acquire();
                    prop_assert_eq!(lease.is_some(), busy.len() + writing.len() < slots);
                    writing.extend(lease);
                }
                2 => {
                    if let Some(mut lease) = writing.pop() {
                        lease.as_mut().fill(seq as u8);
                        let room = [0, 1].map(|reader| sent[reader].len() + held[reader].len() < 2 + reader);
                        let lent = owner.lend(lease, &meta(seq), SLOT_BYTES - 1).expect("it fits");
                        prop_assert_eq!(lent.readers, room.iter().filter(|&&room| room).count());
                        prop_assert_eq!(lent.readers + lent.refused, 2);
                        for (reader, room) in room.into_iter().enumerate() {
                            if room {
                                sent[reader].push_back(seq);
                            }
                        }
                        seq += 1;
                    }
                }
                3 => drop(writing.pop()),
                4 => {
                    let lease = readers[reader].next().expect("sound");
                    prop_assert_eq!(lease.is_some(), !sent[reader].is_empty());
                    if let Some(lease) = lease {
                        let seq = sent[reader].pop_front().expect("one was sent");
                        check(&lease, seq);
                        held[reader].push((seq, lease));
                    }
                }
                _ => {
                    if !held[reader].is_empty() {
                        let at = usize::from(choice) % held[reader].len();
                        let (seq, lease) = held[reader].swap_remove(at);
                        check(&lease, seq);
                    }
                }
            }
        }
        for (seq, lease) in held.iter().flatten() {
            check(lease, *seq);
        }
        for reader in &mut readers {
            while reader.next().expect("sound").is_some() {}
        }
        drop((held, writing));
        prop_assert_eq!(owner.free_slots(), slots);
        prop_assert_eq!(owner.recovered(), 0);
    }
}

#[test]
fn a_lease_goes_home_from_another_thread_and_after_its_reader() {
    let segment = segment(2, &[("a", 2)]);
    let mut owner = Owner::attach(&segment, "cam").expect("the first");
    let mut reader = Reader::attach(&segment, "cam", "a").expect("free");
    fill(&mut owner, 0).expect("free slots");
    fill(&mut owner, 1).expect("free slots");
    assert!(owner.acquire().is_none());
    let first = reader.next_until(Monotonic::now().plus(Duration::from_secs(60))).expect("lent");
    let second = reader.next().expect("sound").expect("lent");
    drop(reader);
    std::thread::spawn(move || drop(first)).join().expect("ends");
    assert_eq!(owner.free_slots(), 1);
    // Frames of the dropped reader are still read: nobody can take its place yet.
    assert!(matches!(owner.reader(0), Some(Peer::Alive(_))));
    assert!(matches!(Reader::attach(&segment, "cam", "a"), Err(FramesError::Ring(_))));
    check(&second, 1);
    drop(second);
    assert!(matches!(owner.reader(0), Some(Peer::Left(_))));
    Reader::attach(&segment, "cam", "a").expect("free again");
    assert_eq!(owner.free_slots(), 2);
}

#[test]
fn the_newest_frame_sends_those_before_it_home() {
    let segment = segment(4, &[("a", 3)]);
    let mut owner = Owner::attach(&segment, "cam").expect("the first");
    let mut reader = Reader::attach(&segment, "cam", "a").expect("free");
    assert!(reader.newest().expect("sound").is_none());
    (0..3).for_each(|seq| assert_eq!(fill(&mut owner, seq), Some(Lent { readers: 1, refused: 0 })));
    assert_eq!(fill(&mut owner, 3), Some(Lent { readers: 0, refused: 1 }), "it holds as many as it may");
    let newest = reader.newest().expect("sound").expect("lent");
    check(&newest, 2);
    assert_eq!(owner.free_slots(), 3);
    assert_eq!(owner.with_reader(0), 1);
}

#[test]
fn what_cannot_be_lent_goes_home() {
    let (segment, another) = (segment(2, &[("a", 2)]), segment(1, &[("a", 1)]));
    let mut owner = Owner::attach(&segment, "cam").expect("the first");
    let mut other = Owner::attach(&another, "cam").expect("the first");
    let lease = owner.acquire().expect("two are free");
    let told = owner.lend(lease, &meta(0), SLOT_BYTES + 1);
    assert!(matches!(told, Err(LendError::TooLong { length_bytes: 5001, slot_bytes: 5000, .. })), "{told:?}");
    let lease = other.acquire().expect("one is free");
    assert!(other.acquire().is_none());
    assert!(matches!(owner.lend(lease, &meta(0), 1), Err(LendError::OtherPool { .. })));
    assert_eq!((owner.free_slots(), other.free_slots()), (2, 1));
}

#[test]
fn a_descriptor_of_nothing_is_refused_with_what_it_named() {
    let segment = segment(2, &[("a", 2)]);
    let mut forger = Producer::<Descriptor>::attach(&segment, "cam>a").expect("free");
    let mut reader = Reader::attach(&segment, "cam", "a").expect("free");
    let good = Descriptor::new(&meta(1), 1, 10, 1);
    for (change, slot, length_bytes, format) in [
        (Descriptor { slot: 2, ..good }, 2, 10, 1),
        (Descriptor { length_bytes: 5001, ..good }, 1, 5001, 1),
        (Descriptor { format: 9, ..good }, 1, 10, 9),
    ] {
        forger.push(&change).expect("room");
        let Err(ReadError::Bad(bad)) = reader.next() else { panic!("{change:?} was taken") };
        assert_eq!((bad.slot, bad.length_bytes, bad.format), (slot, length_bytes, format));
    }
    forger.push(&good).expect("room");
    assert_eq!(reader.next().expect("sound").expect("lent").as_ref().len(), 10);
}

#[test]
fn wrong_wishes_are_refused_with_what_would_be_right() {
    assert!(matches!(parts("cam", 2, 10, &[]), Err(FramesError::Readers { found: 0, .. })));
    assert!(matches!(parts("cam", 2, 10, &[("a", 1); 5]), Err(FramesError::Readers { found: 5, .. })));
    let refused = |slots, bytes| match parts("cam", slots, bytes, &[("a", 1)]) {
        Err(FramesError::Segment(error)) => error,
        other => unreachable!("{other:?}"),
    };
    assert!(matches!(refused(0, 10), SegmentError::Capacity { capacity: 0, .. }));
    assert!(matches!(refused(1, 0), SegmentError::MessageBytes { bytes: 0, .. }));
    assert!(matches!(refused(1, usize::MAX), SegmentError::MessageBytes { .. }));
    let vast = parts("cam", 1 << 20, 1 << 30, &[("a", 1)]).expect("it can be counted");
    let error = Segment::create(&vast, Access::ReadWrite, HugePages::Never, false).expect_err("more than memory");
    assert!(matches!(error, SegmentError::Arena(_)), "{error}");
    let segment = segment(1, &[("a", 1)]);
    let owner = Owner::attach(&segment, "cam").expect("the first");
    assert!(matches!(Owner::attach(&segment, "cam"), Err(FramesError::Claimed(_))));
    assert!(matches!(Reader::attach(&segment, "cam", "b"), Err(FramesError::NoSuchReader { readers: 1, .. })));
    let mut reader = Reader::attach(&segment, "cam", "a").expect("free");
    drop(owner);
    assert!(matches!(Owner::attach(&segment, "cam"), Err(FramesError::HadOwner { .. })));
    let told = reader.next_until(Monotonic::now().plus(Duration::from_secs(60))).err();
    assert!(matches!(told, Some(ReadError::Wait(WaitError::PeerLeft { .. }))), "{told:?}");
}
