//! The congestion window over the round trip, which the prototype takes for the uplink's capacity.

use std::collections::VecDeque;
use std::time::Duration;

/// For this long BBR remembers its highest delivery rate, about ten round trips.
const MEMORY_RTTS: u32 = 10;
/// BBR's window is this many bandwidth-delay products (Cardwell et al., ACM Queue 2016).
const WINDOW_GAIN: f64 = 2.0;
/// Before anything was delivered: ten packets in a round trip (RFC 9002).
const INITIAL_WINDOW_BITS: f64 = 10.0 * 1200.0 * 8.0;

/// A model of BBR's window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    rtt: Duration,
    rates: VecDeque<(Duration, f64)>,
}

impl Window {
    pub(super) fn new(rtt: Duration) -> Self {
        Self { rtt: rtt.max(Duration::from_millis(1)), rates: VecDeque::new() }
    }

    /// A delivery rate was sampled.
    pub(super) fn delivered(&mut self, now: Duration, bps: f64) {
        while self.rates.back().is_some_and(|&(_, rate)| rate <= bps) {
            self.rates.pop_back();
        }
        self.rates.push_back((now, bps));
        let memory = (self.rtt * MEMORY_RTTS).max(Duration::from_secs(1));
        while self.rates.len() > 1 && self.rates.front().is_some_and(|&(at, _)| now.saturating_sub(at) > memory) {
            self.rates.pop_front();
        }
    }

    /// Window over round trip, bit/s.
    pub(super) fn over_round_trip_bps(&self) -> f64 {
        let least = INITIAL_WINDOW_BITS / self.rtt.as_secs_f64();
        self.rates.front().map_or(least, |&(_, rate)| (WINDOW_GAIN * rate).max(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_highest_rate_of_the_last_second() {
        let mut window = Window::new(Duration::from_millis(50));
        assert_eq!(window.over_round_trip_bps(), 1_920_000.0);
        window.delivered(Duration::from_millis(0), 8e6);
        window.delivered(Duration::from_millis(500), 5e6);
        assert_eq!(window.over_round_trip_bps(), 16e6);
        window.delivered(Duration::from_millis(1100), 4e6);
        assert_eq!(window.over_round_trip_bps(), 10e6);
    }
}
