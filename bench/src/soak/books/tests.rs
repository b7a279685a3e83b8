use proptest::prelude::*;
use rt_core::clock::Monotonic;

use super::*;

fn descriptor(seq: u64) -> Descriptor {
    Descriptor::new(seq, 0, Monotonic::from_ns(seq), 1)
}

/// The books of a history: numbers sent, numbers counted as lost, numbers as they arrived.
fn judge(sent: &[u64], lost: &[u64], arrived: &[u64]) -> Result<(), Violation> {
    let mut sender = Sent::default();
    sent.iter().for_each(|&seq| sender.sent.enter(seq));
    lost.iter().for_each(|&seq| sender.lost.enter(seq));
    let mut receiver = Received::new("hop");
    for &seq in arrived {
        receiver.enter(&descriptor(seq))?;
    }
    settle(&sender, &receiver)
}

#[test]
fn a_history_with_counted_losses_is_in_order() {
    assert_eq!(judge(&[0, 1, 2, 3, 4], &[1, 3], &[0, 2, 4]), Ok(()));
    assert_eq!(judge(&[], &[], &[]), Ok(()));
}

#[test]
fn a_duplicate_is_found() {
    assert!(matches!(judge(&[0, 1, 2], &[], &[0, 1, 1, 2]), Err(Violation::Again { seq: 1, last: 1, .. })));
    assert!(matches!(judge(&[0, 1, 2], &[], &[0, 2, 1]), Err(Violation::Again { seq: 1, last: 2, .. })));
}

#[test]
fn a_loss_that_nobody_counted_is_found() {
    let error = judge(&[0, 1, 2], &[], &[0, 2]).expect_err("1 is missing");
    assert!(matches!(error, Violation::Unbalanced { sent: 3, lost: 0, received: 2, .. }), "{error}");
    assert!(error.to_string().contains("1 are unaccounted"), "{error}");
}

#[test]
fn the_wrong_loss_counted_is_found_though_the_numbers_balance() {
    assert!(matches!(judge(&[0, 1, 2], &[2], &[0, 2]), Err(Violation::Unbalanced { .. })));
}

#[test]
fn one_that_was_counted_as_lost_and_arrived_as_well_is_found() {
    assert!(matches!(judge(&[0, 1, 2], &[1], &[0, 1, 2]), Err(Violation::Unbalanced { .. })));
}

#[test]
fn a_damaged_descriptor_is_found() {
    let mut damaged = descriptor(5);
    damaged.seq = 6;
    assert!(matches!(Received::new("hop").enter(&damaged), Err(Violation::Damaged { seq: 6, .. })));
}

proptest! {
    /// Any split of what was sent into lost and arrived is in order, and any one change to it is not.
    #[test]
    fn exactly_the_true_histories_are_in_order(
        fates in prop::collection::vec(any::<bool>(), 1..60),
        change in 0_usize..3,
        at in any::<prop::sample::Index>(),
    ) {
        let sent: Vec<u64> = (0..fates.len() as u64).collect();
        let (mut arrived, mut lost): (Vec<u64>, Vec<u64>) = sent.iter().partition(|&&seq| fates[seq as usize]);
        prop_assert_eq!(judge(&sent, &lost, &arrived), Ok(()));
        let index = at.index(sent.len()) as u64;
        match change {
            // It vanishes from whichever book it is in.
            0 => { arrived.retain(|&seq| seq != index); lost.retain(|&seq| seq != index); }
            // It is in both.
            1 if fates[index as usize] => lost.push(index),
            1 => { arrived.push(index); arrived.sort_unstable(); }
            // It arrives twice.
            _ => { arrived.push(index); arrived.push(index); }
        }
        prop_assert!(judge(&sent, &lost, &arrived).is_err());
    }
}
