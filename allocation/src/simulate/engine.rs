//! The event loop of one run.

mod carry;
mod hearing;
mod sending;
mod serve;

use std::time::Duration;

use super::cloud::Cloud;
use super::cwnd::Window;
use super::events::{Event, Events};
use super::flight::{Flight, Path};
use super::frames::Frames;
use super::gate;
use super::lanes::{Lanes, Ready};
use super::link::{Estimator, Uplink};
use super::outcome::Outcome;
use super::queue::Seen;
use super::scenario::Scenario;
use crate::allocation::{Allocation, ServiceAllocation};
use crate::choice::Choice;
use crate::planned;
use crate::policy::{CapacitySource, Policy};
use crate::problem::Capacity;
use crate::quantity::InvalidQuantity;
use crate::solver::SolveError;

/// The allocator solves at the latest this long after the last time (`allocation.max_period_ms` of the car's profile).
const MAX_PERIOD: Duration = Duration::from_millis(100);
/// A service that sends nothing sends a probe this often (`allocation.probe_period_ms`).
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// A frame is waited for so long after its deadline: its answer tells about the link.
const AFTERLIFE: Duration = Duration::from_millis(300);

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The policy was made for a smaller problem.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The estimator believed in a number that is none.
    #[error(transparent)]
    Quantity(#[from] InvalidQuantity),
}

/// Simulates `policy` on all `frames` of `scenario`.
///
/// # Errors
/// [`RunError`] where the policy was made for a smaller problem or the estimator's rate is no number.
pub fn run(
    scenario: &Scenario,
    frames: &Frames,
    uplink: &dyn Uplink,
    estimator: &mut dyn Estimator,
    policy: &mut dyn Policy,
) -> Result<Outcome, RunError> {
    let mut engine = Engine {
        scenario,
        frames,
        path: Path { uplink, rtt: scenario.rtt, loss: scenario.loss },
        estimator,
        policy,
        events: Events::default(),
        lanes: Lanes::new(scenario),
        flights: Vec::new(),
        writing: None,
        link_bit: 0,
        out_bits: 0,
        seen: Seen::default(),
        smoothed_rtt: None,
        pace: gate::Pace::default(),
        looking_at: Duration::ZERO,
        delivered_bytes: 0,
        delivered_bits: 0,
        closed: 0,
        window: Window::new(scenario.rtt),
        cloud: Cloud::new(scenario.services.len(), scenario.workers),
        allocation: Allocation::with_capacity(scenario.services.len()),
        before: Vec::with_capacity(scenario.services.len()),
        next_decision: Duration::ZERO,
        outcome: Outcome::default(),
    };
    engine.begin()?;
    while let Some((now, event)) = engine.events.next() {
        engine.handle(now, event)?;
    }
    Ok(engine.finish())
}

