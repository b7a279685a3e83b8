//! The congestion controller of the car's connections: the window and the pace are set by the driver, from the rate
//! that the receiver's trains and the acknowledgements show.
//!
//! A loss-based controller takes 1 % of random loss for congestion, and BBR models a sender that always has more to
//! send: it drains the pipe every few seconds to look for a smaller round trip, and lowers its bounds for each round
//! with a loss. A gated car is neither. Its driver knows the rate while it sends little, keeps the standing queue
//! within [`super::gate`]'s headroom, and hears here of every byte sent, acknowledged and lost. What stays with the
//! stack is recovery, and the floor below which no wrong estimate may push the window.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use s2n_quic::provider::congestion_controller::{
    CongestionController, Endpoint, PathInfo, Publisher, RandomGenerator, RttEstimator, Timestamp,
};
use tokio::sync::Notify;

/// A new connection's window, bytes: ten packets, as RFC 9002 (section 7.2) has it.
const FIRST_WINDOW_BYTES: u64 = 14_720;
/// Never less, bytes: two packets, RFC 9002's minimum.
const LEAST_WINDOW_BYTES: u64 = 2_944;
/// This much may go at once before the pace counts: a train the receiver can measure, of 16 packets.
const BURST_BYTES: u64 = 16 * 1_472;

/// What controller and driver tell each other; written and read on one thread, atomics because the stack demands `Sync`.
#[derive(Debug)]
pub(super) struct Governor {
    window_bytes: AtomicU64,
    /// Zero: not paced.
    pace_bytes_per_s: AtomicU64,
    in_flight_bytes: AtomicU64,
    sent_bytes: AtomicU64,
    acked_bytes: AtomicU64,
    lost_packets: AtomicU64,
    sent_packets: AtomicU64,
    /// Runs of packets lost one after the other.
    loss_bursts: AtomicU64,
    /// The stack had nothing more to send when it last sent.
    dry: AtomicBool,
    /// The controller makes up its own mind: what the driver sets does not count.
    free: bool,
    wake: Arc<Notify>,
}

/// A copy of what the controller has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    pub(super) window_bytes: u64,
    pub(super) in_flight_bytes: u64,
    pub(super) sent_bytes: u64,
    pub(super) acked_bytes: u64,
    pub(super) sent_packets: u64,
    pub(super) lost_packets: u64,
    pub(super) loss_bursts: u64,
    pub(super) dry: bool,
}

impl Governor {
    /// For a controller that the driver governs, or for one that is `free`.
    pub(super) fn new(wake: Arc<Notify>, free: bool) -> Arc<Self> {
        Arc::new(Self {
            window_bytes: AtomicU64::new(FIRST_WINDOW_BYTES),
            pace_bytes_per_s: AtomicU64::new(0),
            in_flight_bytes: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            acked_bytes: AtomicU64::new(0),
            lost_packets: AtomicU64::new(0),
            sent_packets: AtomicU64::new(0),
            loss_bursts: AtomicU64::new(0),
            dry: AtomicBool::new(true),
            free,
            wake,
        })
    }

    /// What may be in flight, and how fast it may leave.
    pub(super) fn set(&self, window_bytes: u64, pace_bytes_per_s: f64) {
        if self.free {
            return;
        }
        self.window_bytes.store(window_bytes.max(LEAST_WINDOW_BYTES), Ordering::Relaxed);
        self.pace_bytes_per_s.store(pace_bytes_per_s as u64, Ordering::Relaxed);
    }

    /// The stack was given something to send.
    pub(super) fn fed(&self) {
        self.dry.store(false, Ordering::Relaxed);
    }

    /// The controller's own window and what is in flight, as they are now.
    pub(super) fn now_at(&self, window_bytes: u64, in_flight_bytes: u64) {
        self.window_bytes.store(window_bytes, Ordering::Relaxed);
        self.in_flight_bytes.store(in_flight_bytes, Ordering::Relaxed);
    }

