//! What every backend has to do, written once and run against each of them.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;

use super::{ChannelSpec, Consumer, Context, Producer, ReceiveError, SendError, Topology, WhenFull};
use crate::clock::Monotonic;
use crate::testing::rounds;

/// A backend, as the suite opens it.
pub(super) trait Backend {
    const CONTEXT: Context;
    /// Whether it serves evict-oldest.
    const EVICTS: bool;
    /// Whether it serves more than one producer and one consumer.
    const MANY: bool;

    fn open(spec: &ChannelSpec) -> (Vec<Producer<u64>>, Vec<Consumer<u64>>);
}

/// Runs the whole suite against a backend.
macro_rules! conforms {
    ($backend:ty: $($test:ident),+ $(,)?) => {
        $(#[test] fn $test() { crate::channel::conformance::$test::<$backend>(); })+
    };
    ($backend:ty) => {
        crate::channel::conformance::conforms!($backend:
            like_a_queue_that_rejects,
            like_a_queue_that_evicts,
            a_blocked_producer_goes_on_when_there_is_room,
            a_blocked_producer_gives_up_in_time_and_keeps_its_message,
            a_blocked_producer_learns_that_its_consumer_left,
            a_waiting_consumer_gets_what_comes,
            a_waiting_consumer_gives_up_in_time,
            what_was_sent_before_the_end_is_received_before_the_end,
            many_producers_each_in_order,
            many_consumers_each_message_once,
            many_to_many_each_message_once,
        );
    };
}
pub(super) use conforms;

const BLOCK: WhenFull = WhenFull::Block { at_most: Duration::from_secs(3600) };

fn spec<B: Backend>(capacity: usize, topology: Topology, when_full: WhenFull) -> ChannelSpec {
    ChannelSpec { name: "test".into(), context: B::CONTEXT, capacity, topology, when_full }
}

fn one_to_one<B: Backend>(capacity: usize, when_full: WhenFull) -> (Producer<u64>, Consumer<u64>) {
    let (producers, consumers) = B::open(&spec::<B>(capacity, Topology::OneToOne, when_full));
    (producers.into_iter().next().expect("one producer"), consumers.into_iter().next().expect("one consumer"))
}

/// An instant that no test reaches.
fn never() -> Monotonic {
    Monotonic::now().plus(Duration::from_secs(3600))
}

/// Random sending and receiving (`None`) against a queue.
fn against_a_queue<B: Backend>(when_full: WhenFull) {
    let operations = prop::collection::vec(any::<Option<u64>>(), 0..120);
    // Each case opens a channel, which between processes is a mapping of its own.
    let config = ProptestConfig { cases: ProptestConfig::default().cases.div_ceil(4), ..ProptestConfig::default() };
    proptest!(config, |(capacity in 1_usize..6, operations in operations)| {
        let (mut producer, mut consumer) = one_to_one::<B>(capacity, when_full);
        let mut oracle = VecDeque::new();
        for operation in operations {
            let Some(message) = operation else {
                prop_assert_eq!(consumer.receive().ok(), oracle.pop_front());
                continue;
            };
            let full = oracle.len() == capacity;
            match (full, when_full) {
                (true, WhenFull::EvictOldest) => prop_assert_eq!(producer.send(message), Ok(oracle.pop_front())),
                (true, _) => {
                    prop_assert_eq!(producer.send(message), Err(SendError::Full(message)));
                    continue;
                }
                (false, _) => prop_assert_eq!(producer.send(message), Ok(None)),
            }
            oracle.push_back(message);
        }
    });
}

pub(super) fn like_a_queue_that_rejects<B: Backend>() {
    against_a_queue::<B>(WhenFull::Reject);
}

pub(super) fn like_a_queue_that_evicts<B: Backend>() {
    if B::EVICTS {
        against_a_queue::<B>(WhenFull::EvictOldest);
    }
}

pub(super) fn a_blocked_producer_goes_on_when_there_is_room<B: Backend>() {
    let messages = rounds(20_000);
    let (mut producer, mut consumer) = one_to_one::<B>(3, BLOCK);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for message in 0..messages {
                assert_eq!(producer.send(message), Ok(None));
            }
        });
        for message in 0..messages {
            assert_eq!(consumer.receive_until(never()), Ok(message));
        }
        assert_eq!(consumer.receive_until(never()), Err(ReceiveError::Closed));
    });
}

