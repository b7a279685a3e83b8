use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::state::{Control, ONE};
use super::*;
use crate::clock::Monotonic;
use crate::memory::arena::HugePages;
use crate::process::claim::{Peer, Role};
use crate::process::segment::{Access, Segment};
use crate::sync::Ordering;

fn segment<T: Message>(capacity: usize) -> Segment {
    let parts = [part::<T>("a/b", capacity).expect("a ring")];
    Segment::create(&parts, Access::ReadWrite, HugePages::Never, false).expect("a segment")
}

/// The segment as another process would map it.
fn other_view(segment: &Segment) -> Segment {
    Segment::open(segment.descriptor().try_clone_to_owned().expect("a descriptor")).expect("valid")
}

fn pair<T: Message>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let segment = segment::<T>(capacity);
    let producer = Producer::attach(&segment, "a/b").expect("the first");
    (producer, Consumer::attach(&other_view(&segment), "a/b").expect("the first"))
}

fn far() -> Monotonic {
    Monotonic::now().plus(Duration::from_secs(3600))
}

fn soon() -> Monotonic {
    Monotonic::now().plus(Duration::from_millis(1))
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    PushSlice(Vec<u8>),
    Pop,
    PopInto(usize),
    PeekThenDiscard,
    Reattach,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Push),
        2 => proptest::collection::vec(any::<u8>(), 0..9).prop_map(Step::PushSlice),
        4 => Just(Step::Pop),
        2 => (0_usize..9).prop_map(Step::PopInto),
        1 => Just(Step::PeekThenDiscard),
        1 => Just(Step::Reattach),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_does_what_a_bounded_queue_does(capacity in 1_usize..9, steps in proptest::collection::vec(step(), 0..120)) {
        // 11 bytes: neither whole words nor a power of two.
        type Wide = [u8; 11];
        let segment = segment::<Wide>(capacity);
        let other = other_view(&segment);
        let mut producer = Producer::<Wide>::attach(&segment, "a/b").expect("free");
        let mut consumer = Consumer::<Wide>::attach(&other, "a/b").expect("free");
        let mut oracle = VecDeque::new();
        for step in steps {
            match step {
                Step::Push(value) => {
                    let pushed = producer.push(&[value; 11]);
                    prop_assert_eq!(pushed.is_ok(), oracle.len() < capacity);
                    if pushed.is_ok() {
                        oracle.push_back([value; 11]);
                    }
                }
                Step::PushSlice(values) => {
                    let values: Vec<Wide> = values.into_iter().map(|value| [value; 11]).collect();
                    let fits = values.len().min(capacity - oracle.len());
                    prop_assert_eq!(producer.push_slice(&values).expect("sound"), fits);
                    oracle.extend(&values[..fits]);
                }
                Step::Pop => prop_assert_eq!(consumer.pop().expect("sound"), oracle.pop_front()),
                Step::PopInto(most) => {
                    let mut room = vec![[0; 11]; most];
                    let popped = consumer.pop_into(&mut room).expect("sound");
                    prop_assert_eq!(popped, most.min(oracle.len()));
                    prop_assert_eq!(&room[..popped], oracle.drain(..popped).collect::<Vec<_>>());
                }
                Step::PeekThenDiscard => {
                    prop_assert_eq!(consumer.peek().expect("sound"), oracle.front().copied());
                    prop_assert_eq!(consumer.discard().expect("sound"), oracle.pop_front().is_some());
                }
                Step::Reattach => {
                    drop((producer, consumer));
                    producer = Producer::attach(&other, "a/b").expect("free again");
                    consumer = Consumer::attach(&segment, "a/b").expect("free again");
                }
            }
            prop_assert_eq!(consumer.waiting().expect("sound"), oracle.len());
            prop_assert_eq!(producer.room().expect("sound"), capacity - oracle.len());
        }
    }

    /// Whatever stands in the index words, each end answers with a value or with the numbers it found.
    #[test]
    fn indices_from_a_hostile_peer_never_lead_outside(tail: u32, head: u32, capacity in 1_usize..40) {
        let segment = segment::<u64>(capacity);
        let (mut producer, mut consumer) = (
            Producer::<u64>::attach(&segment, "a/b").expect("free"),
            Consumer::<u64>::attach(&segment, "a/b").expect("free"),
        );
        producer.push(&1).expect("room");
        let region = segment.region("a/b", Kind::Ring, Access::ReadWrite).expect("a ring");
        // SAFETY: the region starts with the ring's control block and is mapped while `region` lives.
        let control: &Control = unsafe { region.base.cast().as_ref() };
        control.tail.0.0.word().store(tail, Ordering::Relaxed);
        control.head.0.0.word().store(head, Ordering::Relaxed);
        let honest = tail & !1 == ONE && head & !1 == 0;
        let mut complaints = 0;
        for _ in 0..2 * capacity {
            complaints += usize::from(matches!(producer.push(&2), Err(PushError::Corrupt(_))));
            complaints += usize::from(consumer.pop().is_err());
            complaints += usize::from(consumer.pop_into(&mut [0; 7]).is_err());
        }
        prop_assert!(honest || complaints > 0, "tail {} head {} went unnoticed", tail, head);
        drop((producer, consumer));
        control.tail.0.0.word().store(tail, Ordering::Relaxed);
        control.head.0.0.word().store(head, Ordering::Relaxed);
        let distance = (tail & !1).wrapping_sub(head & !1) / ONE;
        match Producer::<u64>::attach(&segment, "a/b") {
            Ok(_) => prop_assert!(distance as usize <= capacity),
            Err(AttachError::Corrupt(found)) => prop_assert_eq!((found.tail, found.head), (tail / ONE, head / ONE)),
            Err(other) => prop_assert!(false, "{}", other),
        }
        // A refused attach gives the end back.
        let peer = Consumer::<u64>::attach(&segment, "a/b").map(|mut consumer| consumer.peer());
        prop_assert!(!matches!(peer, Ok(Peer::Alive(_))));
    }
}

