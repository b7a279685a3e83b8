//! The allocator thread: estimate + menu → what each service sends; solved anew whenever the estimate moves.

mod books;
mod capacity;
mod problem;
mod publish;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use allocation::allocation::Allocation;
use allocation::policy::PolicyName;
use allocation::problem::{Capacity, Demand};
use inference::classes::ClassMap;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox;
use rt_core::ring;
use rt_core::snapshot;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::wait::Waiter;
use telemetry::emitter::Emitter;
use telemetry::names::Names;
use telemetry::records::{AllocationRecord, LinkRecord};
use transport::estimate::LinkEstimate;
use transport::wire::menu::CloudMenu;

use super::attention::Attention;
use super::drift::DriftWatch;
use super::messages::{Assignment, EncodeCost};
use super::plan::Plan;
use super::status::{Notice, Status};
use capacity::{STALE, rate_bps, round_trip_s};

/// Class names of the car: its own detector's first, then what the cloud adds. Only ever grows.
pub type Vocabulary = Arc<Mutex<Vec<String>>>;

/// One service as the allocator sees it.
pub struct Client {
    /// What it wants.
    pub demand: Demand,
    /// Its encoder's mailbox and bell.
    pub encoder: (mailbox::Sender<Assignment>, Doorbell),
    /// What encodings cost.
    pub costs: ring::Consumer<EncodeCost>,
    /// Class maps for its service thread.
    pub class_maps: mailbox::Sender<Arc<Vec<ClassMap>>>,
    /// What the service gets of the uplink, bits per second; the transport keeps to it.
    pub share: mailbox::Sender<f64>,
}

/// Everything the allocator thread owns.
pub struct Allocator {
    /// This thread's bell.
    pub bell: Doorbell,
    /// From the transport.
    pub estimates: mailbox::Receiver<LinkEstimate>,
    /// From the transport.
    pub menus: mailbox::Receiver<CloudMenu>,
    /// The services.
    pub clients: Vec<Client>,
    /// What can be sent.
    pub plan: Plan,
    /// Weights by drive and recent results.
    pub attention: Attention,
    /// Live numbers beside the table's.
    pub drift: DriftWatch,
    /// What is worth a line in the log; what does not fit is not missed.
    pub notices: rtrb::Producer<Notice>,
    /// What can be asked for.
    pub status: snapshot::Writer<Status>,
    /// Which policy divides.
    pub policy: PolicyName,
    /// See `allocation.hysteresis` of the profile.
    pub hysteresis: f64,
    /// See `allocation.cost_per_mb` of the profile.
    pub cost_per_mb: f64,
    /// Solved at the latest this long after the last time.
    pub max_period: Duration,
    /// Names for logs.
    pub names: Names,
    /// Class names.
    pub vocabulary: Vocabulary,
    /// Log type 6.
    pub allocations: Emitter<AllocationRecord>,
    /// Log type 5.
    pub links: Emitter<LinkRecord>,
    /// What this thread counts.
    pub counters: ThreadCounters,
}

impl Allocator {
    /// Allocates until `halt` is set.
    ///
    /// # Errors
    /// Where the profile's numbers are refused by the solver.
    pub fn run(mut self, waiter: &Waiter, halt: &StopToken) -> Result<(), String> {
        halt.wakes(&self.bell);
        let policy_name = self.names.intern(&self.policy.to_string());
        let mut estimate = LinkEstimate::default();
        let mut connected_at: Option<Monotonic> = None;
        let mut menu = CloudMenu { models: Vec::new() };
        let mut problem = self.problem(&menu)?;
        let mut allocation = Allocation::with_capacity(self.clients.len());
        let mut asked_at: Option<Monotonic> = None;
        while !halt.is_set() {
            let seen = self.bell.count();
            if let Some(newer) = self.estimates.take() {
                estimate = newer;
                connected_at =
                    connected_at.filter(|_| estimate.connected).or(estimate.connected.then_some(estimate.at));
                self.log_link(&estimate, connected_at);
            }
            if estimate.connected && Monotonic::now().saturating_since(estimate.at) > STALE {
                // Nobody is there to send anything: the transport has been lost, or is not getting its turn.
                (estimate.connected, connected_at) = (false, None);
            }
            if let Some(newer) = self.menus.take() {
                self.learn_classes(&newer);
                self.look_at_menu(&newer, &menu);
                let same = newer.models.len() == menu.models.len()
                    && newer.models.iter().zip(&menu.models).all(|(new, old)| new.name == old.name);
                if !same {
                    allocation.clear();
                    asked_at = None;
                }
                menu = newer;
                let before = std::mem::replace(&mut problem, self.problem(&menu)?);
                if same && before.active == problem.active {
                    // The same configurations at other times: what was learned of the link holds.
                    (problem.policy, problem.lessons) = (before.policy, before.lessons);
                }
            }
            self.take_costs(&mut problem);
            self.attend(&mut problem, estimate.min_rtt);
            let habits = problem.policy.habits();
            let rate = if estimate.connected { rate_bps(&estimate, habits.capacity) } else { 0.0 };
            let capacity = Capacity::new(rate, round_trip_s(&estimate, habits.capacity))
                .and_then(|capacity| capacity.with_cloud(problem.cloud_seconds_per_s))
                .and_then(|capacity| capacity.with_cost_per_mb(self.cost_per_mb))
                .map_err(|error| error.to_string())?;
            let begun = Monotonic::now();
            self.counters.tick(begun);
            let due_after = |asked: Monotonic| habits.period.map(|period| asked.plus(period));
            if asked_at.and_then(due_after).is_none_or(|next| begun >= next) {
                problem
                    .policy
                    .allocate(&problem.services, &capacity, &mut allocation)
                    .map_err(|error| error.to_string())?;
                asked_at = Some(begun);
                let solved = Monotonic::now();
                self.remember(&mut problem, &allocation, solved);
                self.log_allocation(&problem, &allocation, &estimate, connected_at, (begun, solved), policy_name);
                self.counters.count(Counter::Items);
            }
            self.publish(&problem, &allocation, &menu, estimate.connected);
            self.tell_status(&problem, &allocation);
            let longest = begun.plus(self.max_period);
            let until = asked_at.and_then(due_after).map_or(longest, |next| longest.min(next));
            waiter.wait_counted(&mut self.counters, &self.bell, seen, until);
        }
        Ok(())
    }
}
