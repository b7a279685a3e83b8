//! The estimator itself: pure, driven by what the connection and the results say.

use std::time::Duration;

use rt_core::clock::Monotonic;

use super::ack_window::{ACK_WINDOW, AckWindow};
use super::train_window::TrainWindow;

/// A queue is building where the round trip is this much above its minimum (transport notes).
pub const QUEUE_INFLATION: Duration = Duration::from_millis(30);
/// While the application is the limit, that many acknowledgements with such a round trip, and none with a shorter one, are
/// a queue.
const QUEUE_ACKS: u32 = 4;
/// Silence of acknowledgements, with bytes in flight, after which the estimate starts to fall; at least two round trips.
const SILENCE: Duration = Duration::from_millis(100);
/// In silence the estimate halves this often, so that a dead link costs 90 % within 0.45 s.
const HALF_LIFE: Duration = Duration::from_millis(75);
/// A train rate may at most multiply the estimate by this in one step; one lucky batch must not.
const RISE: f64 = 2.0;
/// A link never counts as varying by more than this.
const LEAST_SPREAD: f64 = 0.3;
/// How much it may vary is told by this many trains of a second; until then half is assumed.
const SPREAD_TRAINS: usize = 4;
const UNKNOWN_SPREAD: f64 = 0.5;
/// A shorter passage is a measurement's error, not a link's speed.
const LEAST_PASSAGE: Duration = Duration::from_millis(2);
/// How much of the way towards a higher and a lower train rate one sample goes.
const GAIN_UP: f64 = 0.5;
const GAIN_DOWN: f64 = 0.7;
/// The acknowledgement rate while a queue builds is the link's, within this factor.
const ACK_SLACK: f64 = 1.1;
/// For this long a measured rate is believed.
const MEASURE_MEMORY: Duration = Duration::from_secs(1);
/// Beyond the smallest round trip, less than this is no queue.
const NO_QUEUE: Duration = Duration::from_millis(3);
/// Where the window is full and no queue stands, the estimate rises by this much in a round trip.
const UNQUEUED_RISE: f64 = 1.1;
/// A frame that was begun more recently than this beyond a round trip says nothing of the rate.
const LEAST_CARRYING: Duration = Duration::from_millis(20);
/// A frame that came late at most lowers the estimate to this part of it.
const LATE_FLOOR: f64 = 0.6;

/// Percentiles of a second's trains, as parts of their 75th.
#[derive(Clone, Copy, Debug)]
struct Spread {
    /// The tenth.
    low: f64,
    /// The 90th.
    high: f64,
}

/// Where a rate lies; see [`RateEstimator::range`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRange {
    /// One byte in ten came more slowly than this, bytes per second.
    pub low: f64,
    /// One byte in ten came faster.
    pub high: f64,
}

/// Bounds of what may be believed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EstimatorLimits {
    /// Before anything was measured, bytes per second.
    pub initial: f64,
    /// Never below, bytes per second: something must be left for the frames that find out more.
    pub least: f64,
    /// Never above, bytes per second.
    pub most: f64,
}

impl Default for EstimatorLimits {
    fn default() -> Self {
        Self { initial: 250_000.0, least: 2_500.0, most: 1.25e9 }
    }
}

/// The uplink's usable rate, from trains, acknowledgements, silence and lateness.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use std::time::Duration;
/// use transport::estimate::{EstimatorLimits, RateEstimator};
/// let mut estimator = RateEstimator::new(EstimatorLimits::default());
/// let mut now = Monotonic::from_ns(1);
/// for _ in 0..20 {
///     now = now.plus(Duration::from_millis(100));
///     estimator.train(now, 1_250_000.0, 24_000); // 10 Mbit/s seen by the receiver, although little is sent
/// }
/// assert!((estimator.rate(now) / 1_250_000.0 - 1.0).abs() < 0.05);
/// ```
#[derive(Debug)]
pub struct RateEstimator {
    limits: EstimatorLimits,
    rate: f64,
    trains: TrainWindow,
    /// How much the link varies, as a second's trains told last, and when they did.
    spread: Spread,
    spread_at: Option<Monotonic>,
    app_limited: bool,
    acks: AckWindow,
    srtt: Duration,
    building_since: Option<Monotonic>,
    /// Acknowledgements since then.
    building_acks: u32,
    /// Since when bytes have waited for the window although no queue stood, or when the estimate last rose for it.
    unqueued_since: Option<Monotonic>,
    /// When a queue last stood for long enough that the acknowledgement rate was the link's.
    loaded_at: Option<Monotonic>,
    /// When bytes were first put in flight after the last acknowledgement, or that acknowledgement itself.
    waiting_since: Option<Monotonic>,
}

impl RateEstimator {
    /// An estimator that has seen nothing.
    #[must_use]
    pub fn new(limits: EstimatorLimits) -> Self {
        Self {
            limits,
            rate: limits.initial,
            trains: TrainWindow::new(),
            spread: Spread { low: UNKNOWN_SPREAD, high: 1.0 },
            spread_at: None,
            app_limited: false,
            acks: AckWindow::default(),
            srtt: Duration::from_millis(100),
            building_since: None,
            building_acks: 0,
            unqueued_since: None,
            loaded_at: None,
            waiting_since: None,
        }
    }

