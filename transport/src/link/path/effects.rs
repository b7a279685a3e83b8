//! What can befall a packet beside waiting: how it is described, and what came of it.

use std::time::Duration;

/// Losses in bursts: a channel that is now good and now bad, and loses every packet while it is bad (Gilbert, 1960).
///
/// Together with [`super::PathConfig::loss`], which is then the loss of the good state, it is Gilbert and Elliott's
/// model with a bad state that lets nothing through. It changes state per packet offered, not per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurstLoss {
    /// Fraction of packets lost in bursts over a long time, 0 to below 1.
    pub loss: f64,
    /// Mean number of packets lost in a row, at least 1.
    pub mean_packets: f64,
}

impl BurstLoss {
    /// No bursts.
    pub const NONE: Self = Self { loss: 0.0, mean_packets: 1.0 };

    /// The shortest mean burst by which so much can be lost: with a shorter one, the channel would have to turn bad
    /// again more often than with every packet.
    #[must_use]
    pub fn least_mean_packets(&self) -> f64 {
        (self.loss / (1.0 - self.loss)).max(1.0)
    }

    pub(super) fn is_possible(&self) -> bool {
        self.loss < 1.0 && self.mean_packets.is_finite() && self.mean_packets >= self.least_mean_packets()
    }

    /// Probability that a bad channel is good for the next packet: bursts are geometric, with that mean.
    pub(super) fn leave(&self) -> f64 {
        1.0 / self.mean_packets
    }

    /// Probability that a good channel is bad for the next packet, so that it is bad for `loss` of all.
    pub(super) fn enter(&self) -> f64 {
        self.loss / (self.mean_packets * (1.0 - self.loss))
    }
}

/// Packets held back at random, so that those behind them overtake.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// Fraction of packets held back, 0 to 1.
    pub probability: f64,
    /// How much later than in its turn such a packet arrives; one is overtaken by what arrives meanwhile.
    pub extra_delay: Duration,
}

impl Reorder {
    /// Every packet keeps its turn.
    pub const NONE: Self = Self { probability: 0.0, extra_delay: Duration::ZERO };
}

/// How a packet's bytes were changed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(pub(super) u64);

impl Damage {
    /// Changes one byte of `payload`, the same one in the same way whenever it is called; none of an empty one.
    pub fn apply(self, payload: &mut [u8]) {
        let [flip, rest @ ..] = self.0.to_le_bytes();
        let draw = rest.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let place = draw.checked_rem(payload.len() as u64).and_then(|place| payload.get_mut(place as usize));
        if let Some(byte) = place {
            // Of 256 draws two change the lowest bit; none changes nothing.
            *byte ^= flip.max(1);
        }
    }
}

/// What befell a packet that left the bottleneck, beside its delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Lost, and in a burst of losses rather than alone.
    pub in_burst: bool,
    /// A packet offered later has arrived before it.
    pub overtaken: bool,
    /// It arrives twice, one right after the other; the copy takes no capacity.
    pub duplicated: bool,
    /// Its bytes are changed (in both copies).
    pub damage: Option<Damage>,
}
