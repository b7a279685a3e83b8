//! How much may be in the stack: as little as keeps the pipe busy, because what QUIC holds can be neither reordered
//! nor replaced by a newer frame.
//!
//! Two limits. In flight: what the link carries in a round trip and a little more ([`window_bytes`]); the congestion
//! controller holds the stack to it. In the stack's own buffers, not yet sent: a few packets ([`Feed`]), because the
//! stack sends what it holds in an order of its own.

use std::time::Duration;

/// Beyond the smallest round trip, this much time's worth of bytes may be in flight: it is the queue at the bottleneck
/// that keeps it busy while acknowledgements are late.
const HEADROOM: Duration = Duration::from_millis(3);
/// And as much more on a link that is sometimes next to nothing: its capacity comes in bunches, and a queue has to be
/// there when one comes. In proportion on one that varies less.
const UNSTEADY_HEADROOM: Duration = Duration::from_millis(25);
/// Beyond that, bytes: acknowledgements come for two packets at a time, and the smallest window is no smaller.
const LEAST_HEADROOM_BYTES: f64 = 4.0 * 1_472.0;
/// How much faster than the estimate the stack may send, so that a link that has become faster shows.
const PACE: f64 = 1.25;
/// The largest piece given to QUIC at once, bytes.
pub const MAX_CHUNK_BYTES: usize = 16 * 1024;
/// The smallest, bytes: two packets.
const MIN_CHUNK_BYTES: usize = 2_800;
/// A chunk lasts about this long on the wire.
const CHUNK_TIME: Duration = Duration::from_millis(2);

/// Beyond the smallest round trip, how much time's worth of bytes may be in flight at `rate`, where nine times out of ten
/// the link carries at least `low_rate`.
///
/// ```
/// use std::time::Duration;
/// use transport::car::gate::headroom;
/// assert_eq!(headroom(1e6, 1e6), Duration::from_millis(3));
/// assert_eq!(headroom(1e6, 5e5), Duration::from_micros(15_500));
/// ```
#[must_use]
pub fn headroom(rate: f64, low_rate: f64) -> Duration {
    let steadiness = low_rate.max(0.0) / rate.max(1.0);
    HEADROOM + UNSTEADY_HEADROOM.mul_f64(1.0 - steadiness.clamp(0.0, 1.0))
}

/// The most bytes that may be in flight on a path of `rate` bytes per second and `min_rtt`, with the [`headroom`] given;
/// `part` of a full pipe's (see [`crate::estimate::MinRtt::part`]).
#[must_use]
pub fn window_bytes(rate: f64, min_rtt: Duration, headroom: Duration, part: f64) -> u64 {
    let pipe = if part < 1.0 { min_rtt.mul_f64(part) } else { min_rtt + headroom };
    (rate * pipe.as_secs_f64() + LEAST_HEADROOM_BYTES) as u64
}

/// How fast the stack may send, bytes per second, at an estimate of `rate`.
#[must_use]
pub fn pace(rate: f64) -> f64 {
    rate * PACE
}

/// How large the next chunk should be at `rate` bytes per second.
#[must_use]
pub fn chunk_bytes(rate: f64) -> usize {
    ((rate * CHUNK_TIME.as_secs_f64()) as usize).clamp(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES)
}

/// What the stack was given and has not sent.
///
/// ```
/// use transport::car::gate::Feed;
/// let mut feed = Feed::default();
/// feed.give(10_000);
/// assert_eq!(feed.unsent_bytes(), 10_000);
/// feed.sent(4_000, false);
/// assert_eq!(feed.unsent_bytes(), 6_000);
/// feed.sent(5_000, true); // the stack says that it is empty: headers and repeats no longer matter
/// assert_eq!(feed.unsent_bytes(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Feed {
    unsent_bytes: u64,
    sent_bytes: u64,
}

impl Feed {
    /// The stack was given `bytes`.
    pub fn give(&mut self, bytes: u64) {
        self.unsent_bytes = self.unsent_bytes.saturating_add(bytes);
    }

