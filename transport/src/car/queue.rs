//! Who sends next: per service the newest frame waits, one frame at a time is written, earliest deadline first among
//! those that can still make it.
//!
//! Because only one frame is ever partly written, a frame that waits can still be replaced by a newer one, and a frame
//! that was begun is finished unless its deadline is out of reach: newest-always-pre-empts would finish nothing under
//! double load.

use std::cmp::Ordering;
use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};

use super::gate;
use super::share::Account;

/// Where nothing was admitted for this long, one frame is, whatever was predicted: a wrong estimate must be able to
/// find out that it is wrong.
const STARVATION: Duration = Duration::from_millis(250);
/// A prediction has to fail by this factor of the remaining budget before a begun frame is given up for it.
const HOPELESS_FACTOR: f64 = 1.25;

/// A packet is known to be lost after 9/8 of a round trip (RFC 9002, section 6.1.2), or when three later ones have come.
const RECOVERY_ROUND_TRIPS: f64 = 1.125;
/// What a frame with repair has to have left over: its repair goes last, and not all of it may be enough.
const REPAIR: Duration = Duration::from_millis(15);
/// The link counts as idle this long before it is: chunks and wake-ups take a moment.
const SOON: Duration = Duration::from_millis(2);
/// A frame less likely than this to lose a packet is safe without any time left over.
const NEGLIGIBLE: f64 = 0.03;
/// Bytes of a frame in a packet.
const PACKET_BYTES: f64 = 1_430.0;

/// Bytes on the wire for each payload byte: headers of QUIC, UDP and IP on packets of 1,400 bytes.
const WIRE_OVERHEAD: f64 = 1.04;

/// What a frame may expect of the link.
#[derive(Clone, Copy, Debug)]
pub struct Outlook {
    /// Usable rate, bytes per second.
    pub rate: f64,
    /// What it carries nine times out of ten, bytes per second.
    pub low_rate: f64,
    /// Whether the rate was measured under load; a rate taken while the application was the limit drops nothing.
    pub trusted: bool,
    /// Smallest round trip of the path.
    pub min_rtt: Duration,
    /// Bytes on the way, and those the stack still has to send.
    pub ahead_bytes: u64,
    /// Part of the packets that is lost, 0 to 1.
    pub loss: f64,
    /// Whether a frame without the time to send a packet again gets the repair that makes up for it.
    pub mends_at_once: bool,
}

impl Outlook {
    /// The same with the rate that is there nine times out of ten.
    #[must_use]
    pub fn cautious(&self) -> Self {
        Self { rate: self.low_rate, ..*self }
    }

    /// How much later a byte is there that has to be sent again: it queues behind what was sent meanwhile.
    fn recovery_time(&self) -> Duration {
        self.min_rtt.mul_f64(RECOVERY_ROUND_TRIPS) + self.headroom()
    }

    /// How much queue is allowed to stand.
    #[must_use]
    pub fn headroom(&self) -> Duration {
        gate::headroom(self.rate, self.low_rate)
    }
}

/// A frame that waits for its turn.
#[derive(Clone, Debug)]
pub struct Waiting<T> {
    /// The frame.
    pub item: T,
    /// When its decision is due.
    pub deadline: Deadline,
    /// Bytes to send.
    pub bytes: usize,
    /// How long the cloud is expected to work on it.
    pub execution: Duration,
    /// What it had until its decision when it was encoded.
    pub fresh: Duration,
}

#[derive(Debug)]
struct Lane<T> {
    priority: f64,
    account: Account,
    waiting: Option<Waiting<T>>,
    last_admitted: Monotonic,
}

impl<T> Lane<T> {
    /// Those within their share first; of the others the higher priority.
    fn rank(&self, other: &Self, now: Monotonic) -> Ordering {
        let (own, theirs) = (self.account.borrows(now), other.account.borrows(now));
        let lent = if own && theirs { other.priority.total_cmp(&self.priority) } else { Ordering::Equal };
        own.cmp(&theirs).then(lent)
    }
}

/// The newest frame of every service, and the choice among them.
#[derive(Debug)]
pub struct UplinkQueue<T> {
    lanes: Vec<Lane<T>>,
    last_admitted: Monotonic,
}

impl<T> UplinkQueue<T> {
    /// A queue with one lane for each priority; of equal deadlines the higher priority goes first.
    #[must_use]
    pub fn new(priorities: impl IntoIterator<Item = f64>, now: Monotonic) -> Self {
        let lane =
            |priority| Lane { priority, account: Account::default(), waiting: None, last_admitted: Monotonic::ZERO };
        Self { lanes: priorities.into_iter().map(lane).collect(), last_admitted: now }
    }

