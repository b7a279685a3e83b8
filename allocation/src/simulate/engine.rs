//! The event loop of one run.

mod carry;
mod serve;

use std::time::Duration;

use super::cloud::Cloud;
use super::cwnd::Window;
use super::events::{Event, Events};
use super::flight::{Flight, Path};
use super::frames::Frames;
use super::gate;
use super::lanes::{Lanes, Outlook, Ready};
use super::link::{Acknowledged, Estimator, Uplink};
use super::outcome::Outcome;
use super::queue::Seen;
use super::scenario::{Discipline, Scenario};
use crate::allocation::Allocation;
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
        heard: Duration::ZERO,
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
    /// When an acknowledgement came last, or, with nothing on its way, bits were given to the link.
    heard: Duration,
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
        let share = self.allocation.services().get(service).map_or(0.0, |answer| answer.rate_bps);
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
            lent: share <= 0.0,
            ready: Duration::ZERO,
        };
        self.outcome.probes += u64::from(ready.probe);
        let encoded = self.lanes.encode(ready, now, needs.encode);
        self.events.at(encoded, Event::Encoded { service });
    }

    fn outlook(&self, now: Duration) -> Outlook {
        Outlook {
            rate_bps: self.estimator.rate_bps(now),
            low_rate_bps: self.estimator.low_rate_bps(now),
            trusted: self.estimator.is_measured(now),
            least_rtt: self.scenario.rtt,
            out_bits: self.out_bits,
            loss: self.scenario.loss.max(self.seen.fraction()),
        }
    }

    /// Gives up what is hopeless, gives the link as much as the gate allows, begins frames.
    fn pump(&mut self, now: Duration) -> Result<(), RunError> {
        let gated = self.scenario.discipline == Discipline::Gated;
        if gated && self.review(now) {
            self.decide(now)?;
        }
        loop {
            let outlook = self.outlook(now);
            if gated && !gate::open(self.out_bits, &outlook) {
                return Ok(());
            }
            if gated && let Some(wait) = self.pace.wait(now, outlook.rate_bps) {
                if self.looking_at <= now {
                    self.looking_at = now + wait;
                    self.events.at(self.looking_at, Event::LookAgain);
                }
                return Ok(());
            }
            match self.writing {
                Some(index) => {
                    let piece = if gated { gate::piece_bits(&outlook) } else { u64::MAX };
                    if !self.hand_over(now, index, piece) {
                        return Ok(());
                    }
                    self.pace.sent(piece);
                }
                // The next acknowledgement is the time to look again.
                None if gated && self.stalls(now) => return Ok(()),
                None => {
                    let Some(ready) = self.lanes.admit(now, &outlook) else {
                        if let Some(later) = self.lanes.next_change(now, self.scenario.rtt) {
                            self.events.at(later, Event::LookAgain);
                        }
                        return Ok(());
                    };
                    self.begin_flight(now, ready);
                }
            }
        }
    }

    fn begin_flight(&mut self, now: Duration, ready: Ready) {
        let first_bit = self.path.uplink.bits_by(now).max(self.link_bit);
        let flight = Flight::begin(&self.path, ready, now, first_bit, self.delivered_bytes);
        if self.scenario.discipline == Discipline::Gated {
            self.events.at(ready.deadline.saturating_sub(self.scenario.rtt).max(now), Event::LookAgain);
        }
        self.writing = Some(self.flights.len());
        self.flights.push(flight);
    }

    /// Closes the begun frames that cannot make it; whether there were any.
    fn review(&mut self, now: Duration) -> bool {
        let outlook = self.outlook(now);
        let contended = self.lanes.has_promising(now, &outlook);
        let before = self.closed;
        let recent = self.flights.len().saturating_sub(2 * self.scenario.services.len() + 2);
        for (index, flight) in self.flights.iter_mut().enumerate().skip(recent) {
            if flight.closed || !gate::hopeless(now, flight, contended, &outlook) {
                continue;
            }
            flight.closed = true;
            self.closed += 1;
            let delivered = self.delivered_bytes - flight.delivered_before;
            self.estimator.late(now, delivered, now.saturating_sub(flight.begun));
            if self.writing == Some(index) {
                self.writing = None;
            }
        }
        self.closed > before
    }

    fn acknowledged(&mut self, now: Duration, index: usize, bits: u64, handed: Duration) {
        self.heard = now;
        self.out_bits -= bits;
        // In whole bytes over all, so that no rest is lost.
        self.delivered_bits += bits;
        self.delivered_bytes = self.delivered_bits / 8;
        if let Some(flight) = self.flights.get_mut(index) {
            flight.acknowledged += bits;
        }
        let acknowledged = Acknowledged {
            delivered: self.delivered_bytes,
            in_flight: self.out_bits / 8,
            latest: now.saturating_sub(handed),
            least: self.scenario.rtt,
            app_limited: self.writing.is_none(),
        };
        self.estimator.acknowledged(now, acknowledged);
        if let Some(rate) = self.estimator.ack_rate_bps() {
            self.window.delivered(now, rate);
        }
    }

    fn result(&mut self, now: Duration, index: usize) {
        let Some(flight) = self.flights.get_mut(index).filter(|flight| !flight.closed) else { return };
        let Some(problem) = self.scenario.services.get(flight.frame.service) else { return };
        let demand = problem.demand();
        if !flight.refused && now + Duration::from_secs_f64(demand.margin_s) <= flight.frame.deadline {
            self.outcome.in_time += u64::from(!flight.frame.probe);
            self.outcome.probes_in_time += u64::from(flight.frame.probe);
            self.outcome
                .improved(flight.frame.captured, demand.weight * (flight.frame.accuracy - demand.floor_accuracy));
        }
        // Late as it is, it tells about the link, as long as it is waited for.
        if now <= flight.frame.deadline + AFTERLIFE {
            let (rate, bytes) = (flight.train_bps(), flight.wire.bits / 8);
            let in_cloud = flight.answered.saturating_sub(flight.arrived);
            let passage = now.saturating_sub(flight.begun + in_cloud + self.scenario.rtt);
            self.window.delivered(now, rate);
            self.estimator.train(now, rate / 8.0, u32::try_from(bytes).unwrap_or(u32::MAX));
            self.estimator.passed(now, bytes, passage);
        }
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
