//! How much may be on its way at once, and when a begun frame is given up: the rules of the car's transport.

use std::time::Duration;

use super::flight::Flight;
use super::lanes::Outlook;

/// Beyond the least round trip, this much time's worth of bits may be out.
const IDLE_HEADROOM: Duration = Duration::from_millis(30);
/// And this much while a queue stands in the link.
const HEADROOM: Duration = Duration::from_millis(15);
/// A queue stands where the round trip is this much above the least.
const QUEUE_INFLATION: Duration = Duration::from_millis(30);
/// Smallest and largest piece given to the link at once, bits.
const PIECE_BITS: (u64, u64) = (2_800 * 8, 16 * 1024 * 8);
/// A piece lasts about this long on the wire.
const PIECE_TIME: Duration = Duration::from_millis(10);
/// A prediction has to fail by this factor of what is left before a begun frame is given up for it.
const HOPELESS_FACTOR: f64 = 1.25;

/// Whether more may be given to the link with `out_bits` on their way.
pub(super) fn open(out_bits: u64, outlook: &Outlook) -> bool {
    let queued = outlook.latest_rtt > outlook.least_rtt + QUEUE_INFLATION;
    let pipe = match outlook.ack_rate_bps {
        Some(acked) if queued => acked.min(outlook.rate_bps) * (outlook.least_rtt + HEADROOM).as_secs_f64(),
        _ => outlook.rate_bps * (outlook.least_rtt + IDLE_HEADROOM).as_secs_f64(),
    };
    out_bits == 0 || out_bits < (pipe as u64).max(2 * PIECE_BITS.0)
}

/// How large the next piece is, bits.
pub(super) fn piece_bits(outlook: &Outlook) -> u64 {
    ((outlook.rate_bps * PIECE_TIME.as_secs_f64()) as u64).clamp(PIECE_BITS.0, PIECE_BITS.1)
}

/// Whether a begun frame cannot come back in time any more.
pub(super) fn hopeless(now: Duration, flight: &Flight, outlook: &Outlook) -> bool {
    let left = flight.wire.bits - flight.acknowledged;
    if left == 0 {
        return false;
    }
    let budget = flight.frame.deadline.saturating_sub(now);
    if budget.is_zero() || (flight.unsent() > 0 && budget <= outlook.least_rtt) {
        return true;
    }
    let transmit = left as f64 / outlook.rate_bps.max(1.0);
    outlook.trusted && transmit > budget.as_secs_f64() * HOPELESS_FACTOR
}
