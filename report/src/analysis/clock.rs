//! Steps of the Unix clock during the run: the logs have both clocks beside each other.

use crate::part::Table;

/// Less than this is slewing and rounding.
const STEP_SECS: f64 = 0.05;

/// A jump of Unix time against the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockStep {
    /// When, monotonic s.
    pub at_secs: f64,
    /// How far, s; negative where it went back.
    pub by_secs: f64,
}

/// Watches the distance of the two clocks.
#[derive(Clone, Debug, Default)]
pub struct ClockWatch {
    /// Distances at the ends of each part, and around steps within one.
    samples: Vec<(f64, f64)>,
}

impl ClockWatch {
    /// Looks at a part of log type 1.
    pub fn add(&mut self, table: &Table) {
        let (Some(monotonic), Some(unix)) = (table.floats("start_time"), table.floats("start_time_unix")) else {
            return;
        };
        let mut last: Option<(f64, f64)> = None;
        for (at, unix) in monotonic.into_iter().zip(unix) {
            let sample = (at, unix - at);
            if !sample.1.is_finite() {
                continue;
            }
            match last {
                None => self.samples.push(sample),
                Some(before) if (sample.1 - before.1).abs() >= STEP_SECS => self.samples.extend([before, sample]),
                Some(_) => {}
            }
            last = Some(sample);
        }
        self.samples.extend(last);
    }

    /// Takes over another's.
    pub fn merge(&mut self, other: Self) {
        self.samples.extend(other.samples);
    }

    /// The steps, in the order of time.
    #[must_use]
    pub fn steps(&self) -> Vec<ClockStep> {
        let mut samples = self.samples.clone();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let pairs = samples.iter().zip(samples.iter().skip(1));
        pairs
            .map(|(before, after)| ClockStep { at_secs: after.0, by_secs: after.1 - before.1 })
            .filter(|step| step.by_secs.abs() >= STEP_SECS)
            .collect()
    }
}
