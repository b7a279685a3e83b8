//! What is written down of links, menus and allocations, and told to whoever asks.

use allocation::allocation::Allocation;
use rt_core::clock::Monotonic;
use telemetry::names::NameId;
use telemetry::records::{AllocationRecord, LinkRecord, ServiceAllocation};
use transport::estimate::LinkEstimate;
use transport::wire::menu::CloudMenu;

use super::Allocator;
use super::problem::Problem;
use crate::car::plan::Plan;
use crate::car::status::{Notice, ServiceStatus};

impl Allocator {
    pub(super) fn log_link(&mut self, estimate: &LinkEstimate, connected_at: Option<Monotonic>) {
        let Some(connected_at) = connected_at else { return };
        self.links.emit(LinkRecord {
            at: estimate.at,
            since_connection: estimate.at.saturating_since(connected_at),
            rtt: estimate.rtt,
            cwnd_bytes: u32::try_from(estimate.cwnd_bytes).unwrap_or(u32::MAX),
            delivery_rate_bytes_per_s: estimate.delivery_rate_bytes_per_s,
            app_limited: estimate.app_limited,
            estimate_bytes_per_s: estimate.rate_bps / 8.0,
            range_bytes_per_s: estimate.range.map(|range| (range.low, range.high)),
            loss: estimate.loss,
            connections: estimate.connections,
        });
    }

    pub(super) fn log_allocation(
        &mut self,
        problem: &Problem,
        allocation: &Allocation,
        estimate: &LinkEstimate,
        connected_at: Option<Monotonic>,
        (begun, solved): (Monotonic, Monotonic),
        policy: NameId,
    ) {
        let services = allocation
            .services()
            .iter()
            .zip(&problem.services)
            .zip(1_u16..)
            .take(telemetry::records::MAX_SERVICES)
            .map(|((given, asked), service)| ServiceAllocation {
                service,
                bytes_per_s: given.rate_bps / 8.0,
                config: config_name(&self.plan, &problem.active, given.choice),
                weight: asked.demand().weight,
            })
            .collect();
        self.allocations.emit(AllocationRecord {
            at: solved,
            since_connection: connected_at.map(|connected| solved.saturating_since(connected)),
            services,
            expected_utility: allocation.expected_utility(),
            available_bytes_per_s: if estimate.connected { estimate.rate_bps / 8.0 } else { 0.0 },
            rtt: estimate.rtt,
            on_vehicle_utility: allocation.on_vehicle_utility(),
            solve_time: solved.saturating_since(begun),
            policy,
        });
    }

    pub(super) fn tell_status(&mut self, problem: &Problem, allocation: &Allocation) {
        let (plan, attention, drift) = (&self.plan, &self.attention, &self.drift);
        self.status.write_with(|status| {
            let given = allocation.services().iter().map(|given| ServiceStatus {
                config: config_name(plan, &problem.active, given.choice),
                rate_bps: given.rate_bps,
                ..ServiceStatus::default()
            });
            status.services = given.take(status.services.capacity()).collect();
            attention.tell(Monotonic::now(), status);
            (status.drifted, status.drifts) = drift.counts();
        });
    }

    /// Compares what the cloud says of its models with the table; what is the same as in the menu `before` was told.
    pub(super) fn look_at_menu(&mut self, new: &CloudMenu, before: &CloudMenu) {
        let notices = &mut self.notices;
        for model in &new.models {
            self.drift
                .executed(&model.name, model.p95_us, |(what, drift)| tell(notices, Notice::Drift { what, drift }));
        }
        let models = self.plan.unserved(new);
        if !models.is_empty() && models != self.plan.unserved(before) {
            tell(notices, Notice::Unserved { models });
        }
    }
}

/// What a choice of the menu in force is called.
pub(super) fn config_name(plan: &Plan, active: &[usize], choice: Option<usize>) -> NameId {
    let entry = choice.and_then(|index| active.get(index)).and_then(|&entry| plan.entries.get(entry));
    entry.map_or(plan.on_vehicle, |entry| entry.name)
}

/// Full only where the main thread has stopped looking; the log is the poorer, nothing else.
pub(super) fn tell(notices: &mut rtrb::Producer<Notice>, notice: Notice) {
    let _ = notices.push(notice);
}
