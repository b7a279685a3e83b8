//! What the seed has in store for each packet.

use super::config::PathConfig;
use super::effects::{BurstLoss, Damage, Effects};
use crate::link::rng::Rng;

/// What will befall one packet; drawn when it is offered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) lost: bool,
    pub(super) jitter_ns: u64,
    /// How long it is held back, where it is.
    pub(super) held_back_ns: Option<u64>,
    pub(super) effects: Effects,
}

/// A stream of numbers for each effect, each drawn from once per packet whatever is switched on, so that the fate of
/// the k-th packet depends on the seed alone: not on timing, and not on the other effects.
pub(super) struct Fates {
    loss: Rng,
    burst: Rng,
    jitter: Rng,
    reorder: Rng,
    duplicate: Rng,
    corrupt: Rng,
    damage: Rng,
    channel_is_bad: bool,
}

impl Fates {
    pub(super) fn new(seed: u64) -> Self {
        let mut seeds = Rng::new(seed);
        let mut stream = || Rng::new(seeds.word());
        Self {
            loss: stream(),
            burst: stream(),
            jitter: stream(),
            reorder: stream(),
            duplicate: stream(),
            corrupt: stream(),
            damage: stream(),
            channel_is_bad: false,
        }
    }

    pub(super) fn next(&mut self, config: &PathConfig) -> Fate {
        let alone = self.loss.unit() < config.loss;
        let in_burst = self.step_channel(config.burst);
        let lost = alone || in_burst;
        let jitter_ns = (self.jitter.unit() * config.jitter.as_nanos() as f64) as u64;
        let held_back = self.reorder.unit() < config.reorder.probability;
        let extra_ns = u64::try_from(config.reorder.extra_delay.as_nanos()).unwrap_or(u64::MAX);
        let duplicated = self.duplicate.unit() < config.duplicate;
        let corrupted = self.corrupt.unit() < config.corrupt;
        let damage = Damage(self.damage.word());
        let effects = Effects {
            in_burst,
            overtaken: false,
            duplicated: duplicated && !lost,
            damage: (corrupted && !lost).then_some(damage),
        };
        Fate { lost, jitter_ns, held_back_ns: held_back.then_some(extra_ns), effects }
    }

    fn step_channel(&mut self, burst: BurstLoss) -> bool {
        let draw = self.burst.unit();
        self.channel_is_bad = match self.channel_is_bad {
            true => burst.loss > 0.0 && draw >= burst.leave(),
            false => draw < burst.enter(),
        };
        self.channel_is_bad
    }
}
