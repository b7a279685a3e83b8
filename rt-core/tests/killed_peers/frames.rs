//! Readers of frames that are killed with slots in their hands.

use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::memory::arena::HugePages;
use rt_core::process::claim::Peer;
use rt_core::process::frames::{Owner, ReadLease, Reader, parts};
use rt_core::process::segment::{Access, Segment};

use crate::peer::{Random, Victim, far};

const SLOTS: usize = 8;
const SLOT_BYTES: usize = 20_000;
const IN_FLIGHT: usize = 5;

fn meta(seq: u64) -> FrameMeta {
    let capture = Monotonic::from_ns(seq);
    let (width, height, format) = (100, 60, PixelFormat::Rgb8);
    FrameMeta { service: 1, seq, capture, deadline: Deadline::at(capture), width, height, format, scene: !seq }
}

fn check(lease: &ReadLease) -> u64 {
    let seq = lease.meta().seq;
    assert_eq!(lease.meta(), meta(seq));
    assert_eq!(lease.as_ref().len(), meta(seq).bytes());
    assert!(lease.as_ref().iter().all(|&byte| byte == seq as u8), "frame {seq} changed while it was lent");
    seq
}

/// The peer: reads frames, holds some for a while, and checks that none changes meanwhile.
pub fn read(segment: &Segment, random: &mut Random) {
    let mut reader = Reader::attach(segment, "cam", "peer").expect("the reader before is dead");
    let mut held: Vec<ReadLease> = Vec::new();
    let mut last = None;
    loop {
        let Ok(lease) = reader.next_until(far()) else { return };
        let seq = check(&lease);
        assert!(last.is_none_or(|last| seq > last), "frame {seq} came after {last:?}");
        last = Some(seq);
        held.push(lease);
        while held.len() == IN_FLIGHT || (!held.is_empty() && random.below(2) == 0) {
            check(&held.swap_remove(random.below(held.len() as u64) as usize));
        }
    }
}

/// Reads what the dead reader had not taken; says how many frames that were.
fn drain(segment: &Segment) -> usize {
    let mut reader = Reader::attach(segment, "cam", "peer").expect("the reader before is dead");
    let mut read = 0;
    while let Some(lease) = reader.next().expect("sound") {
        check(&lease);
        read += 1;
    }
    read
}

pub fn kill_readers(kills: u64, random: &mut Random) {
    let parts = parts("cam", SLOTS, SLOT_BYTES, &[("peer", IN_FLIGHT)]).expect("a pool");
    let segment = Segment::create(&parts, Access::ReadWrite, HugePages::Never, false).expect("a segment");
    let mut owner = Owner::attach(&segment, "cam").expect("the first");
    let (mut seq, mut lent) = (0, 0);
    for kill in 1..=kills {
        let mut victim = Victim::start(&segment, "reader", [0, 0], random);
        let pid = victim.pid();
        while !victim.holds(owner.reader(0).expect("one reader")) {
            std::thread::yield_now();
        }
        let end = Monotonic::now().plus(Duration::from_nanos(random.below(1_000_000)));
        while Monotonic::now() < end {
            // One slot more than the reader may hold: whatever it does, the owner has one to fill.
            let mut lease = owner.acquire().expect("a slot that no reader can hold");
            lease.as_mut().fill(seq as u8);
            lent += owner.lend(lease, &meta(seq), meta(seq).bytes()).expect("it fits").readers;
            seq += 1;
        }
        victim.kill();
        assert!(matches!(owner.reader(0), Some(Peer::Died(dead, _)) if dead.pid() == pid), "kill {kill}");
        // At times the owner sees that it died; else only that another has come.
        if random.below(2) == 0 {
            owner.recover();
            let waiting = owner.with_reader(0);
            assert_eq!(waiting, drain(&segment), "what the dead one held is home, what it had not taken is not");
            assert_eq!(owner.free_slots(), SLOTS);
        }
    }
    drain(&segment);
    owner.recover();
    assert_eq!(owner.free_slots(), SLOTS, "every slot is home");
    assert!(owner.recovered() > 0, "no reader was ever killed with a frame");
    println!("killed_peers: {kills} readers, {lent} frames, {} recovered", owner.recovered());
}
