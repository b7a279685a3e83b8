//! Where the cloud's clock stands against the car's, and by how much each direction's delay exceeds its smallest: told
//! by the four stamps of every result.
//!
//! A queue that builds on the uplink shows here frame by frame, without regard to what the way back does. The offset is
//! that of the sample with the smallest round trip of the last 10 s (transport notes; NTP's clock filter, RFC 5905
//! section 10, chooses by the same rule).

use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::wire::result::Stamps;

/// The window is this many slots of a second.
const SLOTS: usize = 10;
const SLOT_NS: u64 = 1_000_000_000;
/// Two clocks may drift by this much over the window: 1,000 parts per million, twice what a kernel slews at most.
const DRIFT_NS: i64 = 10_000_000;
/// The same within one frame's journey, in parts of it, and what reading two clocks may differ by.
const DRIFT_PARTS: i64 = 1_000;
const READING_NS: i64 = 1_000_000;
/// After this many stamps in a row that contradict the window, it is the window that is wrong.
const CONTRADICTIONS: u32 = 8;
/// A sample tells of the link's present state for this long.
const FRESH: Duration = Duration::from_secs(1);

/// One frame's way there and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelaySample {
    /// Both directions together, without the time spent in the cloud.
    pub round_trip: Duration,
    /// How much longer the frame header took than the fastest one of the last 10 s: the uplink's queue.
    pub up_variation: Duration,
    /// The same of the result on its way back.
    pub down_variation: Duration,
}

/// The cloud's clock, as far as the car can know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockEstimate {
    /// The cloud's clock less the car's, nanoseconds.
    pub offset_ns: i64,
    /// The offset is wrong by at most this: half of the smallest round trip, all of which might be one direction's.
    pub error: Duration,
}

/// Why a result's stamps tell nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AbsurdStamps {
    /// The echo is of no frame that was sent.
    #[error("the cloud echoes {echoed_ns} ns as the send time of a frame sent at {sent_ns} ns")]
    Echo {
        /// When the frame was sent.
        sent_ns: u64,
        /// What came back.
        echoed_ns: u64,
    },
    /// The cloud's clock ran backwards.
    #[error(
        "{what} is stamped {later_ns} ns, before {earlier_ns} ns; expected header, last byte, result in this order"
    )]
    Backwards {
        /// The later event.
        what: &'static str,
        /// The stamp of the event before it.
        earlier_ns: u64,
        /// Its own stamp.
        later_ns: u64,
    },
    /// More time went by in the cloud than between request and answer.
    #[error("{cloud_ns} ns in the cloud do not fit into the {passed_ns} ns that the frame was away")]
    TooLong {
        /// From header to result, by the cloud's stamps.
        cloud_ns: u64,
        /// From request to answer, by the car's clock.
        passed_ns: u64,
    },
    /// The clocks stand further apart than any delay explains, by what earlier results showed.
    #[error("the cloud's clock is {by_ns} ns outside the bounds that earlier results set")]
    FarOff {
        /// How far outside; the largest number where it does not fit.
        by_ns: u64,
    },
}

/// The smallest of what was seen within a second.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Which second; zero is none.
    second: u64,
    /// Round trip and offset of the sample with the smallest round trip.
    best: (i64, i64),
    /// Cloud's clock at arrival less car's clock at sending: delay upwards plus offset.
    up: i64,
    /// Car's clock at arrival less cloud's at sending: delay downwards less offset.
    down: i64,
}

/// Estimates offset and delay variation; pure, of fixed size.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use transport::estimate::ClockOffset;
/// use transport::wire::result::Stamps;
/// let mut clocks = ClockOffset::default();
/// let ms = 1_000_000;
/// // The cloud's clock is 5 s ahead; 20 ms up, 30 ms in the cloud, 20 ms down.
/// let stamps = |sent, up| Stamps {
///     car_sent_ns: sent,
///     header_received_ns: sent + 5_000 * ms + up,
///     last_received_ns: sent + 5_000 * ms + up,
///     result_sent_ns: sent + 5_030 * ms + up,
/// };
/// let sent = 1_000 * ms;
/// clocks.sample(Monotonic::from_ns(sent), Monotonic::from_ns(sent + 70 * ms), &stamps(sent, 20 * ms))?;
/// // The next one meets a queue of 40 ms on its way up.
/// let sent = 1_100 * ms;
/// let seen = clocks.sample(Monotonic::from_ns(sent), Monotonic::from_ns(sent + 110 * ms), &stamps(sent, 60 * ms))?;
/// assert_eq!((seen.up_variation.as_millis(), seen.down_variation.as_millis()), (40, 0));
/// assert_eq!(clocks.estimate(Monotonic::from_ns(sent)).map(|e| e.offset_ns), Some(5_000 * ms as i64));
/// # Ok::<(), transport::estimate::AbsurdStamps>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    slots: [Slot; SLOTS],
    latest: Option<(Monotonic, DelaySample)>,
    absurd: u64,
    contradictions: u32,
}

impl ClockOffset {
    /// Hears the stamps of the result that came at `received`, of a frame whose header was written at `sent`.
    ///
    /// # Errors
    /// Stamps that cannot be; they are counted and change nothing.
    pub fn sample(
        &mut self,
        sent: Monotonic,
        received: Monotonic,
        stamps: &Stamps,
    ) -> Result<DelaySample, AbsurdStamps> {
        self.judge(sent, received, stamps).inspect_err(|_| self.absurd = self.absurd.saturating_add(1))
    }

