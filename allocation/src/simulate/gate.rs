//! How much may be on its way at once, how fast, and when a begun frame is given up: the rules of the car's transport
//! (`transport::car::gate` and `transport::car::queue`), whose constants these are.

use std::time::Duration;

use super::flight::Flight;
use super::lanes::Outlook;

/// Beyond the least round trip, this much time's worth of bits may be out on a steady link, seconds.
const HEADROOM_S: f64 = 3e-3;
/// And as much more on one that is sometimes next to nothing, in proportion on one that varies less.
const UNSTEADY_HEADROOM_S: f64 = 25e-3;
/// Beyond that, bits.
const LEAST_HEADROOM_BITS: f64 = 4.0 * 1_472.0 * 8.0;
/// Bits of a packet, its UDP payload.
const PACKET_BITS: u64 = 1_472 * 8;
/// What the car takes the wire's bits to be over a frame's (`transport::car::queue`).
const WIRE_OVERHEAD: f64 = 1.04;
/// How much faster than the estimate the stack may send.
const PACE: f64 = 1.25;
/// This much may go at once before the pace counts: a train of 16 packets, which the receiver can measure.
const BURST_BITS: f64 = 16.0 * 1_472.0 * 8.0;
/// Smallest and largest piece given to the link at once, bits.
const PIECE_BITS: (u64, u64) = (2_800 * 8, 16 * 1024 * 8);
/// A piece lasts about this long on the wire.
const PIECE_TIME: Duration = Duration::from_millis(2);
/// The pace is looked at no more often, and no more seldom, than this: the rate may change meanwhile.
const LEAST_WAIT: Duration = Duration::from_micros(100);
const MOST_WAIT: Duration = Duration::from_millis(5);
/// A prediction has to fail by this factor of the remaining budget before a begun frame is given up for it.
const HOPELESS_FACTOR: f64 = 1.25;
/// Beyond a round trip, a path silent for so long stalls: what is given to it now waits behind what it holds.
const STALL: Duration = Duration::from_millis(80);

/// Whether more may be given to the link with `out_bits` on their way.
pub(super) fn open(out_bits: u64, outlook: &Outlook) -> bool {
    out_bits == 0 || out_bits < window_bits(outlook)
}

/// Whether no packet more may be on its way: the estimate holds the link back, if the link does not.
pub(super) fn is_full(out_bits: u64, outlook: &Outlook) -> bool {
    out_bits + PACKET_BITS >= window_bits(outlook)
}

fn window_bits(outlook: &Outlook) -> u64 {
    let pipe = outlook.least_rtt + headroom(outlook);
    (outlook.rate_bps * pipe.as_secs_f64() + LEAST_HEADROOM_BITS) as u64
}

/// How much queue may stand before the link, as a time.
pub(super) fn headroom(outlook: &Outlook) -> Duration {
    let steadiness = (outlook.low_rate_bps / outlook.rate_bps.max(1.0)).clamp(0.0, 1.0);
    seconds(HEADROOM_S + UNSTEADY_HEADROOM_S * (1.0 - steadiness))
}

/// How large the next piece is, bits.
pub(super) fn piece_bits(outlook: &Outlook) -> u64 {
    ((outlook.rate_bps * PIECE_TIME.as_secs_f64()) as u64).clamp(PIECE_BITS.0, PIECE_BITS.1)
}

/// What the stack was given and is yet to send at its pace. A debt in bits, not an instant: what was given at a low
/// rate does not hold back a link that has recovered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    debt_bits: f64,
    as_of: Duration,
}

impl Pace {
    /// So many bits were given to the stack.
    pub(super) fn sent(&mut self, bits: u64) {
        self.debt_bits += bits.min(PIECE_BITS.1) as f64;
    }

    /// How long to wait before more is given; `None` where now is the time.
    pub(super) fn wait(&mut self, now: Duration, rate_bps: f64) -> Option<Duration> {
        let rate = PACE * rate_bps.max(1.0);
        self.debt_bits = (self.debt_bits - rate * now.saturating_sub(self.as_of).as_secs_f64()).max(0.0);
        self.as_of = now;
        let over = self.debt_bits - BURST_BITS;
        (over >= 1.0).then(|| seconds(over / rate).clamp(LEAST_WAIT, MOST_WAIT))
    }
}

/// Time to send the payload of so many bits at this rate.
pub(super) fn transmit(bits: u64, rate_bps: f64) -> Duration {
    seconds(bits as f64 * WIRE_OVERHEAD / rate_bps.max(1.0))
}

/// Whether a begun frame, of which something was not even given to the link, has to be given up; `contended` where
/// another waits that could use the link.
pub(super) fn hopeless(now: Duration, flight: &Flight, contended: bool, outlook: &Outlook) -> bool {
    if flight.unsent() == 0 {
        return false;
    }
    let budget = flight.frame.deadline.saturating_sub(now);
    if budget <= outlook.least_rtt {
        return true;
    }
    let needed = transmit(flight.unsent(), outlook.rate_bps).saturating_add(outlook.least_rtt);
    contended && outlook.trusted && needed > budget.mul_f64(HOPELESS_FACTOR)
}

/// Whether the path does not answer; it is given no further frame then.
pub(super) fn stalls(silence: Duration, least_rtt: Duration) -> bool {
    silence > least_rtt + STALL
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}
