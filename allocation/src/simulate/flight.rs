//! A frame on the uplink: what of it was given to the link, what came through, what the receiver saw.

use std::time::Duration;

use super::lanes::Ready;
use super::link::Uplink;

/// Bits on the wire per bit of a frame: 1,430 bytes of it in a packet that takes 1,500 of the link.
const WIRE_OVERHEAD: f64 = 1.05;
pub(super) const PACKET_BITS: u64 = 1400 * 8;
/// A loss is noticed after 9/8 of a round trip (RFC 9002, 6.1.2), by the packets behind it.
pub(super) const LOSS_DELAY: f64 = 1.125;
/// Where no packet is behind it, by a probe timeout: smoothed round trip and four deviations, about this many.
const TAIL_LOSS_DELAY: f64 = 1.5;
/// Packets behind a lost one that make it noticed (RFC 9002, 6.1.1).
const REORDERING_PACKETS: u64 = 3;
/// The receiver times trains of at least 16 packets (the gateway's arrivals).
const TRAIN_BITS: u64 = 16 * PACKET_BITS;

/// What frames travel on.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub uplink: &'a dyn Uplink,
    pub rtt: Duration,
    pub loss: f64,
}

impl Path<'_> {
    /// Mean rate of the link over the `window` before `now`, bit/s.
    pub(super) fn rate_bps(&self, now: Duration, window: Duration) -> f64 {
        let bits = self.uplink.bits_by(now).saturating_sub(self.uplink.bits_by(now.saturating_sub(window)));
        bits as f64 / window.as_secs_f64()
    }

    /// What a frame, begun with the link's bit `first_bit`, puts on the wire, and when the last packet that has to be
    /// sent again is through.
    pub(super) fn wire(&self, frame: &Ready, first_bit: u64) -> Wire {
        let payload = (frame.bits as f64 * WIRE_OVERHEAD) as u64;
        let (lost, repaired) = self.losses(frame, payload, first_bit);
        Wire { bits: payload.saturating_add(lost * PACKET_BITS).max(1), repaired }
    }

    /// How many packets are sent again, and when the last of these is through.
    fn losses(&self, frame: &Ready, payload: u64, first_bit: u64) -> (u64, Duration) {
        let (mut lost, mut repaired) = (0, Duration::ZERO);
        if self.loss <= 0.0 {
            return (lost, repaired);
        }
        let packets = payload.div_ceil(PACKET_BITS);
        let mut random = frame.losses;
        // Gaps between losses are geometric.
        let mut skip = || (random.unit().ln() / (1.0 - self.loss).ln()) as u64;
        let mut packet = skip();
        while packet < packets {
            let noticed = if packet + REORDERING_PACKETS < packets { LOSS_DELAY } else { TAIL_LOSS_DELAY };
            let left = self.uplink.instant_of_bit(first_bit.saturating_add((packet + 1) * PACKET_BITS));
            let mut through = left.unwrap_or(Duration::MAX).saturating_add(self.rtt.mul_f64(noticed));
            lost += 1;
            // What is sent again may be lost again: with the probability of the loss, which is that of no gap.
            while skip() == 0 && lost < 10_000 {
                through = through.saturating_add(self.rtt.mul_f64(TAIL_LOSS_DELAY));
                lost += 1;
            }
            repaired = repaired.max(through);
            packet = packet.saturating_add(1).saturating_add(skip());
        }
        (lost, repaired)
    }
}

/// A frame as bits on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub bits: u64,
    pub repaired: Duration,
}

/// A frame that was begun.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub frame: Ready,
    pub begun: Duration,
    pub wire: Wire,
    /// Bits given to the link.
    pub handed: u64,
    /// Bits whose acknowledgement has reached the car.
    pub acknowledged: u64,
    /// Bytes acknowledged of all frames when it was begun.
    pub delivered_before: u64,
    /// Given up, or known to be late.
    pub closed: bool,
    /// Bits that found the link's queue full and have yet to be sent again.
    pub lost: u64,
    /// When the last of its bits that were not lost is through the link.
    pub through: Duration,
    /// When its last byte reached the cloud.
    pub arrived: Duration,
    /// When the cloud answered.
    pub answered: Duration,
    /// The cloud saw that it would be late, or a newer one took its place.
    pub refused: bool,
    /// The train that arrives now: its beginning and its bits so far.
    train: Option<(Duration, u64)>,
    /// Rates in bit/s and bits of the trains.
    trains: Vec<(f64, u64)>,
}

impl Flight {
    pub(super) fn begin(path: &Path<'_>, frame: Ready, now: Duration, first_bit: u64, delivered_before: u64) -> Self {
        let wire = path.wire(&frame, first_bit);
        let trains = Vec::new();
        Self {
            frame,
            begun: now,
            wire,
            handed: 0,
            acknowledged: 0,
            delivered_before,
            closed: false,
            lost: 0,
            through: Duration::ZERO,
            arrived: Duration::ZERO,
            answered: Duration::ZERO,
            refused: false,
            train: None,
            trains,
        }
    }

    pub(super) fn unsent(&self) -> u64 {
        self.wire.bits - self.handed
    }

    /// The link carried `bits` of it from `from` to `to`.
    pub(super) fn carried(&mut self, bits: u64, from: Duration, to: Duration) {
        let (begun, so_far) = self.train.unwrap_or((from, 0));
        let so_far = so_far + bits;
        if so_far >= TRAIN_BITS || self.unsent() == 0 {
            let took = to.saturating_sub(begun).as_secs_f64().max(1e-6);
            self.trains.push((so_far as f64 / took, so_far));
            self.train = Some((to, 0));
        } else {
            self.train = Some((begun, so_far));
        }
    }

    /// The 75th percentile, by bits, of its trains' rates, bit/s.
    pub(super) fn train_bps(&mut self) -> f64 {
        self.trains.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: u64 = self.trains.iter().map(|train| train.1).sum();
        let mut below = 0;
        for &(rate, bits) in &self.trains {
            below += bits;
            if below * 4 >= total * 3 {
                return rate;
            }
        }
        0.0
    }
}
