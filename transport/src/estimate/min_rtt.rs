//! The smallest round trip of the last ten to twenty seconds.
//!
//! The stack's own minimum never rises again, so that a path that has become longer would look like one with a queue for
//! ever. A window forgets; but under steady load every round trip in it holds some queue, and a minimum taken from those
//! would let the queue creep up. So where the minimum has grown old, the pipe is drained for a moment to see it again.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// Length of each half of the window.
const HALF: Duration = Duration::from_secs(10);
/// For how long a minimum outlives its connection: enough for a queue to drain.
const HANDED_ON: Duration = Duration::from_secs(3);
/// A minimum not seen again for this long is looked for: less than a half, so that each half has seen it.
const STALE: Duration = Duration::from_secs(8);
/// Within this much of the minimum a round trip confirms it.
const NEAR: Duration = Duration::from_millis(3);
/// Beyond a round trip, the time a drain takes.
const DRAIN: Duration = Duration::from_millis(30);
/// What part of a round trip's bytes may be in flight meanwhile.
const DRAINED_PART: f64 = 0.75;

/// The windowed minimum.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use std::time::Duration;
/// use transport::estimate::MinRtt;
/// let (start, ms) = (Monotonic::from_ns(1_000_000_000), Duration::from_millis(1));
/// let mut min = MinRtt::default();
/// min.observe(start, 50 * ms);
/// min.observe(start.plus(20 * ms), 90 * ms);
/// assert_eq!(min.get(), 50 * ms);
/// for second in 1..22 {
///     min.observe(start.plus(1_000 * ms * second), 120 * ms); // the path has become longer
/// }
/// assert_eq!(min.get(), 120 * ms);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MinRtt {
    /// The smallest of the half before, and of the current one.
    halves: [Option<Duration>; 2],
    /// When the current half becomes the one before.
    half_until: Monotonic,
    /// When the minimum was last seen.
    confirmed: Monotonic,
    drain_until: Monotonic,
}

impl MinRtt {
    /// A round trip took `rtt`.
    pub fn observe(&mut self, now: Monotonic, rtt: Duration) {
        if now >= self.half_until {
            let [_, current] = self.halves;
            self.halves = [current, None];
            self.half_until = now.plus(HALF);
        }
        let [_, current] = &mut self.halves;
        *current = Some(current.map_or(rtt, |least| least.min(rtt)));
        if rtt <= self.get() + NEAR {
            self.confirmed = now;
        } else if now.saturating_since(self.confirmed) >= STALE && !self.is_draining(now) {
            self.drain_until = now.plus(self.get() + DRAIN);
            // Confirmed or not: the next look is as far away.
            self.confirmed = now;
        }
    }

    /// A new connection began. What it sees first may all hold the queue that the old one has left behind, so the minimum
    /// stays for a moment; a path that has become longer is believed after that.
    pub fn reconnected(&mut self, now: Monotonic) {
        self.halves = [self.halves.into_iter().flatten().min(), None];
        self.half_until = now.plus(HANDED_ON);
        self.drain_until = now;
    }

    /// The smallest round trip; zero where none was seen.
    #[must_use]
    pub fn get(&self) -> Duration {
        let [before, current] = self.halves;
        before.into_iter().chain(current).min().unwrap_or_default()
    }

    /// What part of a round trip's bytes may be in flight: less than all while the pipe is drained to see its length.
    #[must_use]
    pub fn part(&self, now: Monotonic) -> f64 {
        if self.is_draining(now) { DRAINED_PART } else { 1.0 }
    }

    fn is_draining(&self, now: Monotonic) -> bool {
        now < self.drain_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_ns(1_000_000_000 + ms * 1_000_000)
    }

    #[test]
    fn a_standing_queue_does_not_creep_into_the_minimum() {
        let mut min = MinRtt::default();
        min.observe(at(0), 50 * MS);
        let mut most = Duration::ZERO;
        // Two minutes of full load: the queue is 15 ms wherever the pipe is not drained.
        for now in (0..120_000).step_by(10) {
            let queue = if min.part(at(now)) < 1.0 { Duration::ZERO } else { 15 * MS };
            min.observe(at(now), 50 * MS + queue);
            most = most.max(min.get());
        }
        assert_eq!(most, 50 * MS);
    }

    #[test]
    fn a_minimum_outlives_its_connection_for_a_moment() {
        let mut min = MinRtt::default();
        min.observe(at(0), 50 * MS);
        min.reconnected(at(1_000));
        min.observe(at(1_100), 400 * MS);
        assert_eq!(min.get(), 50 * MS, "a queue of the old connection is not the path");
        let mut longer = min;
        for ms in (1_200..9_000).step_by(100) {
            longer.observe(at(ms), 120 * MS);
        }
        assert_eq!(longer.get(), 120 * MS, "the path has become longer");
    }

    #[test]
    fn the_pipe_is_drained_seldom() {
        let mut min = MinRtt::default();
        min.observe(at(0), 50 * MS);
        let drained = (0..100_000_u64)
            .filter(|&now| {
                min.observe(at(now), 50 * MS + if min.part(at(now)) < 1.0 { Duration::ZERO } else { 15 * MS });
                min.part(at(now)) < 1.0
            })
            .count();
        assert!((1..1_500).contains(&drained), "{drained} ms of 100 s");
    }

    proptest! {
        #[test]
        fn the_minimum_is_one_that_was_seen_in_the_last_two_halves(rtts in prop::collection::vec((0..3_000_u64, 1..500_u32), 1..100)) {
            let (mut min, mut now, mut seen) = (MinRtt::default(), 0, Vec::new());
            for (gap, rtt) in rtts {
                now += gap;
                min.observe(at(now), MS * rtt);
                seen.push((now, MS * rtt));
                let recent = seen.iter().filter(|(then, _)| now - then <= 20_000 + 3_000);
                prop_assert!(recent.map(|(_, rtt)| *rtt).any(|rtt| rtt == min.get()));
                let newest = seen.iter().filter(|(then, _)| now - then < 10_000 - 3_000).map(|(_, rtt)| *rtt).min();
                prop_assert!(newest.is_none_or(|newest| min.get() <= newest));
            }
        }
    }
}
