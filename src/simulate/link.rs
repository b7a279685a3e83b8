//! The link as the simulator asks for it: a trace of the emulator's, and the estimator that runs in the car.

use std::time::Duration;

use allocation::simulate::{Acknowledged, Estimator, Uplink};
use rt_core::clock::Monotonic;
use transport::estimate::{EstimatorLimits, RateEstimator};
use transport::link::Trace;

/// A trace as an uplink, from an instant of it on.
pub struct TraceUplink<'a> {
    trace: &'a Trace,
    from: Duration,
    /// Bits that had passed by then.
    before: u64,
}

impl<'a> TraceUplink<'a> {
    /// `trace` from `from` on.
    pub fn new(trace: &'a Trace, from: Duration) -> Self {
        Self { trace, from, before: trace.bits_by(from) }
    }
}

impl Uplink for TraceUplink<'_> {
    fn bits_by(&self, since_start: Duration) -> u64 {
        self.trace.bits_by(self.from.saturating_add(since_start)) - self.before
    }

    fn instant_of_bit(&self, bits: u64) -> Option<Duration> {
        Some(self.trace.instant_of_bit(self.before.checked_add(bits)?)?.saturating_sub(self.from))
    }
}

/// The very estimator that runs in the car.
pub struct CarEstimator(RateEstimator);

impl Default for CarEstimator {
    fn default() -> Self {
        Self(RateEstimator::new(EstimatorLimits::default()))
    }
}

/// Zero is no instant of the monotonic clock.
fn instant(since_start: Duration) -> Monotonic {
    Monotonic::from_ns(1_000_000_000).plus(since_start)
}

impl Estimator for CarEstimator {
    fn sent(&mut self, now: Duration) {
        self.0.sent(instant(now));
    }

    fn acknowledged(&mut self, now: Duration, told: Acknowledged) {
        let now = instant(now);
        self.0.acknowledged(now, told.delivered, told.in_flight);
        self.0.set_app_limited(told.app_limited);
        self.0.round_trip(now, told.latest, told.least, told.smoothed, told.in_flight);
        self.0.window(now, told.latest, told.least, told.window_full);
    }

    fn passed(&mut self, now: Duration, bytes: u64, passage: Duration) {
        self.0.passed(instant(now), bytes, passage);
    }

    fn train(&mut self, now: Duration, bytes_per_s: f64, bytes: u32) {
        self.0.train(instant(now), bytes_per_s, bytes);
    }

    fn late(&mut self, now: Duration, delivered: u64, elapsed: Duration) {
        self.0.late(instant(now), delivered, elapsed);
    }

    fn rate_bps(&self, now: Duration) -> f64 {
        self.0.rate(instant(now)) * 8.0
    }

    fn low_rate_bps(&self, now: Duration) -> f64 {
        self.0.low_rate(instant(now)) * 8.0
    }

    fn ack_rate_bps(&self) -> Option<f64> {
        self.0.ack_rate().map(|rate| rate * 8.0)
    }

    fn silence(&self, now: Duration) -> Duration {
        self.0.silence(instant(now))
    }

    fn is_measured(&self, now: Duration) -> bool {
        self.0.is_measured(instant(now))
    }
}