    /// A packet of `bytes` was sent; whether the stack then had nothing more to send, where that is known.
    pub(super) fn sent(&self, bytes: usize, app_limited: Option<bool>) {
        if bytes > 0 {
            self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
            self.sent_packets.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(app_limited) = app_limited {
            self.dry.store(app_limited, Ordering::Relaxed);
        }
        self.wake.notify_one();
    }

    /// `bytes` were acknowledged.
    pub(super) fn acked(&self, bytes: usize) {
        self.acked_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A packet was lost, the first of a run of them or not.
    pub(super) fn lost(&self, new_burst: bool) {
        self.lost_packets.fetch_add(1, Ordering::Relaxed);
        self.loss_bursts.fetch_add(u64::from(new_burst), Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(super) fn flow(&self) -> Flow {
        Flow {
            window_bytes: self.window_bytes.load(Ordering::Relaxed),
            in_flight_bytes: self.in_flight_bytes.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
            acked_bytes: self.acked_bytes.load(Ordering::Relaxed),
            sent_packets: self.sent_packets.load(Ordering::Relaxed),
            lost_packets: self.lost_packets.load(Ordering::Relaxed),
            loss_bursts: self.loss_bursts.load(Ordering::Relaxed),
            dry: self.dry.load(Ordering::Relaxed),
        }
    }
}

/// Makes a controller for every path of an endpoint's connections.
#[derive(Debug)]
pub(super) struct Governed(pub(super) Arc<Governor>);

impl Endpoint for Governed {
    type CongestionController = Controller;

    fn new_congestion_controller(&mut self, _: PathInfo<'_>) -> Controller {
        self.0.in_flight_bytes.store(0, Ordering::Relaxed);
        Controller { governor: Arc::clone(&self.0), in_flight_bytes: 0, ahead_bytes: 0, as_of: None }
    }
}

/// One path's.
#[derive(Clone, Debug)]
pub(super) struct Controller {
    governor: Arc<Governor>,
    in_flight_bytes: u32,
    /// Bytes sent ahead of the pace, as of an instant. In bytes and not in time, so that a pace that rises is not held
    /// back by what was sent at a low one.
    ahead_bytes: u64,
    as_of: Option<Timestamp>,
}

impl Controller {
    fn window(&self) -> u32 {
        u32::try_from(self.governor.window_bytes.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    fn pace(&self) -> u64 {
        self.governor.pace_bytes_per_s.load(Ordering::Relaxed)
    }

    /// Counts `bytes` sent at `now` against the pace.
    fn spend(&mut self, now: Timestamp, bytes: u64) {
        let pace = self.pace();
        if pace == 0 {
            (self.ahead_bytes, self.as_of) = (0, None);
            return;
        }
        let passed = self.as_of.map_or(Duration::ZERO, |as_of| now.saturating_duration_since(as_of));
        let earned = (passed.as_secs_f64() * pace as f64) as u64;
        self.ahead_bytes = self.ahead_bytes.saturating_sub(earned).saturating_add(bytes);
        self.as_of = Some(now);
    }

    fn land(&mut self, bytes: u32) {
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
        self.governor.in_flight_bytes.store(u64::from(self.in_flight_bytes), Ordering::Relaxed);
        self.governor.wake.notify_one();
    }
}

impl CongestionController for Controller {
    type PacketInfo = ();

    fn congestion_window(&self) -> u32 {
        self.window()
    }

    fn bytes_in_flight(&self) -> u32 {
        self.in_flight_bytes
    }

    fn is_congestion_limited(&self) -> bool {
        // The last packet may exceed the window, so that the smallest window is never a closed one.
        self.in_flight_bytes >= self.window()
    }

    fn requires_fast_retransmission(&self) -> bool {
        false
    }

    fn on_packet_sent<Pub: Publisher>(
        &mut self,
        now: Timestamp,
        bytes: usize,
        app_limited: Option<bool>,
        _: &RttEstimator,
        _: &mut Pub,
    ) {
        if bytes > 0 {
            self.in_flight_bytes = self.in_flight_bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
            self.governor.in_flight_bytes.store(u64::from(self.in_flight_bytes), Ordering::Relaxed);
            self.spend(now, bytes as u64);
        }
        self.governor.sent(bytes, app_limited);
    }

    fn on_rtt_update<Pub: Publisher>(&mut self, _: Timestamp, _: Timestamp, _: &RttEstimator, _: &mut Pub) {}

    fn on_ack<Pub: Publisher>(
        &mut self,
        _: Timestamp,
        bytes: usize,
        (): (),
        _: &RttEstimator,
        _: &mut dyn RandomGenerator,
        _: Timestamp,
        _: &mut Pub,
    ) {
        self.governor.acked(bytes);
        self.land(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    fn on_packet_lost<Pub: Publisher>(
        &mut self,
        bytes: u32,
        (): (),
        _: bool,
        new_burst: bool,
        _: &mut dyn RandomGenerator,
        _: Timestamp,
        _: &mut Pub,
    ) {
        self.governor.lost(new_burst);
        self.land(bytes);
    }

    fn on_explicit_congestion<Pub: Publisher>(&mut self, _: u64, _: Timestamp, _: &mut Pub) {}

    fn on_mtu_update<Pub: Publisher>(&mut self, _: u16, _: &mut Pub) {}

    fn on_packet_discarded<Pub: Publisher>(&mut self, bytes: usize, _: &mut Pub) {
        self.land(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    fn earliest_departure_time(&self) -> Option<Timestamp> {
        // A burst may run ahead of the pace.
        let over = self.ahead_bytes.checked_sub(BURST_BYTES)?;
        let nanos = over.saturating_mul(1_000_000_000).checked_div(self.pace())?;
        self.as_of?.checked_add(Duration::from_nanos(nanos))
    }
}