    /// A new frame for `lane`; the one it replaces comes back, as does the frame itself where there is no such lane.
    pub fn offer(&mut self, lane: usize, frame: Waiting<T>) -> Option<Waiting<T>> {
        match self.lanes.get_mut(lane) {
            Some(lane) => lane.waiting.replace(frame),
            None => Some(frame),
        }
    }

    /// Whether any frame waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.waiting.is_none())
    }

    /// Whether a frame waits that is expected to make it, from the lanes for which `ready` says so.
    #[must_use]
    pub fn has_promising(&self, now: Monotonic, outlook: &Outlook, ready: impl Fn(usize) -> bool) -> bool {
        let waiting = self.lanes.iter().enumerate().filter(|(index, _)| ready(*index));
        waiting.filter_map(|(_, lane)| lane.waiting.as_ref()).any(|frame| slack(now, frame, outlook).is_some())
    }

    /// Takes out a frame that cannot be answered in time by any link: less than a minimum round trip is left.
    pub fn take_expired(&mut self, now: Monotonic, min_rtt: Duration) -> Option<(usize, Waiting<T>)> {
        self.lanes.iter_mut().enumerate().find_map(|(index, lane)| {
            let gone = lane.waiting.as_ref().is_some_and(|w| w.deadline.budget_at(now) <= min_rtt);
            if gone { lane.waiting.take().map(|frame| (index, frame)) } else { None }
        })
    }

    /// Takes out the frame of one lane, whatever is expected of it: the prototype's discipline.
    pub fn take(&mut self, lane: usize, now: Monotonic) -> Option<Waiting<T>> {
        self.last_admitted = now;
        self.lanes.get_mut(lane)?.waiting.take()
    }

    /// Takes out any frame, for answering all of them when the link is down.
    pub fn take_any(&mut self) -> Option<(usize, Waiting<T>)> {
        self.lanes.iter_mut().enumerate().find_map(|(index, lane)| lane.waiting.take().map(|frame| (index, frame)))
    }

    /// The next frame to begin, from the lanes for which `ready` says so.
    pub fn admit(
        &mut self,
        now: Monotonic,
        outlook: &Outlook,
        ready: impl Fn(usize) -> bool,
    ) -> Option<(usize, Waiting<T>)> {
        let candidates = || {
            self.lanes.iter().enumerate().filter_map(|(i, l)| Some((i, l, l.waiting.as_ref()?))).filter(|c| ready(c.0))
        };
        // Earliest first among those that even a lost packet leaves in time.
        let safe = candidates()
            .filter(|(_, _, frame)| has_time(now, frame, outlook))
            .min_by(|(_, a, x), (_, b, y)| {
                a.rank(b, now)
                    .then(x.deadline.cmp(&y.deadline))
                    .then(b.priority.total_cmp(&a.priority))
                    .then(a.last_admitted.cmp(&b.last_admitted))
            })
            .map(|(index, _, _)| index);
        // Where no frame has that time, however new, repair has to do.
        let at_once = |index: usize| {
            let frame = self.lanes.get(index).and_then(|lane| lane.waiting.as_ref());
            outlook.mends_at_once && frame.is_some_and(|frame| never_has_time(frame, outlook))
        };
        // Of the others the newest, and only when the link would soon be idle: until then a frame may come that is
        // safe, and the one that is not would have made the next ones late as well.
        let risky = || {
            candidates()
                .filter_map(|(index, lane, frame)| Some((index, lane, slack(now, frame, outlook)?)))
                .filter(|(index, _, slack)| idle_soon(outlook) || (*slack >= REPAIR && at_once(*index)))
                .max_by(|(_, a, x), (_, b, y)| {
                    b.rank(a, now)
                        .then(x.cmp(y))
                        .then(a.priority.total_cmp(&b.priority))
                        .then(b.last_admitted.cmp(&a.last_admitted))
                })
                .map(|(index, _, _)| index)
        };
        let earliest = safe.or_else(risky);
        let starving = now.saturating_since(self.last_admitted) >= STARVATION;
        let chosen = earliest.or_else(|| {
            if starving { candidates().max_by_key(|(_, _, f)| f.deadline).map(|(index, _, _)| index) } else { None }
        })?;
        let lane = self.lanes.get_mut(chosen)?;
        lane.last_admitted = now;
        self.last_admitted = now;
        if let Some(frame) = &lane.waiting {
            lane.account.spend(frame.bytes, now);
        }
        lane.waiting.take().map(|frame| (chosen, frame))
    }

    /// From now on `lane` is given `bytes_per_s` of the link.
    pub fn set_share(&mut self, lane: usize, bytes_per_s: f64, now: Monotonic) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.account.set_share(bytes_per_s, now);
        }
    }

    /// When the next rule changes its answer without a new frame: a frame expires, or starvation sets in.
    #[must_use]
    pub fn next_change(&self, min_rtt: Duration) -> Option<Monotonic> {
        let soonest = self.lanes.iter().filter_map(|l| l.waiting.as_ref()).map(|w| w.deadline.less(min_rtt)).min()?;
        Some(soonest.min(self.last_admitted.plus(STARVATION)))
    }
}