    /// A new connection began: history of the old path is no witness, though its rate is a first guess.
    pub fn reconnected(&mut self) {
        self.trains.clear();
        self.acks.clear();
        self.building_since = None;
        self.unqueued_since = None;
        self.loaded_at = None;
        self.waiting_since = None;
        self.spread_at = None;
        self.rate = self.rate.max(self.limits.initial).min(self.limits.most);
    }

    /// The receiver saw `bytes` arrive as a train of `bytes_per_s`.
    pub fn train(&mut self, now: Monotonic, bytes_per_s: f64, bytes: u32) {
        if !(bytes_per_s.is_finite() && bytes_per_s > 0.0) || bytes == 0 {
            return;
        }
        let clipped = bytes_per_s.clamp(self.limits.least, self.limits.most);
        self.trains.push(now, clipped, f64::from(bytes));
        let Some(mut target) = self.trains.quantile(0.75) else { return };
        if self.trains.len() >= SPREAD_TRAINS
            && let Some((low, high)) = self.trains.quantile(0.1).zip(self.trains.quantile(0.9))
        {
            self.spread = Spread { low: low / target, high: high / target };
            self.spread_at = Some(now);
        }
        // While a queue stands the acknowledgements know better than trains of the last second.
        if let Some(acked) = self.acks.rate()
            && self.queue_stands(now)
        {
            target = target.min(acked * ACK_SLACK);
        }
        if target > self.rate {
            let next = self.rate + GAIN_UP * (target - self.rate);
            // Up to the first guess it may go at once, so that a link that was lost is soon used again.
            self.set(next.min((self.rate * RISE).max(self.limits.initial)));
        } else if self.unqueued_since.is_none() {
            // Where the window holds packets back a train is no faster than what is believed.
            self.set(self.rate + GAIN_DOWN * (target - self.rate));
        }
    }

    /// A frame of `bytes` on the wire was answered `passage` later than the fastest answer could have come: the link
    /// carried at least that much in that time.
    pub fn passed(&mut self, now: Monotonic, bytes: u64, passage: Duration) {
        let least = bytes as f64 / passage.max(LEAST_PASSAGE).as_secs_f64();
        // Up to the first guess only: beyond it trains know better.
        let least = least.min(self.limits.initial);
        if least > self.rate(now) {
            self.set(least);
        }
    }

    /// Acknowledgements came: `delivered_bytes` in total so far, `in_flight_bytes` still out.
    pub fn acknowledged(&mut self, now: Monotonic, delivered_bytes: u64, in_flight_bytes: u64) {
        self.settle(now);
        self.acks.push(now, delivered_bytes);
        self.building_acks = self.building_acks.saturating_add(1);
        self.waiting_since = (in_flight_bytes > 0).then_some(now);
        let Some(acked) = self.acks.rate() else { return };
        // Whatever was delivered over 200 ms, the link can carry.
        if acked > self.rate {
            self.set(acked);
        }
        if self.queue_stands(now) {
            self.loaded_at = Some(now);
        }
        if self.queue_stands(now) && self.rate > acked * ACK_SLACK {
            self.set(acked * ACK_SLACK);
        }
    }

    /// The connection's round-trip times and bytes in flight, as they change.
    pub fn round_trip(&mut self, now: Monotonic, latest: Duration, min: Duration, smoothed: Duration, in_flight: u64) {
        self.srtt = smoothed;
        if latest > min + QUEUE_INFLATION {
            self.building_since.get_or_insert(now);
        } else {
            self.building_since = None;
            self.building_acks = 0;
        }
        if in_flight == 0 {
            self.waiting_since = None;
        } else {
            self.waiting_since.get_or_insert(now);
        }
    }

    /// Whether as much is in flight as the estimate allows. Where no queue stands even so, the link carries more: its
    /// packets leave as acknowledgements come, and the receiver's trains show the estimate instead of the link.
    pub fn window(&mut self, now: Monotonic, latest: Duration, min: Duration, full: bool) {
        if !full || latest > min + NO_QUEUE {
            self.unqueued_since = None;
            return;
        }
        let since = *self.unqueued_since.get_or_insert(now);
        if now.saturating_since(since) >= self.srtt {
            self.unqueued_since = Some(now);
            self.set(self.rate(now) * UNQUEUED_RISE);
        }
    }

    /// Whether the application gives the stack less than it would send: then a long round trip is a repeated packet's
    /// and no queue's, and acknowledgements tell the application's rate.
    pub fn set_app_limited(&mut self, app_limited: bool) {
        self.app_limited = app_limited;
    }

    /// Bytes were given to the stack: from now on acknowledgements are due.
    pub fn sent(&mut self, now: Monotonic) {
        self.waiting_since.get_or_insert(now);
    }

