//! Tells the allocator, from the collector's thread, what came of each decision.

use allocation::context::FrameResult;
use inference::agreement::{CONFIDENT, agreement};
use rt_core::trace::Hop;
use telemetry::frame_sink::FrameSink;
use telemetry::names::NameId;
use telemetry::records::{FrameRecord, Outcome, Source};

use super::attention::{Seen, since_boot};
use super::lessons::Sent;
use super::plan::Plan;

/// Looks at every decision.
pub struct Observer {
    /// Expected accuracy of each configuration.
    accuracies: Vec<(NameId, f64)>,
    /// That of the on-vehicle detector.
    floor_accuracy: f64,
    /// To the allocator; what does not fit is not missed.
    seen: rtrb::Producer<Seen>,
}

impl Observer {
    /// An observer of what `plan` can send.
    pub fn new(plan: &Plan, seen: rtrb::Producer<Seen>) -> Self {
        let accuracies = plan.entries.iter().map(|entry| (entry.name, entry.choice.accuracy())).collect();
        Self { accuracies, floor_accuracy: plan.floor_accuracy, seen }
    }
}

impl FrameSink for Observer {
    fn frame(&mut self, record: &FrameRecord) {
        let (utility, both) = match record.source {
            Source::Cloud => {
                let known = self.accuracies.iter().find(|(name, _)| *name == record.config);
                (known.map_or(self.floor_accuracy, |(_, accuracy)| *accuracy), record.vehicle.as_ref())
            }
            Source::Vehicle => (self.floor_accuracy, None),
            Source::None => (0.0, None),
        };
        let _ = self.seen.push(Seen {
            service: record.meta.service,
            result: FrameResult {
                at: since_boot(record.decision),
                detected: record.delivered.iter().any(|found| found.score >= CONFIDENT),
                agreement: both.map(|vehicle| agreement(&record.delivered, vehicle)),
                utility,
            },
            vehicle: record.hops.get(Hop::VehicleInference),
            sent: sent(record),
        });
    }
}

/// What the link made of the frame, where it had it.
fn sent(record: &FrameRecord) -> Option<Sent> {
    let told = matches!(record.outcome, Outcome::OnTime | Outcome::Late | Outcome::Expired | Outcome::Superseded);
    let request = record.request.filter(|_| told)?;
    let hop = |hop| record.hops.get(hop).unwrap_or_default();
    // The network's time leaves out what the cloud needed to receive the frame, which is the uplink's.
    let spent = hop(Hop::SendWait) + hop(Hop::Network) + hop(Hop::CloudReceive);
    let answered = (record.source == Source::Cloud).then(|| (spent, record.meta.deadline.budget_at(record.decision)));
    Some(Sent { taken: request.start.minus(hop(Hop::Encode)), config: record.config, answered })
}
