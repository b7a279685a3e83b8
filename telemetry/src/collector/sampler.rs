//! Looks at the bytes that a transport has carried, at even intervals.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::trace::traffic::TrafficWatch;

use crate::records::NetworkRecord;

/// One transport's counters, and when they are next looked at.
pub(super) struct Sampler {
    watch: TrafficWatch,
    interval: Duration,
    due: Monotonic,
}

impl Sampler {
    /// First looked at now.
    pub(super) fn new(watch: TrafficWatch, interval: Duration) -> Self {
        Self { watch, interval: interval.max(Duration::from_millis(1)), due: Monotonic::ZERO }
    }

    /// When it is next due.
    pub(super) const fn due(&self) -> Monotonic {
        self.due
    }

    /// Tells every service's numbers, where that is due; one look for several that were missed.
    pub(super) fn sample(&mut self, now: Monotonic, tell: impl FnMut(NetworkRecord)) {
        if now < self.due {
            return;
        }
        // From when it was due, so that lateness does not add up; from now, where a whole interval was missed.
        let next = if self.due == Monotonic::ZERO { now } else { self.due }.plus(self.interval);
        self.due = if next > now { next } else { now.plus(self.interval) };
        self.look(now, tell);
    }

    /// Tells every service's numbers as they are now.
    pub(super) fn look(&self, at: Monotonic, tell: impl FnMut(NetworkRecord)) {
        let since_connection = self.watch.connected().map(|since| at.saturating_since(since));
        let record = |(service, sent_bytes, received_bytes)| NetworkRecord {
            at,
            since_connection,
            service,
            sent_bytes,
            received_bytes,
        };
        self.watch.services().map(record).for_each(tell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::trace::traffic::Traffic;

    #[test]
    fn it_looks_at_even_intervals_and_once_for_several_that_were_missed() {
        let mut traffic = Traffic::default();
        let mut sampler = Sampler::new(traffic.watch(), Duration::from_nanos(2_000_000));
        let mut seen = Vec::new();
        traffic.sent(1, 5);
        for ms in [1, 2, 3, 4, 9, 10, 11, 12] {
            let at = Monotonic::from_ns(ms * 1_000_000);
            sampler.sample(at, |record| seen.push((record.at.as_ns() / 1_000_000, record.sent_bytes)));
            traffic.sent(1, 1);
        }
        assert_eq!(seen, [(1, 5), (3, 7), (9, 9), (11, 11)]);
    }
}
