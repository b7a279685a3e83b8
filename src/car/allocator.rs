//! The allocator thread: estimate + menu → what each service sends; solved anew whenever the estimate moves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use allocation::allocation::Allocation;
use allocation::menu::Menu;
use allocation::planned;
use allocation::policy::{CapacitySource, Policy, PolicyName};
use allocation::problem::{Capacity, Demand, ServiceProblem};
use inference::classes::{ClassMap, map_classes, normalise};
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox;
use rt_core::ring;
use rt_core::snapshot;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::wait::Waiter;
use telemetry::emitter::Emitter;
use telemetry::names::{NameId, Names};
use telemetry::records::{AllocationRecord, LinkRecord, ServiceAllocation};
use transport::estimate::LinkEstimate;
use transport::wire::menu::CloudMenu;

use super::attention::{Attention, Seen};
use super::drift::DriftWatch;
use super::lessons::Lessons;
use super::messages::{Assignment, EncodeCost, Sending};
use super::plan::Plan;
use super::status::{Notice, ServiceStatus, Status};

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

/// What holds while one menu is in force.
struct Problem {
    services: Vec<ServiceProblem>,
    active: Vec<usize>,
    policy: Box<dyn Policy>,
    lessons: Lessons,
    /// Worker-seconds per second that the cloud has.
    cloud_seconds_per_s: f64,
}

/// The transport tells of its link ten times a second; what is older than this is true no more.
const STALE: Duration = Duration::from_secs(2);

/// The uplink's rate, as the policy in force believes it.
fn rate_bps(estimate: &LinkEstimate, source: CapacitySource) -> f64 {
    match source {
        CapacitySource::Estimate => estimate.rate_bps.max(0.0),
        CapacitySource::WindowOverRoundTrip if estimate.rtt.is_zero() => 0.0,
        CapacitySource::WindowOverRoundTrip => estimate.cwnd_bytes as f64 * 8.0 / estimate.rtt.as_secs_f64(),
    }
}