struct Engine<'a> {
    scenario: &'a Scenario,
    frames: &'a Frames,
    path: Path<'a>,
    estimator: &'a mut dyn Estimator,
    policy: &'a mut dyn Policy,
    events: Events,
    lanes: Lanes,
    flights: Vec<Flight>,
    /// The frame that is partly given to the link.
    writing: Option<usize>,
    /// The bit after the last that the link was given.
    link_bit: u64,
    /// Bits given to the link and not acknowledged.
    out_bits: u64,
    /// What was lost in the link's queue.
    seen: Seen,
    smoothed_rtt: Option<Duration>,
    pace: gate::Pace,
    /// When the pace is looked at again.
    looking_at: Duration,
    delivered_bytes: u64,
    delivered_bits: u64,
    /// Frames given up, or known to be late.
    closed: u64,
    window: Window,
    cloud: Cloud,
    allocation: Allocation,
    before: Vec<Option<usize>>,
    next_decision: Duration,
    outcome: Outcome,
}
impl Engine<'_> {
    fn begin(&mut self) -> Result<(), RunError> {
        for service in 0..self.scenario.services.len() {
            if self.frames.count(service) > 0 {
                self.events.at(self.scenario.capture(service, 0), Event::Capture { service, frame: 0 });
            }
        }
        self.decide(Duration::ZERO)
    }

    fn handle(&mut self, now: Duration, event: Event) -> Result<(), RunError> {
        match event {
            Event::Capture { service, frame } => {
                if now >= self.next_decision {
                    self.decide(now)?;
                }
                self.capture(now, service, frame);
            }
            Event::Encoded { service } => {
                self.lanes.encoded(service, now);
                self.pump(now)?;
            }
            Event::LookAgain => self.pump(now)?,
            Event::Acknowledged { flight, bits, handed } => {
                self.acknowledged(now, flight, bits, handed);
                self.pump(now)?;
            }
            Event::Lost { flight, bits } => {
                self.lost(now, flight, bits);
                self.pump(now)?;
            }
            Event::Arrived { flight } => self.arrived(now, flight),
            Event::Served { flight } => self.served(now, flight),
            Event::Result { flight } => {
                self.result(now, flight);
                self.decide(now)?;
            }
        }
        Ok(())
    }

    /// Asks the policy, if it is its time.
    fn decide(&mut self, now: Duration) -> Result<(), RunError> {
        let habits = self.policy.habits();
        if let Some(period) = habits.period {
            if now < self.next_decision {
                return Ok(());
            }
            self.next_decision += period;
        } else {
            self.next_decision = now + MAX_PERIOD;
        }
        let rate = match habits.capacity {
            CapacitySource::Estimate => self.estimator.rate_bps(now),
            CapacitySource::WindowOverRoundTrip => self.window.over_round_trip_bps(),
        };
        let capacity = Capacity::new(rate, planned::round_trip(self.scenario.rtt).as_secs_f64())?;
        let capacity = capacity.with_cost_per_mb(self.scenario.cost_per_mb)?;
        let spreads = self.scenario.services.iter().flat_map(|service| service.menu.choices()).map(Choice::spread);
        let of_workers = |workers| planned::cloud_seconds_per_s(workers as f64, spreads);
        let cloud = self.scenario.workers.map_or(f64::INFINITY, of_workers);
        self.before.clear();
        self.before.extend(self.allocation.services().iter().map(|service| service.choice));
        self.policy.allocate(&self.scenario.services, &capacity.with_cloud(cloud)?, &mut self.allocation)?;
        let changed = self.before.iter().zip(self.allocation.services()).filter(|(old, new)| **old != new.choice);
        self.outcome.switches += changed.count() as u64;
        self.outcome.believed(now, self.estimator.rate_bps(now));
        Ok(())
    }

    fn capture(&mut self, now: Duration, service: usize, frame: usize) {
        if frame + 1 < self.frames.count(service) {
            let next = self.scenario.capture(service, frame + 1);
            self.events.at(next, Event::Capture { service, frame: frame + 1 });
        }
        let Some(problem) = self.scenario.services.get(service) else { return };
        let demand = problem.demand();
        self.outcome.frames += 1;
        self.outcome.decided(now, demand.weight, demand.floor_accuracy);
        let chosen = self.allocation.services().get(service).and_then(|answer| answer.choice);
        self.outcome.sent += u64::from(chosen.is_some());
        let probe = || self.lanes.probe_due(service, now, PROBE_PERIOD).then(|| problem.menu.cheapest()).flatten();
        let probing = chosen.is_none() && self.policy.habits().probes;
        let Some(index) = chosen.or_else(|| if probing { probe() } else { None }) else { return };
        let given = self.allocation.services().get(service).copied().unwrap_or_default();
        let (Some(choice), Some(draw)) = (problem.menu.get(index), self.frames.draw_of(service, frame)) else { return };
        let needs = draw.needs(choice);
        let ready = Ready {
            service,
            captured: now,
            deadline: now + Duration::from_secs_f64(demand.slo_s),
            bits: needs.bits,
            expected_execution: Duration::from_secs_f64(choice.typical_execution_s()),
            execution_tail: Duration::from_secs_f64(choice.costs().execution_s),
            execution: needs.execution,
            rtt: draw.rtt(self.scenario.rtt),
            losses: draw.losses,
            accuracy: choice.accuracy(),
            probe: chosen.is_none(),
            given: if chosen.is_some() { given } else { ServiceAllocation::default() },
            ready: Duration::ZERO,
        };
        self.outcome.probes += u64::from(ready.probe);
        let encoded = self.lanes.encode(ready, now, needs.encode);
        self.events.at(encoded, Event::Encoded { service });
    }

    fn finish(mut self) -> Outcome {
        let mut floor = (0.0, 0.0);
        for (index, service) in self.scenario.services.iter().enumerate() {
            let weight = service.demand().weight * self.frames.count(index) as f64;
            floor = (floor.0 + weight * service.demand().floor_accuracy, floor.1 + weight);
        }
        self.outcome.on_vehicle_utility = if floor.1 > 0.0 { floor.0 / floor.1 } else { 0.0 };
        self.outcome.close(|from, window| self.path.rate_bps(from + window, window));
        self.outcome
    }
}
