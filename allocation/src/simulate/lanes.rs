//! Frames before the uplink: each service's encoder and its one waiting frame, and which frame begins next.

use std::time::Duration;

use super::random::Random;
use super::scenario::{Discipline, Scenario};

/// Where nothing was admitted for this long, one frame is, whatever was predicted (as the transport's queue).
const STARVATION: Duration = Duration::from_millis(250);

/// A coded frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub service: usize,
    pub captured: Duration,
    pub deadline: Duration,
    pub bits: u64,
    /// What the car expects the cloud to need.
    pub expected_execution: Duration,
    /// What it will need.
    pub execution: Duration,
    pub rtt: Duration,
    pub losses: Random,
    pub accuracy: f64,
    /// Sent only to learn about the link.
    pub probe: bool,
    pub ready: Duration,
}

/// What a frame may expect of the link, as the car sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    pub rate_bps: f64,
    /// A rate that was not measured under load drops nothing.
    pub trusted: bool,
    pub least_rtt: Duration,
    pub latest_rtt: Duration,
    /// Acknowledged bits per second of late, where known.
    pub ack_rate_bps: Option<f64>,
    /// Bits on their way.
    pub out_bits: u64,
}

#[derive(Debug, Default)]
struct Lane {
    weight: f64,
    encoding: Option<Ready>,
    encoder_free: Duration,
    waiting: Option<Ready>,
    last_sent: Option<Duration>,
    last_admitted: Duration,
}

/// All services before the uplink.
#[derive(Debug)]
pub(super) struct Lanes {
    discipline: Discipline,
    lanes: Vec<Lane>,
    last_admitted: Duration,
    looking_again: Duration,
}

impl Lanes {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let lane = |weight| Lane { weight, ..Lane::default() };
        Self {
            discipline: scenario.discipline,
            lanes: scenario.services.iter().map(|service| lane(service.demand().weight)).collect(),
            last_admitted: Duration::ZERO,
            looking_again: Duration::ZERO,
        }
    }

    /// Whether a service has sent nothing for `period`.
    pub(super) fn probe_due(&self, service: usize, now: Duration, period: Duration) -> bool {
        let last = self.lanes.get(service).and_then(|lane| lane.last_sent);
        last.is_none_or(|last| now.saturating_sub(last) >= period)
    }

    /// Begins to encode; returns when that is done.
    pub(super) fn encode(&mut self, frame: Ready, now: Duration, takes: Duration) -> Duration {
        let Some(lane) = self.lanes.get_mut(frame.service) else { return now + takes };
        let done = lane.encoder_free.max(now) + takes;
        lane.encoder_free = done;
        lane.last_sent = Some(now);
        lane.encoding = Some(Ready { ready: done, ..frame });
        done
    }

    /// The frame that was encoded waits, instead of an older one.
    pub(super) fn encoded(&mut self, service: usize, now: Duration) {
        let Some(lane) = self.lanes.get_mut(service) else { return };
        // An encoder that is behind has a newer frame in hand, whose own event is still to come.
        if lane.encoding.is_some_and(|frame| frame.ready <= now) {
            lane.waiting = lane.encoding.take();
        }
    }

    /// The frame that begins now, if there is one.
    pub(super) fn admit(&mut self, now: Duration, outlook: &Outlook) -> Option<Ready> {
        let gated = self.discipline == Discipline::Gated;
        for lane in &mut self.lanes {
            let gone = |frame: &Ready| gated && frame.deadline.saturating_sub(now) <= outlook.least_rtt;
            if lane.waiting.as_ref().is_some_and(gone) {
                lane.waiting = None;
            }
        }
        let candidates = || self.lanes.iter().filter_map(|lane| Some((lane, lane.waiting?)));
        let chosen = if gated {
            let earliest =
                candidates().filter(|(_, frame)| can_make_it(now, frame, outlook)).min_by(|(a, x), (b, y)| {
                    x.deadline
                        .cmp(&y.deadline)
                        .then(b.weight.total_cmp(&a.weight))
                        .then(a.last_admitted.cmp(&b.last_admitted))
                });
            let starving = now.saturating_sub(self.last_admitted) >= STARVATION;
            earliest.or_else(|| candidates().filter(|_| starving).max_by_key(|(_, frame)| frame.deadline))
        } else {
            candidates().min_by_key(|(_, frame)| frame.ready)
        };
        let service = chosen.map(|(_, frame)| frame.service)?;
        let lane = self.lanes.get_mut(service)?;
        lane.last_admitted = now;
        self.last_admitted = now;
        lane.waiting.take()
    }

    /// When a rule changes its answer without a new frame, if that is not looked at already.
    pub(super) fn next_change(&mut self, now: Duration, least_rtt: Duration) -> Option<Duration> {
        let expiries =
            self.lanes.iter().filter_map(|lane| lane.waiting).map(|frame| frame.deadline.saturating_sub(least_rtt));
        let next = expiries.min()?.min(self.last_admitted + STARVATION).max(now + Duration::from_millis(1));
        if self.looking_again > now && self.looking_again <= next {
            return None;
        }
        self.looking_again = next;
        Some(next)
    }
}

/// Whether a frame begun now is expected back by its deadline.
fn can_make_it(now: Duration, frame: &Ready, outlook: &Outlook) -> bool {
    let budget = frame.deadline.saturating_sub(now);
    if !outlook.trusted {
        return budget > outlook.least_rtt;
    }
    let own = super::flight::WIRE_OVERHEAD * frame.bits as f64 / outlook.rate_bps.max(1.0);
    let own = Duration::try_from_secs_f64(own).unwrap_or(Duration::MAX);
    let ahead =
        Duration::try_from_secs_f64(outlook.out_bits as f64 / outlook.rate_bps.max(1.0)).unwrap_or(Duration::MAX);
    own.saturating_add(ahead.max(outlook.least_rtt)).saturating_add(frame.expected_execution) <= budget
}
