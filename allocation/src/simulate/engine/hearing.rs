//! What comes back from the link and the cloud: acknowledgements and results.

use std::time::Duration;

use super::{AFTERLIFE, Engine};
use crate::policy::Lesson;
use crate::simulate::gate;
use crate::simulate::link::Acknowledged;

impl Engine<'_> {
    pub(super) fn acknowledged(&mut self, now: Duration, index: usize, bits: u64, handed: Duration) {
        self.out_bits -= bits;
        // In whole bytes over all, so that no rest is lost.
        self.delivered_bits += bits;
        self.delivered_bytes = self.delivered_bits / 8;
        if let Some(flight) = self.flights.get_mut(index) {
            flight.acknowledged += bits;
        }
        let latest = now.saturating_sub(handed);
        let smoothed = self.smoothed_rtt.map_or(latest, |smoothed| (smoothed * 7 + latest) / 8);
        self.smoothed_rtt = Some(smoothed);
        let acknowledged = Acknowledged {
            delivered: self.delivered_bytes,
            in_flight: self.out_bits / 8,
            latest,
            least: self.scenario.rtt,
            smoothed,
            window_full: gate::is_full(self.out_bits, &self.outlook(now)),
            app_limited: self.writing.is_none(),
        };
        self.estimator.acknowledged(now, acknowledged);
        if let Some(rate) = self.estimator.ack_rate_bps() {
            self.window.delivered(now, rate);
        }
    }

    pub(super) fn result(&mut self, now: Duration, index: usize) {
        let Some(flight) = self.flights.get_mut(index).filter(|flight| !flight.closed) else { return };
        let Some(problem) = self.scenario.services.get(flight.frame.service) else { return };
        let demand = problem.demand();
        if !flight.refused && now + Duration::from_secs_f64(demand.margin_s) <= flight.frame.deadline {
            self.outcome.in_time += u64::from(!flight.frame.probe);
            self.outcome.probes_in_time += u64::from(flight.frame.probe);
            self.outcome
                .improved(flight.frame.captured, demand.weight * (flight.frame.accuracy - demand.floor_accuracy));
        }
        let due = flight.frame.deadline.saturating_sub(Duration::from_secs_f64(demand.margin_s));
        let in_cloud = flight.answered.saturating_sub(flight.arrived);
        let spent = now.saturating_sub(in_cloud + self.scenario.rtt).saturating_sub(flight.frame.ready);
        let given = &flight.frame.given;
        let in_time = !flight.refused && now <= due;
        self.policy.learn(&if in_time { Lesson::in_time(given, spent) } else { Lesson::missed(given) });
        // Late as it is, it tells about the link, as long as it is waited for.
        if now <= flight.frame.deadline + AFTERLIFE {
            let (rate, bytes) = (flight.train_bps(), flight.wire.bits / 8);
            let passage = now.saturating_sub(flight.begun + in_cloud + self.scenario.rtt);
            self.window.delivered(now, rate);
            self.estimator.train(now, rate / 8.0, u32::try_from(bytes).unwrap_or(u32::MAX));
            self.estimator.passed(now, bytes, passage);
        }
    }
}
