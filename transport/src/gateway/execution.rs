//! How long each model takes, measured: percentiles over a sliding window, the configured figures until then.

use std::collections::VecDeque;
use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::wire::menu::ModelEntry;

/// Samples kept per model.
const WINDOW: usize = 128;
/// Older samples are history: a load that passed must not refuse frames for ever.
const AGE: Duration = Duration::from_secs(10);

/// Execution times of one model.
#[derive(Debug)]
pub struct ExecutionTimes {
    initial: (Duration, Duration),
    samples: VecDeque<(Monotonic, Duration)>,
    /// The same samples by what they took: the scheduler asks at every frame.
    sorted: Vec<Duration>,
}

impl ExecutionTimes {
    /// Starts with the figures of the menu.
    #[must_use]
    pub fn new(model: &ModelEntry) -> Self {
        let micros = |us: u32| Duration::from_micros(u64::from(us));
        Self {
            initial: (micros(model.p50_us), micros(model.p95_us)),
            samples: VecDeque::with_capacity(WINDOW),
            sorted: Vec::with_capacity(WINDOW),
        }
    }

    /// One execution took `took`.
    pub fn record(&mut self, now: Monotonic, took: Duration) {
        if self.samples.len() >= WINDOW {
            self.forget_oldest();
        }
        self.samples.push_back((now, took));
        let place = self.sorted.partition_point(|other| *other <= took);
        self.sorted.insert(place, took);
    }

    fn forget_oldest(&mut self) {
        if let Some((_, took)) = self.samples.pop_front()
            && let Ok(place) = self.sorted.binary_search(&took)
        {
            self.sorted.remove(place);
        }
    }

    /// Median and 95th percentile at `now`.
    pub fn percentiles(&mut self, now: Monotonic) -> (Duration, Duration) {
        while self.samples.front().is_some_and(|(at, _)| now.saturating_since(*at) > AGE) {
            self.forget_oldest();
        }
        let at = |percent: usize| {
            let rank = (self.sorted.len() * percent).div_ceil(100).saturating_sub(1);
            self.sorted.get(rank).copied()
        };
        (at(50).unwrap_or(self.initial.0), at(95).unwrap_or(self.initial.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> ModelEntry {
        ModelEntry {
            name: "edd2".into(),
            input_width: 768,
            input_height: 768,
            classes: vec![],
            p50_us: 20_000,
            p95_us: 30_000,
            workers: 1,
        }
    }

    #[test]
    fn measured_times_replace_the_configured_ones_and_age_out() {
        let ms = Duration::from_millis;
        let mut times = ExecutionTimes::new(&model());
        let start = Monotonic::from_ns(1);
        assert_eq!(times.percentiles(start), (ms(20), ms(30)));
        for sample in 1..=100 {
            times.record(start, ms(sample));
        }
        assert_eq!(times.percentiles(start), (ms(50), ms(95)));
        // The window slides: only the newest count, whatever their order.
        (1..=128).for_each(|sample| times.record(start, ms(if sample % 2 == 0 { 7 } else { 400 })));
        assert_eq!(times.percentiles(start), (ms(7), ms(400)));
        assert_eq!(times.percentiles(start.plus(Duration::from_secs(11))), (ms(20), ms(30)));
    }
}