pub(super) fn a_blocked_producer_gives_up_in_time_and_keeps_its_message<B: Backend>() {
    let (mut producer, mut consumer) = one_to_one::<B>(1, BLOCK);
    let soon = || Monotonic::now().plus(Duration::from_millis(1));
    assert_eq!(producer.send_until(1, soon()), Ok(None));
    assert_eq!(producer.send_until(2, soon()), Err(SendError::TimedOut(2)));
    assert_eq!(producer.send_until(3, Monotonic::ZERO), Err(SendError::TimedOut(3)), "a deadline that has passed");
    assert_eq!(consumer.receive(), Ok(1));
    assert_eq!(producer.send_until(4, Monotonic::ZERO), Ok(None), "room needs no time");
}

pub(super) fn a_blocked_producer_learns_that_its_consumer_left<B: Backend>() {
    let (mut producer, consumer) = one_to_one::<B>(1, BLOCK);
    assert_eq!(producer.send(1), Ok(None));
    std::thread::scope(|scope| {
        let blocked = scope.spawn(move || producer.send(2));
        drop(consumer);
        assert_eq!(blocked.join().expect("it ends"), Err(SendError::Closed(2)));
    });
}

pub(super) fn a_waiting_consumer_gets_what_comes<B: Backend>() {
    let (mut producer, mut consumer) = one_to_one::<B>(1, WhenFull::Reject);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || consumer.receive_until(never()));
        assert_eq!(producer.send(7), Ok(None));
        assert_eq!(waiting.join().expect("it ends"), Ok(7));
    });
}

pub(super) fn a_waiting_consumer_gives_up_in_time<B: Backend>() {
    let (_producer, mut consumer) = one_to_one::<B>(1, WhenFull::Reject);
    assert_eq!(consumer.receive(), Err(ReceiveError::Empty));
    let soon = Monotonic::now().plus(Duration::from_millis(1));
    assert_eq!(consumer.receive_until(soon), Err(ReceiveError::TimedOut));
    assert!(Monotonic::now() >= soon, "not before its time");
}

pub(super) fn what_was_sent_before_the_end_is_received_before_the_end<B: Backend>() {
    let (mut producer, mut consumer) = one_to_one::<B>(2, WhenFull::Reject);
    assert_eq!((producer.send(1), producer.send(2)), (Ok(None), Ok(None)));
    std::thread::scope(|scope| {
        scope.spawn(move || drop(producer));
        assert_eq!(consumer.receive_until(never()), Ok(1));
        assert_eq!(consumer.receive_until(never()), Ok(2));
        assert_eq!(consumer.receive_until(never()), Err(ReceiveError::Closed));
    });
}

pub(super) fn many_producers_each_in_order<B: Backend>() {
    all_arrive::<B>(Topology::ManyToOne { producers: 3 });
}

pub(super) fn many_consumers_each_message_once<B: Backend>() {
    all_arrive::<B>(Topology::OneToMany { consumers: 3 });
}

pub(super) fn many_to_many_each_message_once<B: Backend>() {
    all_arrive::<B>(Topology::ManyToMany { producers: 2, consumers: 2 });
}

/// Every producer sends its numbers; together the consumers receive each once, and those of one producer in order.
fn all_arrive<B: Backend>(topology: Topology) {
    if !B::MANY {
        return;
    }
    let messages = rounds(3_000);
    let (producers, consumers) = B::open(&spec::<B>(2, topology, BLOCK));
    let (senders, receivers) = (producers.len() as u64, consumers.len());
    assert_eq!((senders as usize, receivers), (topology.producers(), topology.consumers()));
    let received: Vec<Vec<u64>> = std::thread::scope(|scope| {
        for (mut producer, number) in producers.into_iter().zip(0..) {
            scope.spawn(move || {
                for message in 0..messages {
                    assert_eq!(producer.send(number * messages + message), Ok(None));
                }
            });
        }
        let receiving = consumers.into_iter().map(|mut consumer| {
            scope.spawn(move || {
                let mut received = Vec::new();
                loop {
                    match consumer.receive_until(never()) {
                        Ok(message) => received.push(message),
                        Err(end) => {
                            assert_eq!(end, ReceiveError::Closed);
                            return received;
                        }
                    }
                }
            })
        });
        let receiving: Vec<_> = receiving.collect();
        receiving.into_iter().map(|thread| thread.join().expect("it ends")).collect()
    });
    for by_one in &received {
        for number in 0..senders {
            let of_one: Vec<&u64> = by_one.iter().filter(|&message| message / messages == number).collect();
            assert!(of_one.windows(2).all(|pair| pair[0] < pair[1]), "producer {number} out of order");
        }
    }
    let mut all: Vec<u64> = received.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (0..senders * messages).collect::<Vec<_>>(), "none lost, none twice");
}
