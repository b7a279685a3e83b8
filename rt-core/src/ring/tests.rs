use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::depth::Depth;
use crate::mailbox;
use crate::testing::rounds;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Push,
    Pop,
    Look,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let run = (prop_oneof![Just(Operation::Push), Just(Operation::Pop), Just(Operation::Look)], 1_usize..12);
    prop::collection::vec(run.prop_map(|(operation, times)| vec![operation; times]), 0..30)
        .prop_map(|runs| runs.concat())
}

/// A queue that keeps the same books in the obvious way.
struct Oracle {
    queue: VecDeque<u32>,
    depth: Depth,
}

impl Oracle {
    fn new(capacity: usize) -> Self {
        Self { queue: VecDeque::new(), depth: Depth { capacity: capacity as u64, ..Depth::default() } }
    }

    fn look(&mut self) -> Depth {
        self.depth.waiting = self.queue.len() as u64;
        let told = self.depth;
        self.depth.most = self.depth.waiting;
        told
    }

    fn settle(&mut self) {
        self.depth.most = self.depth.most.max(self.queue.len() as u64);
    }
}

proptest! {
    #[test]
    fn the_watch_of_a_ring_tells_what_an_obvious_queue_would(capacity in 1_usize..9, operations in operations()) {
        let (mut producer, mut consumer, mut watch) = watched(capacity);
        let mut oracle = Oracle::new(capacity);
        for (operation, value) in operations.into_iter().zip(0..) {
            match operation {
                Operation::Push => {
                    let full = oracle.queue.len() == capacity;
                    prop_assert_eq!(producer.push(value), if full { Err(value) } else { Ok(()) });
                    oracle.depth.sent += 1;
                    oracle.depth.lost += u64::from(full);
                    if !full {
                        oracle.queue.push_back(value);
                    }
                }
                Operation::Pop => prop_assert_eq!(consumer.pop().ok(), oracle.queue.pop_front()),
                Operation::Look => prop_assert_eq!(watch.look(), oracle.look()),
            }
            oracle.settle();
        }
    }

    #[test]
    fn the_watch_of_a_mailbox_tells_what_was_overtaken(operations in operations()) {
        let (mut sender, mut receiver, mut watch) = mailbox::watched();
        let (mut inside, mut sent, mut lost) = (false, 0, 0);
        for operation in operations {
            match operation {
                Operation::Push => {
                    prop_assert_eq!(sender.put(7).is_some(), inside);
                    (sent, lost, inside) = (sent + 1, lost + u64::from(inside), true);
                }
                Operation::Pop => prop_assert_eq!(receiver.take().is_some(), std::mem::take(&mut inside)),
                Operation::Look => {
                    let seen = watch.look();
                    prop_assert_eq!((seen.capacity, seen.waiting, seen.sent, seen.lost), (1, u64::from(inside), sent, lost));
                }
            }
        }
    }
}

#[test]
fn a_watch_beside_running_ends_never_tells_what_cannot_be() {
    const VALUES: u64 = rounds(200_000);
    const CAPACITY: usize = 16;
    let (mut producer, mut consumer, mut watch) = watched(CAPACITY);
    let sending = std::thread::spawn(move || {
        for value in 0..VALUES {
            while producer.push(value).is_err() {
                std::thread::yield_now();
            }
        }
    });
    let taking = std::thread::spawn(move || {
        let mut expected = 0;
        while expected < VALUES {
            match consumer.pop() {
                Ok(value) => {
                    assert_eq!(value, expected);
                    expected += 1;
                }
                Err(_) => std::thread::yield_now(),
            }
        }
    });
    let mut before = Depth::default();
    while !(sending.is_finished() && taking.is_finished()) {
        let seen = watch.look();
        assert!(seen.waiting <= seen.most && seen.most <= CAPACITY as u64, "{seen:?}");
        assert!(seen.sent >= before.sent && seen.lost >= before.lost && seen.sent - seen.lost <= VALUES, "{seen:?}");
        before = seen;
        std::thread::yield_now();
    }
    sending.join().expect("no panic");
    taking.join().expect("no panic");
    let end = watch.look();
    assert_eq!((end.waiting, end.sent - end.lost), (0, VALUES));
}
