//! The event loop of one run.

use std::time::Duration;

use super::cwnd::Window;
use super::events::{Event, Events};
use super::flight::{Flight, Path};
use super::frames::{Frames, rtt_p95};
use super::lanes::{Lanes, Outlook, Ready};
use super::link::{Estimator, Uplink};
use super::outcome::Outcome;
use super::scenario::Scenario;
use crate::allocation::Allocation;
use crate::policy::{CapacitySource, Policy};
use crate::problem::Capacity;
use crate::quantity::InvalidQuantity;
use crate::solver::SolveError;

/// The allocator solves at the latest this long after the last time (`allocation.max_period_ms` of the car's profile).
const MAX_PERIOD: Duration = Duration::from_millis(100);
/// A service that sends nothing sends a probe this often (`allocation.probe_period_ms`).
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// Acknowledgements are looked at this often while a frame is on its way.
const ACK_STEP: Duration = Duration::from_millis(20);
/// The link's own rate is taken over this long, for the queue that stands in it.
const QUEUE_WINDOW: Duration = Duration::from_millis(50);
/// Share of the cloud's workers that is planned for, as the car does.
const CLOUD_HEADROOM: f64 = 0.9;

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
        path: Path { uplink, rtt: scenario.rtt, loss: scenario.loss, discipline: scenario.discipline },
        estimator,
        policy,
        events: Events::default(),
        lanes: Lanes::new(scenario),
        flights: Vec::new(),
        delivered_bytes: 0,
        window: Window::new(scenario.rtt),
        workers: vec![Duration::ZERO; scenario.workers.unwrap_or(0)],
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
    delivered_bytes: u64,
    window: Window,
    /// When each worker of the cloud is free; none where the cloud has no limit.
    workers: Vec<Duration>,
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
                self.send(now);
            }
            Event::LinkFree => {
                self.lanes.link_free();
                self.send(now);
            }
            Event::LookAgain => self.send(now),
            Event::Acknowledged { flight } => self.acknowledged(now, flight),
            Event::GivenUp { flight } => {
                if let Some(flight) = self.flights.get(flight) {
                    let delivered = flight.delivered_bits(&self.path, now) / 8;
                    self.estimator.late(now, delivered, now.saturating_sub(flight.begun));
                }
                self.decide(now)?;
            }
            Event::Arrived { flight } => self.arrived(now, flight),
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
        let capacity = Capacity::new(rate, rtt_p95(self.scenario.rtt).as_secs_f64())?;
        let cloud = self.scenario.workers.map_or(f64::INFINITY, |workers| CLOUD_HEADROOM * workers as f64);
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
        let (Some(choice), Some(draw)) = (problem.menu.get(index), self.frames.draw_of(service, frame)) else { return };
        let needs = draw.needs(choice);
        let ready = Ready {
            service,
            captured: now,
            deadline: now + Duration::from_secs_f64(demand.slo_s),
            bits: needs.bits,
            expected_execution: Duration::from_secs_f64(choice.costs().execution_s),
            execution: needs.execution,
            rtt: draw.rtt(self.scenario.rtt),
            losses: draw.losses,
            accuracy: choice.accuracy(),
            probe: chosen.is_none(),
            ready: Duration::ZERO,
        };
        let encoded = self.lanes.encode(ready, now, needs.encode);
        self.events.at(encoded, Event::Encoded { service });
    }

    /// Begins the next frame, if the link is free.
    fn send(&mut self, now: Duration) {
        let outlook = Outlook {
            rate_bps: self.estimator.rate_bps(now),
            trusted: self.estimator.measured_under_load(now),
            least_rtt: self.scenario.rtt,
        };
        let Some(ready) = self.lanes.admit(now, &outlook) else {
            if let Some(later) = self.lanes.next_change(now, self.scenario.rtt) {
                self.events.at(later, Event::LookAgain);
            }
            return;
        };
        self.estimator.sent(now);
        let flight = Flight::begin(&self.path, ready, now, outlook.rate_bps);
        let index = self.flights.len();
        if let Some(free) = flight.link_free {
            self.events.at(free, Event::LinkFree);
            let last_ack = flight.arrival.unwrap_or(free) + self.scenario.rtt;
            let mut ack = now + self.scenario.rtt + ACK_STEP;
            while ack < last_ack {
                self.events.at(ack, Event::Acknowledged { flight: index });
                ack += ACK_STEP;
            }
            self.events.at(last_ack, Event::Acknowledged { flight: index });
            match flight.arrival {
                Some(arrival) => self.events.at(arrival, Event::Arrived { flight: index }),
                None => self.events.at(free, Event::GivenUp { flight: index }),
            }
        }
        self.flights.push(flight);
    }

    fn acknowledged(&mut self, now: Duration, index: usize) {
        let Some(flight) = self.flights.get_mut(index) else { return };
        let delivered = flight.delivered_bits(&self.path, now);
        let fresh = delivered.saturating_sub(flight.acknowledged_bits);
        // Without fresh bytes no acknowledgement comes.
        if fresh == 0 {
            return;
        }
        flight.acknowledged_bits = delivered;
        self.delivered_bytes += fresh / 8;
        let rtt = self.scenario.rtt;
        let in_flight = flight.wire_bits.saturating_sub(delivered) / 8;
        let carried = self.path.rate_bps(now, QUEUE_WINDOW);
        let out_bits = (flight.gate_bits as f64).min(in_flight as f64 * 8.0);
        let queued = if carried > 0.0 { out_bits / carried } else { 1.0 };
        let latest = rtt.max(Duration::try_from_secs_f64(queued).unwrap_or(rtt).min(now.saturating_sub(flight.begun)));
        self.estimator.acknowledged(now, self.delivered_bytes, in_flight, latest, rtt);
    }

    fn arrived(&mut self, now: Duration, index: usize) {
        let Some(flight) = self.flights.get(index) else { return };
        let Some(free) = self.workers.iter_mut().min() else {
            self.events.at(now + flight.frame.execution + flight.frame.rtt / 2, Event::Result { flight: index });
            return;
        };
        let begun = now.max(*free);
        *free = begun + flight.frame.execution;
        self.events.at(*free + flight.frame.rtt / 2, Event::Result { flight: index });
    }

    fn result(&mut self, now: Duration, index: usize) {
        let Some(flight) = self.flights.get(index) else { return };
        let Some(problem) = self.scenario.services.get(flight.frame.service) else { return };
        let demand = problem.demand();
        if now + Duration::from_secs_f64(demand.margin_s) <= flight.frame.deadline {
            self.outcome.in_time += u64::from(!flight.frame.probe);
            self.outcome.improved(flight.frame.captured, demand.weight * (flight.frame.accuracy - demand.floor_accuracy));
        }
        let rate = flight.train_bps;
        self.window.delivered(now, rate);
        self.estimator.train(now, rate / 8.0, u32::try_from(flight.wire_bits / 8).unwrap_or(u32::MAX));
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
