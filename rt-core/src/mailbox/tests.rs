use super::*;
use proptest::prelude::*;

proptest! {
    /// Held against the obvious model: a cell that the newest value overwrites.
    #[test]
    fn behaves_like_one_overwritten_cell(operations in prop::collection::vec(any::<Option<u32>>(), 0..200)) {
        let (mut sender, mut receiver) = mailbox();
        let mut oracle = None;
        for operation in operations {
            match operation {
                Some(value) => prop_assert_eq!(sender.put(value), oracle.replace(value)),
                None => prop_assert_eq!(receiver.take(), oracle.take()),
            }
        }
    }
}

#[test]
fn every_value_ends_on_exactly_one_side_and_in_order() {
    const VALUES: u64 = 200_000;
    let (mut sender, mut receiver) = mailbox();
    let (evicted, taken) = std::thread::scope(|scope| {
        let sending =
            scope.spawn(move || (0..VALUES).filter_map(|value| sender.put(Box::new(value))).collect::<Vec<_>>());
        let mut taken: Vec<Box<u64>> = Vec::new();
        while taken.last().is_none_or(|last| **last + 1 < VALUES) {
            match receiver.take() {
                Some(value) => taken.push(value),
                None => std::thread::yield_now(),
            }
        }
        (sending.join().expect("the sender ends"), taken)
    });
    assert!(taken.windows(2).all(|pair| pair[0] < pair[1]), "newer values only");
    let mut all: Vec<u64> = evicted.into_iter().chain(taken).map(|value| *value).collect();
    all.sort_unstable();
    assert_eq!(all, (0..VALUES).collect::<Vec<_>>(), "none lost, none twice");
}

#[test]
fn a_value_left_behind_is_dropped_with_the_mailbox() {
    let value = Arc::new(());
    let (mut sender, receiver) = mailbox();
    assert!(sender.put(Arc::clone(&value)).is_none());
    drop((sender, receiver));
    assert_eq!(Arc::strong_count(&value), 1);
}
