//! What came of a run.

use std::time::Duration;

/// The sums of one second of a run, for its course over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slice {
    /// Σ weight · accuracy of the decisions on frames captured in it.
    pub utility: f64,
    /// Σ weight of them.
    pub weight: f64,
    /// Bits per second the link could carry in it.
    pub capacity_bps: f64,
    /// Bits per second the car believed in at its end.
    pub believed_bps: f64,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Frames captured.
    pub frames: u64,
    /// Frames that were to go to the cloud.
    pub sent: u64,
    /// Of these, results that were back before their deadline.
    pub in_time: u64,
    /// Bits given to the link, headers and what was sent again among them.
    pub link_bits: u64,
    /// Frames sent only to learn about the link.
    pub probes: u64,
    /// Of these, results that were back before their deadline.
    pub probes_in_time: u64,
    /// Changes of a service's choice.
    pub switches: u64,
    /// Mean accuracy of the decisions, weighted.
    pub utility: f64,
    /// The same of the on-vehicle detector alone.
    pub on_vehicle_utility: f64,
    /// One entry per second.
    pub seconds: Vec<Slice>,
}

impl Outcome {
    /// Share of the frames for the cloud whose results were in time; 1 where there was none, as nothing was late.
    #[must_use]
    pub fn on_time(&self) -> f64 {
        if self.sent == 0 { 1.0 } else { self.in_time as f64 / self.sent as f64 }
    }

    /// Counts a decision.
    pub(super) fn decided(&mut self, captured: Duration, weight: f64, accuracy: f64) {
        let at = captured.as_secs() as usize;
        if self.seconds.len() <= at {
            self.seconds.resize(at + 1, Slice::default());
        }
        if let Some(slice) = self.seconds.get_mut(at) {
            slice.utility += weight * accuracy;
            slice.weight += weight;
        }
    }

    /// A frame captured then was decided better than was counted.
    pub(super) fn improved(&mut self, captured: Duration, gain: f64) {
        if let Some(slice) = self.seconds.get_mut(captured.as_secs() as usize) {
            slice.utility += gain;
        }
    }

    /// What the car believed of the link.
    pub(super) fn believed(&mut self, now: Duration, bps: f64) {
        if let Some(slice) = self.seconds.get_mut(now.as_secs() as usize) {
            slice.believed_bps = bps;
        }
    }

    /// Turns the sums into means, once the run is over; `capacity` says what the link could carry.
    pub(super) fn close(&mut self, capacity: impl Fn(Duration, Duration) -> f64) {
        for (slice, second) in self.seconds.iter_mut().zip(0..) {
            slice.capacity_bps = capacity(Duration::from_secs(second), Duration::from_secs(1));
        }
        let (utility, weight) =
            self.seconds.iter().fold((0.0, 0.0), |sum, slice| (sum.0 + slice.utility, sum.1 + slice.weight));
        self.utility = if weight > 0.0 { utility / weight } else { 0.0 };
    }
}