    /// What it held may have been discarded with a frame that was given up.
    pub fn forget(&mut self) {
        self.unsent_bytes = 0;
    }

    /// Of what was given, `bytes` will never be sent: their frame is over.
    pub fn take_back(&mut self, bytes: u64) {
        self.unsent_bytes = self.unsent_bytes.saturating_sub(bytes);
    }

    /// The stack has sent `sent_bytes` in all by now, and is `dry` or not.
    pub fn sent(&mut self, sent_bytes: u64, dry: bool) {
        let sent = sent_bytes.saturating_sub(self.sent_bytes);
        self.sent_bytes = sent_bytes;
        self.unsent_bytes = if dry { 0 } else { self.unsent_bytes.saturating_sub(sent) };
    }

    /// What it holds.
    #[must_use]
    pub const fn unsent_bytes(&self) -> u64 {
        self.unsent_bytes
    }

    /// Whether another chunk may be given: the stack holds less than one, and with it no more than `window_bytes` would
    /// be on the way. Nothing on the way opens the gate always, so that no wrong measurement can close it for good.
    #[must_use]
    pub fn is_open(&self, in_flight_bytes: u64, window_bytes: u64, rate: f64) -> bool {
        let on_the_way = in_flight_bytes.saturating_add(self.unsent_bytes);
        on_the_way == 0 || (on_the_way < window_bytes && self.unsent_bytes < chunk_bytes(rate) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_empty_pipe_is_never_closed(window in 0..10_000_000_u64, rate in 0.0..1e9_f64) {
            prop_assert!(Feed::default().is_open(0, window, rate));
        }

        #[test]
        fn an_unsteadier_link_has_no_less_headroom(rate: f64, low: f64, less in 0.0..1.0_f64) {
            let most = HEADROOM + UNSTEADY_HEADROOM;
            prop_assert!((HEADROOM..=most).contains(&headroom(rate, low)));
            let (rate, low) = (rate.abs(), low.abs());
            prop_assert!(headroom(rate, low * less) >= headroom(rate, low));
        }

        #[test]
        fn more_on_the_way_never_opens_the_gate(
            given in 0..100_000_u64,
            in_flight in 0..1_000_000_u64,
            more in 1..1_000_000_u64,
            window in 0..2_000_000_u64,
            rate in 0.0..1e9_f64,
        ) {
            let mut feed = Feed::default();
            feed.give(given);
            let before = feed.is_open(in_flight, window, rate);
            prop_assert!(before || !feed.is_open(in_flight + more, window, rate));
            feed.give(more);
            prop_assert!(before || !feed.is_open(in_flight, window, rate));
        }

        #[test]
        fn a_feed_never_holds_more_than_it_was_given(steps in prop::collection::vec((0..50_000_u64, 0..50_000_u64, any::<bool>()), 0..50)) {
            let (mut feed, mut given, mut sent) = (Feed::default(), 0, 0);
            for (more, gone, dry) in steps {
                feed.give(more);
                given += more;
                sent += gone;
                feed.sent(sent, dry);
                prop_assert!(feed.unsent_bytes() <= given);
                prop_assert!(!dry || feed.unsent_bytes() == 0);
            }
        }
    }

    #[test]
    fn the_window_is_a_round_trip_and_a_little() {
        // 10 Mbit/s, 50 ms: 62.5 KB in the pipe, 3.75 KB of headroom, four packets.
        let steady = headroom(1_250_000.0, 1_250_000.0);
        assert_eq!(window_bytes(1_250_000.0, Duration::from_millis(50), steady, 1.0), 66_250 + 5_888);
        assert_eq!(window_bytes(0.0, Duration::ZERO, steady, 1.0), 5_888);
    }

    #[test]
    fn chunks_follow_the_rate_within_their_bounds() {
        assert_eq!(chunk_bytes(0.0), MIN_CHUNK_BYTES);
        assert_eq!(chunk_bytes(2_500_000.0), 5_000);
        assert_eq!(chunk_bytes(f64::INFINITY), MAX_CHUNK_BYTES);
    }
}