fn transmit(bytes: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(bytes as f64 * WIRE_OVERHEAD / rate.max(1.0)).unwrap_or(Duration::MAX)
}

/// What `frame`, begun now, is expected to have left when its result is back; `None` where it would be late.
fn slack<T>(now: Monotonic, frame: &Waiting<T>, outlook: &Outlook) -> Option<Duration> {
    let budget = frame.deadline.budget_at(now);
    if !outlook.trusted {
        return budget.checked_sub(outlook.min_rtt);
    }
    let own = transmit(frame.bytes as u64, outlook.rate);
    // With a full pipe the last byte's acknowledgement is due when all bytes ahead and its own have been carried; with
    // an emptier one a round trip after its own.
    let acknowledged = own.saturating_add(transmit(outlook.ahead_bytes, outlook.rate).max(outlook.min_rtt));
    budget.checked_sub(acknowledged.saturating_add(frame.execution))
}

/// Whether `frame`, begun now, is expected back in time even if a packet of it is lost and the link is slower than usual.
fn has_time<T>(now: Monotonic, frame: &Waiting<T>, outlook: &Outlook) -> bool {
    slack(now, frame, &outlook.cautious()).is_some_and(|slack| slack >= recovery(frame, outlook))
}

/// What part of `frame`, begun now, could not be sent again in time if it were lost: its last bytes, as what is lost early
/// is known early. 0 to 1.
#[must_use]
pub fn late_part<T>(now: Monotonic, frame: &Waiting<T>, outlook: &Outlook) -> f64 {
    let Some(slack) = slack(now, frame, &outlook.cautious()) else { return 1.0 };
    let own = transmit(frame.bytes as u64, outlook.low_rate).as_secs_f64();
    let short = outlook.recovery_time().saturating_sub(slack).as_secs_f64();
    if short < own { short / own } else { 1.0 }
}

/// Whether even a frame just encoded would not have that time behind a full pipe.
fn never_has_time<T>(frame: &Waiting<T>, outlook: &Outlook) -> bool {
    let full = outlook.min_rtt + outlook.headroom();
    let needed = transmit(frame.bytes as u64, outlook.rate) + full + frame.execution + recovery(frame, outlook);
    outlook.trusted && needed > frame.fresh
}

/// What a frame has to have left over for a packet that is lost: it is noticed and sent again. Nothing where that is
/// unlikely.
fn recovery<T>(frame: &Waiting<T>, outlook: &Outlook) -> Duration {
    let packets = frame.bytes as f64 / PACKET_BYTES;
    let lossy = 1.0 - (1.0 - outlook.loss).powf(packets);
    if lossy < NEGLIGIBLE { Duration::ZERO } else { outlook.recovery_time() }
}

/// Whether little more than a round trip's bytes are on the way.
fn idle_soon(outlook: &Outlook) -> bool {
    transmit(outlook.ahead_bytes, outlook.rate) <= outlook.min_rtt + SOON
}

/// Whether a begun frame has to be given up, of which `unsent_bytes` were not even given to QUIC.
///
/// Giving up spares the link only what was not sent; a frame that is all on its way is waited for. And it only helps
/// where a frame is waiting that could use the link better (`contended`): otherwise the frame goes on, and shows whether
/// the estimate is right.
#[must_use]
pub fn hopeless(now: Monotonic, deadline: Deadline, unsent_bytes: u64, contended: bool, outlook: &Outlook) -> bool {
    if unsent_bytes == 0 {
        return false;
    }
    let budget = deadline.budget_at(now);
    if budget <= outlook.min_rtt {
        return true;
    }
    let needed = transmit(unsent_bytes, outlook.rate).saturating_add(outlook.min_rtt);
    contended && outlook.trusted && needed > budget.mul_f64(HOPELESS_FACTOR)
}

#[cfg(test)]
mod tests;
