//! The clairvoyant: the most that any choice of configurations could have been worth.
//!
//! It knows the trace, every frame's size and times, every loss. Frames captured at one instant form a group; over the
//! groups in order it is a dynamic program whose state is when the link is free again, with the most utility so far.
//! Within a group every subset in every order is tried, so that no order of sending does better. What an estimator or a
//! gate would cost it does not pay, nor does it wait for a worker of the cloud: it bounds every policy from above.

use std::time::Duration;

use super::flight::Path;
use super::frames::Frames;
use super::lanes::Ready;
use super::link::Uplink;
use super::outcome::Outcome;
use super::scenario::Scenario;
use crate::allocation::ServiceAllocation;

/// Most states that are kept; more are merged in pairs, in favour of the oracle.
const MOST_STATES: usize = 48;
/// Groups of more services than this are sent in their order, as the subsets would be too many.
const MOST_SUBSETS: usize = 6;

/// The link is free at `free`, and `gain` is the most utility above the on-vehicle detectors to be had by then.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    free: Duration,
    gain: f64,
    in_time: u64,
    link_bits: u64,
}

/// One way to serve one frame.
struct Way {
    ready: Duration,
    frame: Ready,
    gain: f64,
}

/// What the best choices, known beforehand, are worth on all `frames` of `scenario`.
#[must_use]
pub fn clairvoyant(scenario: &Scenario, frames: &Frames, uplink: &dyn Uplink) -> Outcome {
    let path = Path { uplink, rtt: scenario.rtt, loss: scenario.loss };
    let mut outcome = Outcome::default();
    let mut captures: Vec<(Duration, usize, usize)> = (0..scenario.services.len())
        .flat_map(|service| (0..frames.count(service)).map(move |frame| (service, frame)))
        .map(|(service, frame)| (scenario.capture(service, frame), service, frame))
        .collect();
    captures.sort_unstable();
    let mut front = vec![State { free: Duration::ZERO, gain: 0.0, in_time: 0, link_bits: 0 }];
    let mut weights = 0.0;
    for group in captures.chunk_by(|a, b| a.0 == b.0) {
        for &(captured, service, _) in group {
            let Some(demand) = scenario.services.get(service).map(|service| service.demand()) else { continue };
            outcome.frames += 1;
            outcome.decided(captured, demand.weight, demand.floor_accuracy);
            weights += demand.weight;
        }
        // Nothing of this group can begin before it was captured.
        if let Some(&(captured, ..)) = group.first() {
            for state in &mut front {
                state.free = state.free.max(captured);
            }
            prune(&mut front);
        }
        let before = front.iter().map(|state| state.gain).fold(0.0, f64::max);
        let options: Vec<Vec<Way>> = group
            .iter()
            .map(|&(captured, service, frame)| options(scenario, frames, captured, service, frame))
            .collect();
        front = if group.len() <= MOST_SUBSETS {
            any_order(&path, &options, front)
        } else {
            options.iter().fold(front, |front, options| {
                let mut next = front.clone();
                serve(&path, options, &front, &mut next);
                prune(&mut next);
                next
            })
        };
        let after = front.iter().map(|state| state.gain).fold(0.0, f64::max);
        if let Some(&(captured, ..)) = group.first() {
            outcome.improved(captured, after - before);
        }
    }
    let best = front.iter().max_by(|a, b| a.gain.total_cmp(&b.gain));
    outcome.in_time = best.map_or(0, |state| state.in_time);
    outcome.sent = outcome.in_time;
    outcome.link_bits = best.map_or(0, |state| state.link_bits);
    let gain = best.map_or(0.0, |state| state.gain);
    outcome.close(|from, window| path.rate_bps(from + window, window));
    outcome.on_vehicle_utility = outcome.utility - if weights > 0.0 { gain / weights } else { 0.0 };
    outcome
}

/// Every way to serve a frame that is worth anything.
fn options(scenario: &Scenario, frames: &Frames, captured: Duration, service: usize, frame: usize) -> Vec<Way> {
    let (Some(problem), Some(draw)) = (scenario.services.get(service), frames.draw_of(service, frame)) else {
        return Vec::new();
    };
    let demand = problem.demand();
    let deadline = captured + Duration::from_secs_f64(demand.slo_s);
    let margin = Duration::from_secs_f64(demand.margin_s);
    let options = problem.menu.choices().iter().filter_map(|choice| {
        let gain = demand.weight * (choice.accuracy() - demand.floor_accuracy);
        let needs = draw.needs(choice);
        let rtt = draw.rtt(scenario.rtt);
        let possible = captured + needs.encode + needs.execution + rtt + margin < deadline;
        let frame = Ready {
            service,
            captured,
            deadline: deadline.saturating_sub(margin),
            bits: needs.bits,
            expected_execution: needs.execution,
            execution_tail: needs.execution,
            execution: needs.execution,
            rtt,
            losses: draw.losses,
            accuracy: choice.accuracy(),
            probe: false,
            given: ServiceAllocation::default(),
            ready: captured + needs.encode,
        };
        (gain > 0.0 && possible).then_some(Way { ready: captured + needs.encode, frame, gain })
    });
    options.collect()
}

/// The states after a group, whichever of its frames are sent and in whichever order.
fn any_order(path: &Path<'_>, options: &[Vec<Way>], front: Vec<State>) -> Vec<State> {
    let mut by_subset: Vec<Vec<State>> = vec![Vec::new(); 1 << options.len()];
    if let Some(none) = by_subset.first_mut() {
        *none = front;
    }
    for subset in 0..by_subset.len() {
        let Some(from) = by_subset.get_mut(subset).map(|states| {
            prune(states);
            states.clone()
        }) else {
            continue;
        };
        for (frame, options) in options.iter().enumerate() {
            if subset & (1 << frame) == 0
                && let Some(to) = by_subset.get_mut(subset | (1 << frame))
            {
                serve(path, options, &from, to);
            }
        }
    }
    let mut all: Vec<State> = by_subset.into_iter().flatten().collect();
    prune(&mut all);
    all
}

/// Adds the states after serving one frame in any of its ways.
fn serve(path: &Path<'_>, options: &[Way], from: &[State], to: &mut Vec<State>) {
    for option in options {
        for state in from {
            let begun = state.free.max(option.ready);
            let first_bit = path.uplink.bits_by(begun);
            let wire = path.wire(&option.frame, first_bit);
            let Some(free) = path.uplink.instant_of_bit(first_bit.saturating_add(wire.bits)) else { continue };
            let free = free.max(begun);
            let arrival = free.max(wire.repaired).saturating_add(option.frame.rtt / 2);
            if arrival + option.frame.execution + option.frame.rtt / 2 <= option.frame.deadline {
                let link_bits = state.link_bits + wire.bits;
                to.push(State { free, gain: state.gain + option.gain, in_time: state.in_time + 1, link_bits });
            }
        }
    }
}

/// Keeps the states that no other equals or beats in both, by rising time and gain.
fn prune(states: &mut Vec<State>) {
    states.sort_by(|a, b| a.free.cmp(&b.free).then(b.gain.total_cmp(&a.gain)));
    let mut most = f64::NEG_INFINITY;
    states.retain(|state| {
        let better = state.gain > most;
        most = most.max(state.gain);
        better
    });
    while states.len() > MOST_STATES {
        let merged = states.chunks(2).map(|pair| match pair {
            [a, b] => State { free: a.free, ..*b },
            [a, ..] => *a,
            [] => State { free: Duration::ZERO, gain: 0.0, in_time: 0, link_bits: 0 },
        });
        *states = merged.collect();
    }
}
