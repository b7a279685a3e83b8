use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::testing::rounds;

/// Enough to meet the other side everywhere.
const VALUES: u64 = rounds(200_000);

#[derive(Clone, Debug)]
enum Operation {
    Put(u32),
    Take,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    // Runs of one kind reach deep into "full and overtaken" and "empty", which a fair coin seldom does.
    let run = prop_oneof![
        prop::collection::vec(any::<u32>().prop_map(Operation::Put), 0..40),
        (0_usize..40).prop_map(|takes| vec![Operation::Take; takes]),
    ];
    prop::collection::vec(run, 0..12).prop_map(|runs| runs.concat())
}

proptest! {
    /// Held against the obvious model: a queue whose front makes room.
    #[test]
    fn behaves_like_a_queue_whose_front_makes_room(capacity in 1_usize..9, operations in operations()) {
        let (mut sender, mut receiver) = evicting_ring(capacity).expect("a capacity above 0");
        let mut oracle = VecDeque::new();
        for operation in operations {
            match operation {
                Operation::Put(value) => {
                    let oldest = (oracle.len() == capacity).then(|| oracle.pop_front()).flatten();
                    oracle.push_back(value);
                    prop_assert_eq!(sender.put(value), oldest);
                }
                Operation::Take => prop_assert_eq!(receiver.take(), oracle.pop_front()),
            }
            prop_assert_eq!(receiver.is_empty(), oracle.is_empty());
        }
    }
}

/// Every value in a heap cell of its own, so that one lost is a leak and one twice a double free.
#[test]
fn every_value_ends_on_exactly_one_side_and_in_order() {
    for capacity in [1, 2, 3, 64] {
        let (mut sender, mut receiver) = evicting_ring(capacity).expect("a capacity above 0");
        let (evicted, taken) = std::thread::scope(|scope| {
            let sending =
                scope.spawn(move || (0..VALUES).filter_map(|value| sender.put(Box::new(value))).collect::<Vec<_>>());
            let mut taken: Vec<Box<u64>> = Vec::new();
            loop {
                // In this order: what was put before the sender went is found by the look after.
                let last_look = receiver.is_abandoned();
                match receiver.take() {
                    Some(value) => taken.push(value),
                    None if last_look => break,
                    None => std::thread::yield_now(),
                }
            }
            (sending.join().expect("the sender ends"), taken)
        });
        for side in [&evicted, &taken] {
            assert!(side.windows(2).all(|pair| pair[0] < pair[1]), "oldest first on both sides");
        }
        assert_eq!(taken.last().map(|last| **last), Some(VALUES - 1), "the newest is never pushed out");
        let mut all: Vec<u64> = evicted.into_iter().chain(taken).map(|value| *value).collect();
        all.sort_unstable();
        assert_eq!(all, (0..VALUES).collect::<Vec<_>>(), "none lost, none twice");
    }
}

#[test]
fn what_is_taken_next_was_at_most_capacity_behind() {
    let (mut sender, mut receiver) = evicting_ring(3).expect("a capacity above 0");
    for value in 0..1_000 {
        sender.put(value);
    }
    assert_eq!([receiver.take(), receiver.take(), receiver.take()], [Some(997), Some(998), Some(999)]);
    assert_eq!(receiver.take(), None);
    sender.put(1_000);
    assert_eq!(receiver.take(), Some(1_000));
}

#[test]
fn values_left_behind_are_dropped_with_the_ring() {
    let value = Arc::new(());
    let (mut sender, mut receiver) = evicting_ring(4).expect("a capacity above 0");
    for _ in 0..6 {
        drop(sender.put(Arc::clone(&value)));
    }
    drop(receiver.take());
    assert_eq!(Arc::strong_count(&value), 1 + 3);
    drop(sender);
    assert!(receiver.is_abandoned());
    drop(receiver.take());
    assert_eq!(Arc::strong_count(&value), 1 + 2, "what a sender put before it went can be taken");
    drop(receiver);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_sender_sees_that_nobody_will_take() {
    let (mut sender, receiver) = evicting_ring(1).expect("a capacity above 0");
    assert!(!sender.is_abandoned() && !receiver.is_abandoned());
    drop(receiver);
    assert!(sender.is_abandoned());
    assert_eq!((sender.put(1), sender.put(2)), (None, Some(1)), "and owns its values as before");
}

#[test]
fn impossible_capacities_are_refused() {
    let error = |capacity| evicting_ring::<u8>(capacity).err();
    assert_eq!(error(0), Some(EvictingRingError::NoCapacity));
    let capacity = MOST_CAPACITY + 1;
    assert_eq!(error(capacity), Some(EvictingRingError::CapacityTooLarge { capacity, most: MOST_CAPACITY }));
}

#[test]
fn the_largest_capacity_holds_that_many() {
    if cfg!(miri) {
        return;
    }
    let (mut sender, mut receiver) = evicting_ring(MOST_CAPACITY).expect("the largest capacity");
    let most = MOST_CAPACITY as u32;
    assert_eq!((0..most).find_map(|value| sender.put(value)), None);
    assert_eq!(sender.put(most), Some(0));
    assert_eq!((receiver.take(), receiver.take()), (Some(1), Some(2)));
}

#[test]
fn laps_compare_by_distance_where_they_wrap() {
    use super::state::Position;
    let first = Position::FIRST.lap;
    let before_zero = first.previous().previous();
    assert_eq!(first.since(first), 0);
    assert!(first.since(before_zero) > 0 && before_zero.since(first) < 0);
    assert_eq!(before_zero.next().next(), first);
}
