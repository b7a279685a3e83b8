//! Every interleaving, and every value that weak memory allows, of a sender and a receiver that meet in a small ring.
//! Loom watches the cells: two sides in one cell without an order between them is reported.

use super::*;

/// The sender puts 1, 2, …, `values`; the receiver tries to take `takes` times. Nothing may be lost, twice or out of
/// order.
fn meet(capacity: usize, values: u32, takes: usize) {
    loom::model(move || {
        let (mut sender, mut receiver) = halves(capacity);
        let sending =
            loom::thread::spawn(move || (1..=values).filter_map(|value| sender.put(value)).collect::<Vec<_>>());
        let mut taken: Vec<u32> = (0..takes).filter_map(|_| receiver.take()).collect();
        let evicted = sending.join().expect("puts and ends");
        taken.extend(std::iter::from_fn(|| receiver.take()));

        for side in [&evicted, &taken] {
            assert!(side.is_sorted(), "oldest first: {side:?}");
        }
        assert_eq!(taken.last(), Some(&values), "the newest is never pushed out");
        let mut all = [evicted, taken].concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(1..=values), "none lost, none twice");
    });
}

#[test]
fn a_mailbox_neither_loses_nor_doubles() {
    meet(1, 4, 3);
}

#[test]
fn a_ring_of_two_neither_loses_nor_doubles() {
    meet(2, 5, 3);
}

#[test]
fn a_ring_of_three_neither_loses_nor_doubles() {
    meet(3, 5, 2);
}

#[test]
fn what_a_sender_put_before_it_went_is_found() {
    loom::model(|| {
        let (mut sender, mut receiver) = halves(1);
        let sending = loom::thread::spawn(move || {
            assert_eq!(sender.put(1), None);
        });
        if receiver.is_abandoned() {
            assert_eq!(receiver.take(), Some(1));
        }
        sending.join().expect("puts and ends");
    });
}

#[test]
fn both_sides_may_go_at_once() {
    loom::model(|| {
        let value = Arc::new(());
        let (mut sender, receiver) = halves(2);
        let sending = loom::thread::spawn({
            let value = Arc::clone(&value);
            move || drop(sender.put(value))
        });
        drop(receiver);
        sending.join().expect("puts and ends");
        assert_eq!(Arc::strong_count(&value), 1, "what was left inside went with the ring");
    });
}
