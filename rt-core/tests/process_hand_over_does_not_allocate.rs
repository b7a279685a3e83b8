//! Rings, latest values and frames between processes, counted: no heap call after start-up, waiting included.

use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::memory::arena::HugePages;
use rt_core::process::ring::{Consumer, Producer, WaitError};
use rt_core::process::segment::{Access, Segment};
use rt_core::process::{frames, latest, ring};
use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

#[test]
fn frames_messages_and_values_cross_without_the_heap() {
    let mut parts = frames::parts("cam", 3, 64 * 48 * 3, &[("peer", 2)]).expect("a pool");
    parts.push(ring::part::<[u64; 8]>("up", 4).expect("a ring"));
    parts.push(latest::part::<[u64; 8]>("newest").expect("a value"));
    let ours = Segment::create(&parts, Access::ReadWrite, HugePages::Never, false).expect("a segment");
    let theirs = Segment::open(ours.descriptor().try_clone_to_owned().expect("a descriptor")).expect("valid");
    let mut owner = frames::Owner::attach(&ours, "cam").expect("the first");
    let mut reader = frames::Reader::attach(&theirs, "cam", "peer").expect("free");
    let mut producer = Producer::<[u64; 8]>::attach(&ours, "up").expect("free");
    let mut consumer = Consumer::<[u64; 8]>::attach(&theirs, "up").expect("free");
    let mut writer = latest::Writer::<[u64; 8]>::attach(&ours, "newest").expect("free");
    let mut newest = latest::Reader::<[u64; 8]>::attach(&theirs, "newest").expect("a value");

    let handed = count(|| {
        for seq in 0..1_000_u64 {
            let mut lease = owner.acquire().expect("slots come home");
            lease.as_mut()[0] = seq as u8;
            let capture = Monotonic::now();
            let deadline = Deadline::after_capture(capture, Duration::from_millis(200));
            let (width, height, format) = (64, 48, PixelFormat::Rgb8);
            let meta = FrameMeta { service: 1, seq, capture, deadline, width, height, format, scene: 0 };
            assert_eq!(owner.lend(lease, &meta, meta.bytes()).expect("it fits").readers, 1);
            let frame = reader.next().expect("sound").expect("lent");
            assert_eq!((frame.as_ref()[0], frame.meta()), (seq as u8, meta));

            producer.push(&[seq; 8]).expect("room");
            assert_eq!(consumer.pop_until(Monotonic::now()).expect("pushed"), [seq; 8]);
            writer.publish(&[seq; 8]);
            assert_eq!(newest.newest().expect("still").expect("published").value, [seq; 8]);
        }
    });
    assert_eq!(handed, HeapCalls::NONE, "1000 hand-overs");

    // Waiting, and looking after the peer, which opens its pidfd once.
    let waited = count(|| {
        for _ in 0..3 {
            let told = consumer.pop_until(Monotonic::now().plus(Duration::from_micros(100)));
            assert!(matches!(told, Err(WaitError::TimedOut { .. })), "{told:?}");
        }
    });
    assert_eq!(waited, HeapCalls::NONE);
}
