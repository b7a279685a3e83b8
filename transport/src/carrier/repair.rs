//! How many repair shards a frame gets: as many as save more frames than their bytes would have carried.
//!
//! Losses are modelled as bursts that begin at random and have geometric lengths, so that the number of lost shards is
//! compound Poisson (Pólya–Aeppli); with bursts of one packet it is a Poisson number. Only losses that could not be sent
//! again in time count. Of every possible amount of repair the one with the best expected use is taken: the chance that
//! the frame gets through, against the bytes that the repair takes from other frames.

/// Least repair where there is no time for a retransmission and room on the link, part of the data shards (transport notes).
const FLOOR: f64 = 0.05;
/// More repair than this part of the data is never worth it: the other carrier, or a smaller frame, is.
const MOST: f64 = 0.5;
/// What a byte is worth while nobody waits for the link.
const PRICE_IDLE: f64 = 0.1;
/// Beyond this many expected bursts the recurrence would start from a number too small to hold.
const MOST_BURSTS: f64 = 600.0;

/// What the amount of repair depends on.
#[derive(Clone, Copy, Debug)]
pub struct RepairInputs {
    /// Shards that hold the object itself.
    pub data_shards: u16,
    /// Fraction of packets lost.
    pub loss: f64,
    /// Mean length of a burst of losses, packets; at least 1.
    pub burst: f64,
    /// Part of the shards, 0 to 1, that could not be sent again before the deadline if they were lost.
    pub late_part: f64,
    /// Whether the link is full, so that each byte is taken from another frame.
    pub link_full: bool,
}

/// How many repair shards to send.
///
/// ```
/// use transport::carrier::repair::{RepairInputs, repair_shards};
/// let inputs = RepairInputs { data_shards: 22, loss: 0.01, burst: 1.0, late_part: 1.0, link_full: false };
/// assert_eq!(repair_shards(&inputs), 2);
/// assert_eq!(repair_shards(&RepairInputs { link_full: true, ..inputs }), 1);
/// assert_eq!(repair_shards(&RepairInputs { late_part: 0.0, link_full: true, ..inputs }), 0);
/// ```
#[must_use]
pub fn repair_shards(inputs: &RepairInputs) -> u16 {
    let data = f64::from(inputs.data_shards.max(1));
    let loss = if inputs.loss.is_finite() { inputs.loss.clamp(0.0, 0.5) } else { 0.5 };
    let burst = if inputs.burst.is_finite() { inputs.burst.clamp(1.0, 100.0) } else { 1.0 };
    let late = if inputs.late_part.is_finite() { inputs.late_part.clamp(0.0, 1.0) } else { 1.0 };
    // What is sent again may be lost again, and then there is no time for certain.
    let at_stake = late + (1.0 - late) * loss;
    let price = if inputs.link_full { 1.0 } else { PRICE_IDLE };
    let most = (data * MOST).ceil() as u16;
    let floor = if inputs.link_full { 0 } else { (data * late * FLOOR).ceil() as u16 };
    // A burst that has begun goes on with this chance.
    let goes_on = 1.0 - 1.0 / burst;
    let bursts = (data * at_stake * (1.0 + FLOOR) * loss / burst).min(MOST_BURSTS);
    let (mut before, mut chance) = (0.0, (-bursts).exp());
    let mut mended = chance;
    let (mut best, mut most_use) = (0, f64::NEG_INFINITY);
    for repair in 0..=most {
        let lost = f64::from(repair);
        if repair > 0 {
            let next = ((2.0 * goes_on * (lost - 1.0) + bursts * (1.0 - goes_on)) * chance
                - goes_on * goes_on * (lost - 2.0) * before)
                / lost;
            (before, chance) = (chance, next.max(0.0));
            mended = (mended + chance).min(1.0);
        }
        let worth = mended * (data / (data + lost)).powf(price);
        if worth > most_use {
            (best, most_use) = (repair, worth);
        }
    }
    best.max(floor).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: RepairInputs =
        RepairInputs { data_shards: 22, loss: 0.01, burst: 1.0, late_part: 1.0, link_full: false };

    #[test]
    fn the_floor_holds_without_time_and_not_with_it() {
        let clean = RepairInputs { loss: 0.0, data_shards: 100, ..BASE };
        assert_eq!(repair_shards(&clean), 5);
        assert_eq!(repair_shards(&RepairInputs { late_part: 0.0, ..clean }), 0);
        assert_eq!(repair_shards(&RepairInputs { data_shards: 1, ..clean }), 1, "a lone shard goes twice");
    }

    /// The amount chosen mends nearly everything, as independent draws of the loss say.
    #[test]
    fn what_is_chosen_mends_what_is_lost() {
        for (loss, burst) in [(0.01, 1.0), (0.05, 1.0), (0.02, 3.0)] {
            let inputs = RepairInputs { data_shards: 40, loss, burst, ..BASE };
            let repair = u32::from(repair_shards(&inputs));
            let mut state = 9_u64;
            let mut unit = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1_u64 << 53) as f64
            };
            let (mut failed, mut losing) = (0, false);
            for _ in 0..20_000 {
                // Gilbert's two states: a burst goes on, or one begins so that the mean loss is right.
                let begins = loss / (burst * (1.0 - loss));
                let lost: u32 = (0..40 + repair)
                    .map(|_| {
                        losing = unit() < if losing { 1.0 - 1.0 / burst } else { begins };
                        u32::from(losing)
                    })
                    .sum();
                failed += u32::from(lost > repair);
            }
            assert!(failed < 500, "{failed} of 20000 failed at loss {loss}, burst {burst}, repair {repair}");
        }
    }

    proptest! {
        #[test]
        fn repair_is_bounded_and_grows_with_loss(
            data in 1..4_096_u16, loss in 0.0..0.2_f64, more in 0.0..0.05_f64, burst in 1.0..8.0_f64, full: bool,
        ) {
            let inputs = RepairInputs { data_shards: data, loss, burst, link_full: full, ..BASE };
            let repair = repair_shards(&inputs);
            prop_assert!(repair <= data.div_ceil(2));
            prop_assert!(full || repair >= 1);
            let lossier = repair_shards(&RepairInputs { loss: loss + more, ..inputs });
            // Where the link is full, a frame that would need too much gets none at all.
            prop_assert!(lossier >= repair || full, "{} after {repair}", lossier);
        }

        /// Where less can be sent again in time, there is no less repair.
        #[test]
        fn repair_grows_with_what_would_come_too_late(
            data in 1..4_096_u16, loss in 0.0..0.2_f64, late in 0.0..1.0_f64, more in 0.0..1.0_f64, burst in 1.0..8.0_f64,
        ) {
            let repair = |late_part| repair_shards(&RepairInputs { data_shards: data, loss, burst, late_part, ..BASE });
            prop_assert!(repair(late + (1.0 - late) * more) >= repair(late));
        }

        #[test]
        fn any_numbers_are_survived(data: u16, loss: f64, burst: f64, late_part: f64, full: bool) {
            let inputs = RepairInputs { data_shards: data, loss, burst, late_part, link_full: full };
            prop_assert!(repair_shards(&inputs) <= data.max(1).div_ceil(2));
        }
    }
}