/// The round trip in seconds that goes with it.
fn round_trip_s(estimate: &LinkEstimate, source: CapacitySource) -> f64 {
    match source {
        CapacitySource::Estimate => planned::round_trip(estimate.min_rtt).as_secs_f64(),
        CapacitySource::WindowOverRoundTrip => estimate.rtt.as_secs_f64(),
    }
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

    fn problem(&self, cloud: &CloudMenu) -> Result<Problem, String> {
        let (menu, active) =
            if cloud.models.is_empty() { (Menu::on_vehicle_only(), Vec::new()) } else { self.plan.menu(cloud)? };
        let services: Result<Vec<ServiceProblem>, _> =
            self.clients.iter().map(|client| ServiceProblem::new(client.demand, menu.clone())).collect();
        let policy = self
            .policy
            .build(self.clients.len(), active.len().max(1), self.hysteresis)
            .map_err(|error| error.to_string())?;
        let workers = cloud.models.iter().map(|model| f64::from(model.workers)).fold(0.0, f64::max);
        let spreads = cloud.models.iter().map(|model| f64::from(model.p95_us) / f64::from(model.p50_us.max(1)));
        Ok(Problem {
            services: services.map_err(|error| error.to_string())?,
            active,
            policy,
            lessons: Lessons::default(),
            cloud_seconds_per_s: planned::cloud_seconds_per_s(workers, spreads),
        })
    }

    /// Takes what encodings cost into the plan and into the menus in force.
    fn take_costs(&mut self, problem: &mut Problem) {
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
    fn remember(&self, problem: &mut Problem, allocation: &Allocation, at: Monotonic) {
        let Problem { lessons, active, .. } = problem;
        let config = |choice: Option<usize>| config_name(&self.plan, active, choice);
        lessons.allocated(at, allocation.services().iter().map(|given| (config(given.choice), given.need)));
    }

    /// Hears of the newest decisions: tells the policy what became of its frames over a path of round trip `rtt`, and
    /// gives every service the weight that drive and recent results make.
    fn attend(&mut self, problem: &mut Problem, rtt: Duration) {
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

    /// Compares what the cloud says of its models with the table; what is the same as in the menu `before` was told.
    fn look_at_menu(&mut self, new: &CloudMenu, before: &CloudMenu) {
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

    fn tell_status(&mut self, problem: &Problem, allocation: &Allocation) {
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

    fn publish(&mut self, problem: &Problem, allocation: &Allocation, cloud: &CloudMenu, connected: bool) {
        let sending = |index: usize| -> Option<Sending> {
            let entry_index = *problem.active.get(index)?;
            let entry = self.plan.entries.get(entry_index)?;
            let offered = cloud.models.iter().find(|model| model.name == entry.choice.config().model)?;
            Some(Sending {
                entry: entry_index,
                config: entry.name,
                model: entry.model,
                payload: entry.choice.config().payload,
                input: (u32::from(offered.input_width), u32::from(offered.input_height)),
            })
        };
        let cheapest = |service: &ServiceProblem| {
            let bits =
                |index: &usize| service.menu.get(*index).map_or(f64::INFINITY, |choice| choice.costs().mean_bits);
            (0..service.menu.choices().len()).min_by(|a, b| bits(a).total_cmp(&bits(b)))
        };
        let probes = problem.policy.habits().probes;
        let assignments: heapless::Vec<Assignment, 32> = problem
            .services
            .iter()
            .zip(allocation.services())
            .map(|(service, given)| Assignment {
                sending: given.choice.and_then(sending),
                probe: cheapest(service).and_then(sending).filter(|_| probes),
                connected,
            })
            .collect();
        for ((client, assignment), given) in self.clients.iter_mut().zip(assignments).zip(allocation.services()) {
            client.share.put(given.rate_bps);
            client.encoder.0.put(assignment);
            client.encoder.1.ring();
        }
    }

    /// Grows the vocabulary by the cloud's classes and tells every service how to translate.
    fn learn_classes(&mut self, cloud: &CloudMenu) {
        let mut vocabulary = self.vocabulary.lock().unwrap_or_else(PoisonError::into_inner);
        for class in cloud.models.iter().flat_map(|model| &model.classes) {
            let known = vocabulary.iter().any(|name| normalise(name) == normalise(class));
            if !known && vocabulary.len() < usize::from(u8::MAX) {
                vocabulary.push(class.clone());
            }
        }
        let map_of = |name: &String| {
            let offered = cloud.models.iter().find(|model| &model.name == name);
            offered.map_or([None; 256], |model| map_classes(&model.classes, &vocabulary))
        };
        let maps: Arc<Vec<ClassMap>> = Arc::new(self.plan.models.iter().map(map_of).collect());
        for client in &mut self.clients {
            client.class_maps.put(Arc::clone(&maps));
        }
    }

    fn log_link(&mut self, estimate: &LinkEstimate, connected_at: Option<Monotonic>) {
        let Some(connected_at) = connected_at else { return };
        self.links.emit(LinkRecord {
            at: estimate.at,
            since_connection: estimate.at.saturating_since(connected_at),
            rtt: estimate.rtt,
            cwnd_bytes: u32::try_from(estimate.cwnd_bytes).unwrap_or(u32::MAX),
            delivery_rate_bytes_per_s: estimate.delivery_rate_bytes_per_s,
            app_limited: estimate.app_limited,
            estimate_bytes_per_s: estimate.rate_bps / 8.0,
            loss: estimate.loss,
            connections: estimate.connections,
        });
    }

    fn log_allocation(
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
}

/// What a choice of the menu in force is called.
fn config_name(plan: &Plan, active: &[usize], choice: Option<usize>) -> NameId {
    let entry = choice.and_then(|index| active.get(index)).and_then(|&entry| plan.entries.get(entry));
    entry.map_or(plan.on_vehicle, |entry| entry.name)
}

/// Full only where the main thread has stopped looking; the log is the poorer, nothing else.
fn tell(notices: &mut rtrb::Producer<Notice>, notice: Notice) {
    let _ = notices.push(notice);
}