    fn judge(&mut self, sent: Monotonic, received: Monotonic, stamps: &Stamps) -> Result<DelaySample, AbsurdStamps> {
        let [up, down] = directions(sent, received, stamps)?;
        let round_trip = up.saturating_add(down).max(0);
        // Each delay is at least nothing, so that the offset lies between -down and up of every sample.
        if let Some(seen) = self.smallest(received) {
            let by = seen.up.saturating_add(down).min(seen.down.saturating_add(up)).saturating_add(DRIFT_NS);
            if by < 0 {
                self.contradictions += 1;
                if self.contradictions < CONTRADICTIONS {
                    return Err(AbsurdStamps::FarOff { by_ns: by.unsigned_abs() });
                }
                self.slots = [Slot::default(); SLOTS];
            }
        }
        self.contradictions = 0;
        self.note(received, Slot { second: 0, best: (round_trip, up.midpoint(down.saturating_neg())), up, down });
        let seen = self.smallest(received).unwrap_or_default();
        let above = |value: i64, least: i64| Duration::from_nanos(value.saturating_sub(least).unsigned_abs());
        let sample = DelaySample {
            round_trip: Duration::from_nanos(round_trip.unsigned_abs()),
            up_variation: above(up, seen.up),
            down_variation: above(down, seen.down),
        };
        self.latest = Some((received, sample));
        Ok(sample)
    }

    fn note(&mut self, at: Monotonic, new: Slot) {
        let second = second(at);
        let place = usize::try_from(second % SLOTS as u64).unwrap_or(0);
        let Some(slot) = self.slots.get_mut(place) else { return };
        *slot = if slot.second == second { slot.with(&new) } else { Slot { second, ..new } };
    }

    /// The smallest of each kind within the window before `at`.
    fn smallest(&self, at: Monotonic) -> Option<Slot> {
        let second = second(at);
        let within = |slot: &&Slot| slot.second > second.saturating_sub(SLOTS as u64) && slot.second <= second;
        self.slots.iter().filter(within).copied().reduce(|a, b| a.with(&b))
    }

    /// The cloud's clock as the last 10 s before `now` tell it.
    #[must_use]
    pub fn estimate(&self, now: Monotonic) -> Option<ClockEstimate> {
        let (round_trip, offset_ns) = self.smallest(now)?.best;
        Some(ClockEstimate { offset_ns, error: Duration::from_nanos(round_trip.unsigned_abs() / 2) })
    }

    /// The newest sample, where it is of the last second before `now`.
    #[must_use]
    pub fn latest(&self, now: Monotonic) -> Option<DelaySample> {
        self.latest.filter(|(at, _)| now.saturating_since(*at) < FRESH).map(|(_, sample)| sample)
    }

    /// How many results had stamps that cannot be.
    #[must_use]
    pub fn absurd(&self) -> u64 {
        self.absurd
    }

    /// Forgets what a former connection's cloud said; the count of absurd stamps goes on.
    pub fn reconnected(&mut self) {
        *self = Self { absurd: self.absurd, ..Self::default() };
    }
}

impl Slot {
    fn with(&self, other: &Self) -> Self {
        Self {
            second: self.second,
            best: if other.best.0 < self.best.0 { other.best } else { self.best },
            up: self.up.min(other.up),
            down: self.down.min(other.down),
        }
    }
}

/// Which second of the clock; never zero.
fn second(at: Monotonic) -> u64 {
    (at.as_ns() / SLOT_NS).saturating_add(1)
}

/// Delay upwards plus offset, and delay downwards less offset, of stamps that make sense in themselves.
fn directions(sent: Monotonic, received: Monotonic, stamps: &Stamps) -> Result<[i64; 2], AbsurdStamps> {
    let Stamps { car_sent_ns, header_received_ns, last_received_ns, result_sent_ns } = *stamps;
    if car_sent_ns != sent.as_ns() {
        return Err(AbsurdStamps::Echo { sent_ns: sent.as_ns(), echoed_ns: car_sent_ns });
    }
    for (what, earlier_ns, later_ns) in [
        ("the last byte", header_received_ns, last_received_ns),
        ("the result", last_received_ns, result_sent_ns),
        ("the answer", sent.as_ns(), received.as_ns()),
    ] {
        if later_ns < earlier_ns {
            return Err(AbsurdStamps::Backwards { what, earlier_ns, later_ns });
        }
    }
    let cloud_ns = result_sent_ns - header_received_ns;
    let passed_ns = received.as_ns() - sent.as_ns();
    let slack = u64::try_from(READING_NS).unwrap_or(0).saturating_add(passed_ns / DRIFT_PARTS.unsigned_abs());
    if cloud_ns > passed_ns.saturating_add(slack) {
        return Err(AbsurdStamps::TooLong { cloud_ns, passed_ns });
    }
    // Two clocks of less than 146 years each: their differences, and sums of two of those, are numbers.
    let clock = |ns: u64| i64::try_from(ns).ok().filter(|ns| *ns < i64::MAX / 2);
    match [sent.as_ns(), header_received_ns, result_sent_ns, received.as_ns()].map(clock) {
        [Some(sent), Some(header), Some(result), Some(received)] => Ok([header - sent, received - result]),
        _ => Err(AbsurdStamps::FarOff { by_ns: u64::MAX }),
    }
}

#[cfg(test)]
mod tests;
