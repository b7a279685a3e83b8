//! What one direction of a link is like.

use std::time::Duration;

use super::effects::{BurstLoss, Reorder};
use crate::link::trace::Trace;

/// Bytes of IPv4 and UDP headers, which a datagram carries beside its payload.
const IPV4_UDP_HEADER_BYTES: u32 = 20 + 8;

/// Default drop-tail queue: 125 KB, which is 100 ms at 10 Mbit/s.
const DEFAULT_QUEUE_BYTES: u64 = 125_000;

/// Rate of a direction that is not meant to be the bottleneck.
const FAST_BPS: u64 = 1_000_000_000;

/// One direction of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct PathConfig {
    /// Capacity over time.
    pub trace: Trace,
    /// The drop-tail queue before the bottleneck, bytes on the wire, the packet in service included.
    pub queue_bytes: u64,
    /// Propagation delay, after the bottleneck.
    pub delay: Duration,
    /// The most that is added at random (uniformly) to the delay; never reorders.
    pub jitter: Duration,
    /// Fraction of packets lost at random, 0 to 1, each on its own.
    pub loss: f64,
    /// Losses that come in bursts, beside those that come alone.
    pub burst: BurstLoss,
    /// Packets that are held back, so that others overtake them.
    pub reorder: Reorder,
    /// Fraction of packets that arrive twice, 0 to 1.
    pub duplicate: f64,
    /// Fraction of packets that arrive with one byte changed, 0 to 1.
    pub corrupt: f64,
    /// Bytes a datagram takes beside its payload.
    pub overhead_bytes: u32,
}

/// A direction that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PathConfigError {
    /// A probability is no fraction.
    #[error("{direction}: {what} is {value}; a fraction from 0 to 1 is wanted, such as 0.01 for 1 %")]
    Fraction {
        /// `uplink` or `downlink`.
        direction: &'static str,
        /// Which probability.
        what: &'static str,
        /// What was given.
        value: f64,
    },
    /// Bursts of this length cannot lose as much.
    #[error(
        "{direction}: bursts of {} packets cannot lose a fraction of {}; at least {:.2} packets on average are wanted, and a fraction below 1",
        burst.mean_packets, burst.loss, burst.least_mean_packets()
    )]
    Burst {
        /// `uplink` or `downlink`.
        direction: &'static str,
        /// What was given.
        burst: BurstLoss,
    },
    /// The queue holds no packet.
    #[error(
        "{direction}: the queue of {queue_bytes} bytes holds no packet; at least the MTU of {mtu_bytes} bytes is wanted"
    )]
    Queue {
        /// `uplink` or `downlink`.
        direction: &'static str,
        /// What was given.
        queue_bytes: u64,
        /// The largest packet, bytes on the wire.
        mtu_bytes: u32,
    },
}

impl PathConfig {
    /// Shaped by `trace`, with a queue of 125 KB, IPv4 and UDP headers counted, and neither delay nor loss.
    #[must_use]
    pub const fn shaped(trace: Trace) -> Self {
        Self {
            trace,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            burst: BurstLoss::NONE,
            reorder: Reorder::NONE,
            duplicate: 0.0,
            corrupt: 0.0,
            overhead_bytes: IPV4_UDP_HEADER_BYTES,
        }
    }

    /// A direction that is no bottleneck: 1 Gbit/s with a queue of 1 MB.
    #[must_use]
    pub fn fast() -> Self {
        Self { queue_bytes: 1_000_000, ..Self::shaped(Trace::fixed(FAST_BPS)) }
    }

    /// The same with another propagation delay.
    #[must_use]
    pub fn delayed(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same with another random loss, a fraction from 0 to 1.
    #[must_use]
    pub fn lossy(self, loss: f64) -> Self {
        Self { loss, ..self }
    }

    /// The same with other losses in bursts.
    #[must_use]
    pub fn bursty(self, burst: BurstLoss) -> Self {
        Self { burst, ..self }
    }

    /// Whether there can be such a direction for packets of up to `mtu_bytes`.
    ///
    /// # Errors
    /// The first value that cannot be, called by `direction`'s name.
    pub fn check(&self, direction: &'static str, mtu_bytes: u32) -> Result<(), PathConfigError> {
        let fractions = [
            ("loss", self.loss),
            ("the loss in bursts", self.burst.loss),
            ("the share of reordered packets", self.reorder.probability),
            ("the share of duplicated packets", self.duplicate),
            ("the share of corrupted packets", self.corrupt),
        ];
        if let Some((what, value)) = fractions.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(PathConfigError::Fraction { direction, what, value });
        }
        if !self.burst.is_possible() {
            return Err(PathConfigError::Burst { direction, burst: self.burst });
        }
        if self.queue_bytes < u64::from(mtu_bytes) {
            return Err(PathConfigError::Queue { direction, queue_bytes: self.queue_bytes, mtu_bytes });
        }
        Ok(())
    }
}
