//! Every interleaving, and every value weak memory allows, of the ring's real code over loom's atomics; a lost wake-up
//! would be a deadlock, a missing order a message that was never sent.

use std::ptr::NonNull;

use super::state::{Control, Index, Memory};
use super::{pop, push};
use crate::clock::Monotonic;
use crate::process::claim::{Claim, Role};
use crate::process::identity::ProcessId;
use crate::process::segment::Name;
use crate::sync::{Arc, AtomicU64, CachePadded, Futex};

#[derive(Debug)]
struct Heap {
    control: Control,
    words: Vec<AtomicU64>,
}

/// Both ends of a ring of `capacity` one-word messages.
fn ring(capacity: u32) -> (push::Core<u64>, pop::Core<u64>) {
    let index = || CachePadded(Index(Futex::new(0)));
    let control = Control {
        tail: index(),
        head: index(),
        producer: CachePadded(Claim::new()),
        consumer: CachePadded(Claim::new()),
    };
    let words = (0..capacity.next_power_of_two()).map(|_| AtomicU64::new(0)).collect();
    let heap = std::sync::Arc::new(Heap { control, words });
    let memory = || {
        let words = NonNull::from(heap.words.as_slice()).cast();
        let name = Name::new("model").expect("a name");
        // SAFETY: the heap's control block and words live as long as the reference count that is handed over.
        unsafe { Memory::new(NonNull::from(&heap.control), words, 8, capacity, name, heap.clone()) }
    };
    (push::Core::new(memory()).expect("empty"), pop::Core::new(memory()).expect("empty"))
}

const FAR: Monotonic = Monotonic::from_ns(u64::MAX);

#[test]
fn what_is_popped_is_what_was_pushed_in_order_over_the_wrap() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(1);
        let pushing = loom::thread::spawn(move || {
            for value in 1..=3 {
                while producer.push(&value).is_err() {
                    loom::thread::yield_now();
                }
            }
        });
        for value in 1..=3 {
            let popped = loop {
                match consumer.pop().expect("nobody corrupts it") {
                    Some(popped) => break popped,
                    None => loom::thread::yield_now(),
                }
            };
            assert_eq!(popped, value);
        }
        pushing.join().expect("ends");
    });
}

#[test]
fn neither_end_sleeps_through_what_it_waits_for() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(1);
        let pushing = loom::thread::spawn(move || {
            for value in 1..=2 {
                while producer.push(&value).is_err() {
                    producer.sleep(FAR);
                }
            }
        });
        for value in 1..=2 {
            let popped = loop {
                match consumer.pop().expect("nobody corrupts it") {
                    Some(popped) => break popped,
                    None => consumer.sleep(FAR),
                }
            };
            assert_eq!(popped, value);
        }
        pushing.join().expect("ends");
    });
}

#[test]
fn nobody_sleeps_through_the_others_leaving() {
    loom::model(|| {
        let (producer, consumer) = ring(1);
        let name = Name::new("model").expect("a name");
        let held = producer.memory.control().producer.take(own(), name, Role::Producer).expect("free");
        let leaving = loom::thread::spawn(move || {
            let control = producer.memory.control();
            control.producer.release(&held);
            control.tail.leave();
        });
        while !consumer.memory.control().producer.was_left() {
            consumer.sleep(FAR);
        }
        leaving.join().expect("ends");
    });
}

fn own() -> ProcessId {
    ProcessId::own().expect("/proc")
}

#[test]
fn a_role_is_taken_once() {
    loom::model(|| {
        let claim = Arc::new(Claim::new());
        let name = Name::new("model").expect("a name");
        let other = loom::thread::spawn({
            let claim = Arc::clone(&claim);
            move || claim.take(own(), name, Role::Producer).is_ok()
        });
        let here = claim.take(own(), name, Role::Producer).is_ok();
        assert!(here != other.join().expect("ends"), "one of two must get it");
    });
}