    /// A frame was given up or came late: in the `elapsed` time since it was begun, only `delivered_bytes` of all
    /// frames got through. Behind a queue that is the link's doing, and the estimate falls; without one, and where nothing
    /// has been measured for a second, it is the estimate's own, which rises.
    pub fn late(&mut self, now: Monotonic, delivered_bytes: u64, elapsed: Duration) {
        // The first round trip says nothing about the rate.
        let carrying = elapsed.saturating_sub(self.srtt);
        if carrying < LEAST_CARRYING {
            return;
        }
        if !self.queue_builds(now) {
            // Without a queue the link was not what held the frame up: our own pace was, or a lost packet. Where nothing
            // else tells, the estimate has to rise, or no frame would ever be whole in time and tell.
            if !self.is_measured(now) && self.silence(now) <= SILENCE {
                self.set((self.rate(now) * RISE).min(self.limits.most));
            }
            return;
        }
        let achieved = delivered_bytes as f64 / carrying.as_secs_f64();
        let current = self.rate(now);
        if achieved < current {
            self.trains.clear();
            self.set(achieved.max(current * LATE_FLOOR));
        }
    }

    /// Whether a queue has been there for long enough that the acknowledgement rate is the link's.
    fn queue_stands(&self, now: Monotonic) -> bool {
        self.queue_builds(now) && self.building_since.is_some_and(|since| now.saturating_since(since) >= ACK_WINDOW / 2)
    }

    /// Whether round trips are long because a queue builds. While the application is the limit, one alone may be that of a
    /// packet whose acknowledgement was lost; many in a row, and none short, are a queue's, which is only ever sent faster
    /// than it is drained.
    fn queue_builds(&self, now: Monotonic) -> bool {
        let lasts = |since| now.saturating_since(since) >= ACK_WINDOW && self.building_acks >= QUEUE_ACKS;
        self.building_since.is_some_and(|since| !self.app_limited || lasts(since))
    }

    /// Whether the rate was measured within the last second, by the receiver's trains or by acknowledgements under
    /// load; only such a rate may drop frames.
    #[must_use]
    pub fn is_measured(&self, now: Monotonic) -> bool {
        let newest = self.loaded_at.max(self.trains.newest());
        newest.is_some_and(|at| now.saturating_since(at) < MEASURE_MEMORY)
    }

    /// The acknowledgement rate of the last 200 ms, bytes per second, where there is one.
    #[must_use]
    pub fn ack_rate(&self) -> Option<f64> {
        self.acks.rate()
    }

    /// The usable rate at `now`, bytes per second.
    #[must_use]
    pub fn rate(&self, now: Monotonic) -> f64 {
        let Some(since) = self.waiting_since else { return self.rate };
        let last = self.acks.newest().map_or(since, |at| at.max(since));
        let silence = now.saturating_since(last).saturating_sub(SILENCE.max(self.srtt * 2));
        let halvings = silence.as_secs_f64() / HALF_LIFE.as_secs_f64();
        (self.rate * (-halvings).exp2()).max(self.limits.least)
    }

    /// For how long bytes have been on the way of which nothing was heard.
    #[must_use]
    pub fn silence(&self, now: Monotonic) -> Duration {
        let Some(since) = self.waiting_since else { return Duration::ZERO };
        now.saturating_since(self.acks.newest().map_or(since, |at| at.max(since)))
    }

    /// What the link carries nine times out of ten, bytes per second: the rate, less what it has varied by in the last
    /// second.
    #[must_use]
    pub fn low_rate(&self, now: Monotonic) -> f64 {
        (self.rate(now) * self.spread.low.clamp(LEAST_SPREAD, 1.0)).max(self.limits.least)
    }

    /// Where the rate lies by what the receiver saw of the last second, bytes per second: as far below and above the
    /// estimate as the tenth and the 90th percentile of that second's trains are below and above their 75th, which the
    /// estimate follows. `None` where fewer than four trains of a second told that, or the last did a second ago.
    ///
    /// It is how much the link varied, not how wrong the estimate may be; and packets that bunched up behind one another
    /// on the way make a train look faster than the link.
    #[must_use]
    pub fn range(&self, now: Monotonic) -> Option<RateRange> {
        self.spread_at.filter(|at| now.saturating_since(*at) < MEASURE_MEMORY)?;
        let of = |part: f64| (self.rate(now) * part).clamp(self.limits.least, self.limits.most);
        Some(RateRange { low: of(self.spread.low), high: of(self.spread.high) })
    }

    /// Makes what silence has taken away permanent, before the silence is forgotten.
    fn settle(&mut self, now: Monotonic) {
        let settled = self.rate(now);
        if settled < self.rate * 0.9 {
            // A train from before the silence would lift the estimate at once.
            self.trains.clear();
            self.acks.clear();
        }
        self.set(settled);
    }

    fn set(&mut self, rate: f64) {
        self.rate = rate.clamp(self.limits.least, self.limits.most);
    }
}
