//! Publishing the estimate: whenever it moves, and at least every 100 ms.

use std::time::Duration;

use rt_core::clock::Monotonic;

use super::Subscription;
use crate::estimate::LinkEstimate;

/// The longest the readers go without a fresh estimate.
pub(super) const PERIOD: Duration = Duration::from_millis(100);
/// The shortest time between two, so that each acknowledgement does not wake the allocator.
const LEAST: Duration = Duration::from_millis(5);
/// A move by this part of the rate is told at once.
const MOVE: f64 = 0.02;

pub(super) struct Publisher {
    subscriptions: Vec<Subscription<LinkEstimate>>,
    last: LinkEstimate,
}

impl Publisher {
    pub(super) fn new(subscriptions: Vec<Subscription<LinkEstimate>>) -> Self {
        Self { subscriptions, last: LinkEstimate::default() }
    }

    /// When the next estimate is due even if nothing moves.
    pub(super) fn due(&self) -> Monotonic {
        self.last.at.plus(PERIOD)
    }

    /// Publishes `estimate` where it is due or has moved.
    pub(super) fn offer(&mut self, estimate: LinkEstimate) {
        let since = estimate.at.saturating_since(self.last.at);
        let moved = (estimate.rate_bps - self.last.rate_bps).abs() > MOVE * self.last.rate_bps;
        let changed = estimate.connected != self.last.connected;
        if changed || since >= PERIOD || (moved && since >= LEAST) {
            self.last = estimate;
            tell(&mut self.subscriptions, estimate);
        }
    }
}

/// Puts `value` into every mailbox and rings every bell.
pub(super) fn tell<T: Clone>(subscriptions: &mut [Subscription<T>], value: T) {
    for subscription in subscriptions {
        subscription.mailbox.put(value.clone());
        subscription.bell.ring();
    }
}