#[test]
fn two_threads_hand_over_every_message_in_order_while_both_sleep_often() {
    let (mut producer, mut consumer) = pair::<[u64; 4]>(3);
    let no_spin = Pace { spin: Duration::ZERO, ..Pace::default() };
    producer.set_pace(no_spin);
    consumer.set_pace(no_spin);
    const MESSAGES: u64 = 30_000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for value in 0..MESSAGES {
                producer.push_until(&[value, !value, value << 7, value ^ 0x5555], far()).expect("the consumer reads");
            }
        });
        for value in 0..MESSAGES {
            let popped = consumer.pop_until(far()).expect("the producer writes");
            assert_eq!(popped, [value, !value, value << 7, value ^ 0x5555]);
        }
    });
    assert_eq!(consumer.pop().expect("sound"), None);
}

#[test]
fn a_second_end_is_refused_with_the_pid_of_the_first() {
    let segment = segment::<u64>(1);
    let first = Producer::<u64>::attach(&segment, "a/b").expect("free");
    let refused = Producer::<u64>::attach(&other_view(&segment), "a/b").expect_err("taken");
    let AttachError::Claimed(claimed) = refused else { unreachable!("{refused}") };
    assert_eq!((claimed.pid, claimed.role), (std::process::id(), Role::Producer));
    drop(first);
    Producer::<u64>::attach(&segment, "a/b").expect("free again");
}

#[test]
fn waiting_says_why_it_ended() {
    let (mut producer, mut consumer) = pair::<u64>(1);
    assert!(matches!(consumer.pop_until(soon()), Err(WaitError::TimedOut { peer: Role::Producer, .. })));
    producer.push(&1).expect("room");
    assert!(matches!(producer.push_until(&2, soon()), Err(WaitError::TimedOut { peer: Role::Consumer, .. })));
    drop(producer);
    assert_eq!(consumer.pop_until(far()).expect("committed before it left"), 1);
    assert!(matches!(consumer.pop_until(far()), Err(WaitError::PeerLeft { peer: Role::Producer, .. })));
}

#[test]
fn a_sleeper_is_told_when_its_peer_leaves_and_not_only_when_it_looks() {
    let (producer, mut consumer) = pair::<u64>(1);
    consumer.set_pace(Pace { spin: Duration::ZERO, look: Duration::from_secs(3600) });
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || consumer.pop_until(far()));
        drop(producer);
        let told = waiting.join().expect("ends");
        assert!(matches!(told, Err(WaitError::PeerLeft { .. })), "{told:?}");
    });
}

#[test]
fn a_peer_that_has_not_come_yet_is_waited_for() {
    let segment = segment::<u64>(1);
    let mut consumer = Consumer::<u64>::attach(&segment, "a/b").expect("free");
    assert_eq!(consumer.peer(), Peer::Awaited);
    assert!(matches!(consumer.pop_until(soon()), Err(WaitError::TimedOut { .. })));
}

#[test]
fn what_was_looked_at_but_not_discarded_goes_to_the_next_consumer() {
    let segment = segment::<u64>(4);
    let mut producer = Producer::<u64>::attach(&segment, "a/b").expect("free");
    assert_eq!(producer.push_slice(&[1, 2, 3]).expect("sound"), 3);
    let mut first = Consumer::<u64>::attach(&segment, "a/b").expect("free");
    assert_eq!(first.pop().expect("sound"), Some(1));
    assert_eq!(first.peek().expect("sound"), Some(2));
    drop(first);
    let mut second = Consumer::<u64>::attach(&segment, "a/b").expect("free again");
    assert_eq!(second.pop().expect("sound"), Some(2));
    assert_eq!(producer.peers_so_far(), 2);
}

#[test]
fn wrong_wishes_are_refused_with_what_would_be_right() {
    assert!(matches!(part::<u64>("a", 0), Err(SegmentError::Capacity { capacity: 0, .. })));
    assert!(matches!(part::<u64>("a", MOST_MESSAGES + 1), Err(SegmentError::Capacity { .. })));
    assert!(matches!(part::<()>("a", 1), Err(SegmentError::MessageBytes { bytes: 0, .. })));
    assert!(matches!(part::<u64>("", 1), Err(SegmentError::BadName { .. })));
    let segment = segment::<u64>(1);
    let segment_error = |error: Option<AttachError>| match error {
        Some(AttachError::Segment(error)) => error,
        other => unreachable!("{other:?}"),
    };
    let missing = segment_error(Producer::<u64>::attach(&segment, "b/a").err());
    assert!(matches!(missing, SegmentError::NoSuchPart { .. }), "{missing}");
    let wrong = segment_error(Producer::<u32>::attach(&segment, "a/b").err());
    assert!(matches!(wrong, SegmentError::WrongMessage { found_bytes: 8, expected_bytes: 4, .. }), "{wrong}");
    let only_read = Segment::open_read_only(segment.descriptor().try_clone_to_owned().expect("fd")).expect("valid");
    let refused = segment_error(Consumer::<u64>::attach(&only_read, "a/b").err());
    assert!(matches!(refused, SegmentError::ReadOnly { .. }), "{refused}");
}
