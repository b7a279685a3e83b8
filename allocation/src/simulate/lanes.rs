//! Frames before the uplink: each service's encoder and its one waiting frame, and which frame begins next.

use std::time::Duration;

use super::gate;
use super::random::Random;
use super::scenario::{Discipline, Scenario};
use crate::allocation::ServiceAllocation;

/// Where nothing was admitted for this long, one frame is, whatever was predicted (as the transport's queue).
const STARVATION: Duration = Duration::from_millis(250);
/// A lost packet is known of after so many round trips, and its repetition queues behind what was sent meanwhile.
const RECOVERY_ROUND_TRIPS: f64 = 1.125;
/// The link counts as idle this long before it is.
const SOON: Duration = Duration::from_millis(2);
/// A frame less likely than this to lose a packet is safe without any time left over.
const NEGLIGIBLE: f64 = 0.03;
/// Bits of a frame in a packet.
const PACKET_BITS: f64 = 1_430.0 * 8.0;

/// A coded frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    pub service: usize,
    pub captured: Duration,
    pub deadline: Duration,
    pub bits: u64,
    /// What the car expects the cloud to need.
    pub expected_execution: Duration,
    /// What the cloud expects that it may need, 95th percentile.
    pub execution_tail: Duration,
    /// What it will need.
    pub execution: Duration,
    pub rtt: Duration,
    pub losses: Random,
    pub accuracy: f64,
    /// Sent only to learn about the link.
    pub probe: bool,
    /// What the allocation said of its service; nothing of a probe.
    pub given: ServiceAllocation,
    pub ready: Duration,
}

impl Ready {
    /// Its service has no rate of its own: it goes on what the others leave.
    fn lent(&self) -> bool {
        self.given.rate_bps <= 0.0
    }
}

/// What a frame may expect of the link, as the car sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    pub rate_bps: f64,
    /// What it carries nine times out of ten.
    pub low_rate_bps: f64,
    /// A rate that was not measured under load drops nothing.
    pub trusted: bool,
    pub least_rtt: Duration,
    /// Bits on their way.
    pub out_bits: u64,
    /// Part of the packets that is lost.
    pub loss: f64,
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
    /// Frames that were not begun in time, as allocated.
    missed: Vec<ServiceAllocation>,
}

impl Lanes {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let lane = |weight| Lane { weight, ..Lane::default() };
        Self {
            discipline: scenario.discipline,
            lanes: scenario.services.iter().map(|service| lane(service.demand().weight)).collect(),
            last_admitted: Duration::ZERO,
            looking_again: Duration::ZERO,
            missed: Vec::new(),
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
            self.missed.extend(lane.waiting.take().map(|frame| frame.given));
            lane.waiting = lane.encoding.take();
        }
    }

    /// The frame that begins now, if there is one.
    pub(super) fn admit(&mut self, now: Duration, outlook: &Outlook) -> Option<Ready> {
        let gated = self.discipline == Discipline::Gated;
        for lane in &mut self.lanes {
            let gone = |frame: &Ready| gated && frame.deadline.saturating_sub(now) <= outlook.least_rtt;
            if lane.waiting.as_ref().is_some_and(gone) {
                self.missed.extend(lane.waiting.take().map(|frame| frame.given));
            }
        }
        let candidates = || self.lanes.iter().filter_map(|lane| Some((lane, lane.waiting?)));
        let chosen = if gated {
            let urgent = |(a, x): &(&Lane, Ready), (b, y): &(&Lane, Ready)| {
                (x.lent().cmp(&y.lent()))
                    .then(x.deadline.cmp(&y.deadline))
                    .then(b.weight.total_cmp(&a.weight))
                    .then(a.last_admitted.cmp(&b.last_admitted))
            };
            let safe = candidates().filter(|(_, frame)| has_time(now, frame, outlook)).min_by(urgent);
            // The others, newest first, once the link would idle.
            let idle = gate::transmit(outlook.out_bits, outlook.rate_bps) <= outlook.least_rtt + SOON;
            let risky = || {
                let possible =
                    candidates().filter_map(|(lane, frame)| Some((lane, frame, slack(now, &frame, outlook)?)));
                let newest = possible.filter(|_| idle).max_by(|(a, x, left), (b, y, right)| {
                    (y.lent().cmp(&x.lent()))
                        .then(left.cmp(right))
                        .then(a.weight.total_cmp(&b.weight))
                        .then(b.last_admitted.cmp(&a.last_admitted))
                });
                newest.map(|(lane, frame, _)| (lane, frame))
            };
            let starving = now.saturating_sub(self.last_admitted) >= STARVATION;
            safe.or_else(risky).or_else(|| candidates().filter(|_| starving).max_by_key(|(_, frame)| frame.deadline))
        } else {
            candidates().min_by_key(|(_, frame)| frame.ready)
        };
        let service = chosen.map(|(_, frame)| frame.service)?;
        let lane = self.lanes.get_mut(service)?;
        lane.last_admitted = now;
        self.last_admitted = now;
        lane.waiting.take()
    }

    /// A frame that waited in vain, as allocated, each once.
    pub(super) fn next_missed(&mut self) -> Option<ServiceAllocation> {
        self.missed.pop()
    }

    /// Whether a frame waits that is expected to make it.
    pub(super) fn has_promising(&self, now: Duration, outlook: &Outlook) -> bool {
        self.lanes.iter().filter_map(|lane| lane.waiting.as_ref()).any(|frame| slack(now, frame, outlook).is_some())
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

/// What a frame, begun now, is expected to have left when its result is back; `None` where it would be late.
fn slack(now: Duration, frame: &Ready, outlook: &Outlook) -> Option<Duration> {
    let budget = frame.deadline.saturating_sub(now);
    if !outlook.trusted {
        return budget.checked_sub(outlook.least_rtt);
    }
    let own = gate::transmit(frame.bits, outlook.rate_bps);
    let ahead = gate::transmit(outlook.out_bits, outlook.rate_bps);
    budget.checked_sub(own.saturating_add(ahead.max(outlook.least_rtt)).saturating_add(frame.expected_execution))
}

/// Whether a frame, begun now, is expected in time on a link slower than usual, even if a packet of it is lost.
fn has_time(now: Duration, frame: &Ready, outlook: &Outlook) -> bool {
    let cautious = Outlook { rate_bps: outlook.low_rate_bps, ..*outlook };
    slack(now, frame, &cautious).is_some_and(|slack| slack >= recovery(frame, outlook))
}

/// What a frame has to have left over for a packet that is lost.
fn recovery(frame: &Ready, outlook: &Outlook) -> Duration {
    let packets = frame.bits as f64 / PACKET_BITS;
    let lossy = 1.0 - (1.0 - outlook.loss).powf(packets);
    if lossy < NEGLIGIBLE {
        Duration::ZERO
    } else {
        outlook.least_rtt.mul_f64(RECOVERY_ROUND_TRIPS) + gate::headroom(outlook)
    }
}
