//! What the simulator has to be told about the link: how much it carries, and what the car believes it does.

use std::time::Duration;

/// A link's capacity over time, known from beginning to end.
pub trait Uplink {
    /// Bits that could have left by `since_start`.
    fn bits_by(&self, since_start: Duration) -> u64;

    /// When that many bits could have left; `None` where they never will.
    fn instant_of_bit(&self, bits: u64) -> Option<Duration>;
}

/// What acknowledgements tell.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// Bytes delivered in all so far.
    pub delivered: u64,
    /// Bytes still out.
    pub in_flight: u64,
    /// The latest round trip.
    pub latest: Duration,
    /// The least round trip.
    pub least: Duration,
    /// The round trip, smoothed as the stack does (RFC 9002, 5.3).
    pub smoothed: Duration,
    /// Whether as much is on its way as the estimate allows.
    pub window_full: bool,
    /// Whether nothing waits to be sent, so that the link is not what holds anything up.
    pub app_limited: bool,
}

/// The car's estimate of the link, fed with what the car would see. Instants count from the start of the run.
pub trait Estimator {
    /// Bytes were given to the link.
    fn sent(&mut self, now: Duration);

    /// Acknowledgements came.
    fn acknowledged(&mut self, now: Duration, acknowledged: Acknowledged);

    /// The receiver saw `bytes` arrive at this rate, and the car has learnt of it.
    fn train(&mut self, now: Duration, bytes_per_s: f64, bytes: u32);

    /// A frame of `bytes` was answered `passage` later than the fastest answer could have come.
    fn passed(&mut self, now: Duration, bytes: u64, passage: Duration);

    /// A frame was given up, of which `delivered` bytes came through in `elapsed`.
    fn late(&mut self, now: Duration, delivered: u64, elapsed: Duration);

    /// The usable rate in bit/s.
    fn rate_bps(&self, now: Duration) -> f64;

    /// What the link carries nine times out of ten, bit/s.
    fn low_rate_bps(&self, now: Duration) -> f64;

    /// Acknowledged bits per second of the last 200 ms, where known.
    fn ack_rate_bps(&self) -> Option<f64>;

    /// For how long bytes have been on the way of which nothing was heard.
    fn silence(&self, now: Duration) -> Duration;

    /// Whether the rate was measured under load, so that frames may be dropped on its word.
    fn is_measured(&self, now: Duration) -> bool;
}
