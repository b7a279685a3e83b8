//! What is to be divided among whom: made anew with each menu, and kept up with what encodings cost and frames come to.

use std::time::Duration;

use allocation::allocation::Allocation;
use allocation::menu::Menu;
use allocation::planned;
use allocation::policy::Policy;
use allocation::problem::ServiceProblem;
use rt_core::clock::Monotonic;
use transport::wire::menu::CloudMenu;

use super::Allocator;
use super::books::{config_name, tell};
use crate::car::attention::Seen;
use crate::car::lessons::Lessons;
use crate::car::status::Notice;

/// What holds while one menu is in force.
pub(super) struct Problem {
    pub(super) services: Vec<ServiceProblem>,
    pub(super) active: Vec<usize>,
    pub(super) policy: Box<dyn Policy>,
    pub(super) lessons: Lessons,
    /// Worker-seconds per second that the cloud has.
    pub(super) cloud_seconds_per_s: f64,
}

impl Allocator {
    pub(super) fn problem(&self, cloud: &CloudMenu) -> Result<Problem, String> {
        let (menu, active) =
            if cloud.models.is_empty() { (Menu::on_vehicle_only(), Vec::new()) } else { self.plan.menu(cloud)? };
        let services: Result<Vec<ServiceProblem>, _> =
            self.clients.iter().map(|client| ServiceProblem::new(client.demand, menu.clone())).collect();
        let policy = self
            .policy
            .build(self.clients.len(), active.len().max(1), self.hysteresis)
            .map_err(|error| error.to_string())?;
        let workers = cloud.models.iter().map(|model| f64::from(model.workers)).fold(0.0, f64::max);
        let longest_s = self.clients.iter().map(|client| client.demand.slo_s).fold(0.0, f64::max);
        let spreads = cloud.models.iter().map(|model| f64::from(model.p95_us) / f64::from(model.p50_us.max(1)));
        Ok(Problem {
            services: services.map_err(|error| error.to_string())?,
            active,
            policy,
            lessons: Lessons::new(Duration::try_from_secs_f64(longest_s).unwrap_or_default()),
            cloud_seconds_per_s: planned::cloud_seconds_per_s(workers, spreads),
        })
    }

    /// Takes what encodings cost into the plan and into the menus in force.
    pub(super) fn take_costs(&mut self, problem: &mut Problem) {
        for client in &mut self.clients {
            while let Ok(cost) = client.costs.pop() {
                let notices = &mut self.notices;
                self.drift.encoded(&cost, |(what, drift)| tell(notices, Notice::Drift { what, drift }));
                self.plan.measured(cost.entry, cost.bytes as f64 * 8.0, cost.elapsed.as_secs_f64());
                let index = problem.active.iter().position(|&entry| entry == cost.entry);
                let known = self.plan.entries.get(cost.entry).map(|entry| entry.choice.costs());
                let (Some(index), Some(known)) = (index, known) else { continue };
                for service in &mut problem.services {
                    if let Some(choice) = service.menu.choice_mut(index) {
                        let execution_s = choice.costs().execution_s;
                        let _ = choice.set_costs(allocation::choice::Costs { execution_s, ..known });
                    }
                }
            }
        }
    }

    /// What becomes of the frames that are sent from now on is about this allocation.
    pub(super) fn remember(&self, problem: &mut Problem, allocation: &Allocation, at: Monotonic) {
        let Problem { lessons, active, .. } = problem;
        let config = |choice: Option<usize>| config_name(&self.plan, active, choice);
        lessons.allocated(at, allocation.services().iter().map(|given| (config(given.choice), *given)));
    }

    /// Hears of the newest decisions: tells the policy what became of its frames over a path of round trip `rtt`, and
    /// gives every service the weight that drive and recent results make.
    pub(super) fn attend(&mut self, problem: &mut Problem, rtt: Duration) {
        let (drift, notices, clients) = (&mut self.drift, &mut self.notices, &self.clients);
        let Problem { policy, lessons, .. } = problem;
        let mut decided = |seen: &Seen| {
            if let Some((what, drift)) = seen.vehicle.and_then(|took| drift.detected(took)) {
                tell(notices, Notice::Drift { what, drift });
            }
            let client = usize::from(seen.service).checked_sub(1).and_then(|at| clients.get(at));
            let margin = client.map_or(0.0, |client| client.demand.margin_s);
            let margin = Duration::try_from_secs_f64(margin).unwrap_or_default();
            if let Some(lesson) = seen.sent.and_then(|sent| lessons.of(seen.service, &sent, margin, rtt)) {
                policy.learn(&lesson);
            }
        };
        if let Some(weights) = self.attention.look(Monotonic::now(), &mut decided) {
            tell(&mut self.notices, Notice::Weights(weights));
        }
        self.attention.apply(&mut problem.services);
    }
}
