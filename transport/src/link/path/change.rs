//! One property of a direction and its new value.

use std::time::Duration;

use super::config::{PathConfig, PathConfigError};
use super::effects::{BurstLoss, Reorder};
use crate::link::trace::Trace;

/// What [`super::Path::apply`] changes; each is a field of [`PathConfig`] but for the blackout.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Capacity over time.
    Trace(Trace),
    /// The drop-tail queue, bytes; packets that no longer fit stay.
    Queue(u64),
    /// Propagation delay.
    Delay(Duration),
    /// The most that is added to the delay at random.
    Jitter(Duration),
    /// Loss of single packets.
    Loss(f64),
    /// Loss in bursts.
    Burst(BurstLoss),
    /// Packets held back.
    Reorder(Reorder),
    /// Share of packets that arrive twice.
    Duplicate(f64),
    /// Share of packets that arrive damaged.
    Corrupt(f64),
    /// Whether the bottleneck stands still.
    Blackout(bool),
}

impl Change {
    /// Whether a direction can become so, for packets of up to `mtu_bytes`.
    ///
    /// # Errors
    /// As [`PathConfig::check`].
    pub fn check(&self, direction: &'static str, mtu_bytes: u32) -> Result<(), PathConfigError> {
        // Only the changed value can be at fault: no rule ties two properties together.
        let mut config = PathConfig::shaped(Trace::fixed(0));
        config.queue_bytes = u64::MAX;
        self.clone().write(&mut config);
        config.check(direction, mtu_bytes)
    }

    /// Writes the new value into a description; a blackout is no part of one.
    pub(super) fn write(self, config: &mut PathConfig) {
        match self {
            Self::Trace(trace) => config.trace = trace,
            Self::Queue(bytes) => config.queue_bytes = bytes,
            Self::Delay(delay) => config.delay = delay,
            Self::Jitter(jitter) => config.jitter = jitter,
            Self::Loss(loss) => config.loss = loss,
            Self::Burst(burst) => config.burst = burst,
            Self::Reorder(reorder) => config.reorder = reorder,
            Self::Duplicate(duplicate) => config.duplicate = duplicate,
            Self::Corrupt(corrupt) => config.corrupt = corrupt,
            Self::Blackout(_) => {}
        }
    }
}
