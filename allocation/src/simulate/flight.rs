//! A frame on the uplink: when its last bit is through, when it has all arrived, or when it is given up.

use std::time::Duration;

use super::lanes::Ready;
use super::link::Uplink;
use super::scenario::Discipline;

/// Bits on the wire per payload bit: headers of QUIC, UDP and IP on packets of 1,400 bytes.
pub(super) const WIRE_OVERHEAD: f64 = 1.04;
const PACKET_BITS: u64 = 1400 * 8;
/// A loss is noticed after 9/8 of a round trip (RFC 9002, 6.1.2), by the packets behind it.
const LOSS_DELAY: f64 = 1.125;
/// Where no packet is behind it, by a probe timeout: smoothed round trip and four deviations, about this many.
const TAIL_LOSS_DELAY: f64 = 1.5;
/// Packets behind a lost one that make it noticed (RFC 9002, 6.1.1).
const REORDERING_PACKETS: u64 = 3;
/// Beyond the minimum round trip, this much time's worth of bytes may be out (the transport's gate).
const GATE_HEADROOM: Duration = Duration::from_millis(30);
/// And never less than this: the gate's least window.
const GATE_LEAST_BITS: f64 = 2.0 * 2800.0 * 8.0;

/// What frames travel on.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub uplink: &'a dyn Uplink,
    pub rtt: Duration,
    pub loss: f64,
    pub discipline: Discipline,
}

impl Path<'_> {
    /// Mean rate of the link over the `window` before `now`, bit/s.
    pub(super) fn rate_bps(&self, now: Duration, window: Duration) -> f64 {
        let bits = self.uplink.bits_by(now).saturating_sub(self.uplink.bits_by(now.saturating_sub(window)));
        bits as f64 / window.as_secs_f64()
    }
}

/// A frame that was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub frame: Ready,
    pub begun: Duration,
    /// Bits on the wire, with headers and retransmissions.
    pub wire_bits: u64,
    /// Bits that may be out at once.
    pub gate_bits: u64,
    /// The link's bit at which it began.
    first_bit: u64,
    /// The rate its packets had, as the receiver saw it, bit/s.
    pub train_bps: f64,
    /// When the link can take the next frame; never where it carries nothing any more.
    pub link_free: Option<Duration>,
    /// When all of it is at the cloud; never where it was given up.
    pub arrival: Option<Duration>,
    pub acknowledged_bits: u64,
}

impl Flight {
    /// Begins to send at `now`, with a gate that believes in `rate_bps`.
    pub(super) fn begin(path: &Path<'_>, frame: Ready, now: Duration, rate_bps: f64) -> Self {
        let payload = (frame.bits as f64 * WIRE_OVERHEAD) as u64;
        let first_bit = path.uplink.bits_by(now);
        let (lost, repaired) = losses(path, &frame, payload, first_bit);
        let wire_bits = payload.saturating_add(lost * PACKET_BITS);
        let carried = path.uplink.instant_of_bit(first_bit.saturating_add(wire_bits)).map(|done| done.max(now));
        // What is out at once bounds the rate by the round trip.
        let gate = (rate_bps * (path.rtt + GATE_HEADROOM).as_secs_f64()).max(GATE_LEAST_BITS);
        let gate_rate = gate / path.rtt.as_secs_f64().max(1e-3);
        let gated = Duration::try_from_secs_f64(wire_bits as f64 / gate_rate).unwrap_or(Duration::MAX);
        let through = carried.map(|carried| carried.max(now.saturating_add(gated)));
        let lapse = frame.deadline.saturating_sub(path.rtt).max(now);
        let given_up = path.discipline == Discipline::Gated && through.is_none_or(|through| through > lapse);
        let sent_in = carried.map(|carried| (carried - now).as_secs_f64().max(1e-6));
        Self {
            frame,
            begun: now,
            wire_bits,
            gate_bits: gate as u64,
            first_bit,
            train_bps: sent_in.map_or(0.0, |sent_in| wire_bits as f64 / sent_in),
            link_free: if given_up { Some(lapse) } else { through },
            arrival: if given_up { None } else { through.map(|through| through.max(repaired) + frame.rtt / 2) },
            acknowledged_bits: 0,
        }
    }

    /// Bits of this frame whose acknowledgement has reached the car.
    pub(super) fn delivered_bits(&self, path: &Path<'_>, now: Duration) -> u64 {
        let seen = now.saturating_sub(path.rtt);
        if seen <= self.begun {
            return 0;
        }
        // Once given up, no more bits of it leave.
        let last = self.link_free.map_or(seen, |free| free.min(seen));
        path.uplink.bits_by(last).saturating_sub(self.first_bit).min(self.wire_bits)
    }
}

/// How many packets are sent again, and when the last of these is through.
fn losses(path: &Path<'_>, frame: &Ready, payload: u64, first_bit: u64) -> (u64, Duration) {
    let (mut lost, mut repaired) = (0, Duration::ZERO);
    if path.loss <= 0.0 {
        return (lost, repaired);
    }
    let packets = payload.div_ceil(PACKET_BITS);
    let mut random = frame.losses;
    // Gaps between losses are geometric.
    let mut skip = || (random.unit().ln() / (1.0 - path.loss).ln()) as u64;
    let mut packet = skip();
    while packet < packets {
        let noticed = if packet + REORDERING_PACKETS < packets { LOSS_DELAY } else { TAIL_LOSS_DELAY };
        let left = path.uplink.instant_of_bit(first_bit.saturating_add((packet + 1) * PACKET_BITS));
        let mut through = left.unwrap_or(Duration::MAX).saturating_add(path.rtt.mul_f64(noticed));
        lost += 1;
        // What is sent again may be lost again.
        while skip() == 0 && lost < 10_000 {
            through = through.saturating_add(path.rtt.mul_f64(TAIL_LOSS_DELAY));
            lost += 1;
        }
        repaired = repaired.max(through);
        packet = packet.saturating_add(1).saturating_add(skip());
    }
    (lost, repaired)
}
