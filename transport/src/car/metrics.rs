//! What s2n-quic tells about a connection's path, kept where the driver can read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use s2n_quic::provider::event::{ConnectionInfo, ConnectionMeta, Subscriber, events};
use tokio::sync::Notify;

/// The latest recovery metrics and delivery-rate sample of one connection.
///
/// Written and read on one thread; atomics because the stack demands `Sync`.
#[derive(Debug, Default)]
pub(super) struct PathMetrics {
    min_rtt_ns: AtomicU64,
    smoothed_rtt_ns: AtomicU64,
    latest_rtt_ns: AtomicU64,
    cwnd_bytes: AtomicU64,
    in_flight_bytes: AtomicU64,
    delivered_bytes: AtomicU64,
    delivery_rate: AtomicU64,
    app_limited: AtomicBool,
    acks: AtomicU64,
    sent_packets: AtomicU64,
    lost_packets: AtomicU64,
    loss_bursts: AtomicU64,
    last_lost: AtomicU64,
}

/// A copy of the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathSample {
    pub(super) min_rtt: Duration,
    pub(super) smoothed_rtt: Duration,
    pub(super) latest_rtt: Duration,
    pub(super) cwnd_bytes: u64,
    pub(super) in_flight_bytes: u64,
    /// Bytes acknowledged since the connection began.
    pub(super) delivered_bytes: u64,
    pub(super) delivery_rate: u64,
    pub(super) app_limited: bool,
    /// Counts acknowledgements, so that a new one is noticed.
    pub(super) acks: u64,
    /// Packets sent and lost since the connection began, and the bursts that the lost ones made.
    pub(super) sent_packets: u64,
    pub(super) lost_packets: u64,
    pub(super) loss_bursts: u64,
}

impl PathMetrics {
    /// Packet `number` was declared lost: by itself, or as the neighbour of the one before.
    fn lost(&self, number: u64) {
        // One more than the last, as zero is none.
        let last = self.last_lost.swap(number.saturating_add(1), Ordering::Relaxed);
        self.lost_packets.fetch_add(1, Ordering::Relaxed);
        if last == 0 || last != number {
            self.loss_bursts.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn sample(&self) -> PathSample {
        let ns = |cell: &AtomicU64| Duration::from_nanos(cell.load(Ordering::Relaxed));
        PathSample {
            min_rtt: ns(&self.min_rtt_ns),
            smoothed_rtt: ns(&self.smoothed_rtt_ns),
            latest_rtt: ns(&self.latest_rtt_ns),
            cwnd_bytes: self.cwnd_bytes.load(Ordering::Relaxed),
            in_flight_bytes: self.in_flight_bytes.load(Ordering::Relaxed),
            delivered_bytes: self.delivered_bytes.load(Ordering::Relaxed),
            delivery_rate: self.delivery_rate.load(Ordering::Relaxed),
            app_limited: self.app_limited.load(Ordering::Relaxed),
            acks: self.acks.load(Ordering::Relaxed),
            sent_packets: self.sent_packets.load(Ordering::Relaxed),
            lost_packets: self.lost_packets.load(Ordering::Relaxed),
            loss_bursts: self.loss_bursts.load(Ordering::Relaxed),
        }
    }
}

/// Subscribes to a client endpoint's events; every acknowledgement wakes the driver.
pub(super) struct PathWatch {
    pub(super) wake: Arc<Notify>,
}

impl Subscriber for PathWatch {
    type ConnectionContext = Arc<PathMetrics>;

    fn create_connection_context(&mut self, _: &ConnectionMeta, _: &ConnectionInfo) -> Self::ConnectionContext {
        Arc::default()
    }

    fn on_recovery_metrics(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::RecoveryMetrics,
    ) {
        let store = |cell: &AtomicU64, duration: Duration| {
            cell.store(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        store(&context.min_rtt_ns, event.min_rtt);
        store(&context.smoothed_rtt_ns, event.smoothed_rtt);
        store(&context.latest_rtt_ns, event.latest_rtt);
        context.cwnd_bytes.store(u64::from(event.congestion_window), Ordering::Relaxed);
        context.in_flight_bytes.store(u64::from(event.bytes_in_flight), Ordering::Relaxed);
        self.wake.notify_one();
    }

    fn on_delivery_rate_sampled(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::DeliveryRateSampled,
    ) {
        let sample = &event.rate_sample;
        let delivered = sample.prior_delivered_bytes.saturating_add(sample.delivered_bytes);
        context.delivered_bytes.store(delivered, Ordering::Relaxed);
        context.delivery_rate.store(sample.delivery_rate_bytes_per_second, Ordering::Relaxed);
        context.app_limited.store(sample.is_app_limited, Ordering::Relaxed);
        context.acks.fetch_add(1, Ordering::Relaxed);
        self.wake.notify_one();
    }

    fn on_packet_sent(&mut self, context: &mut Self::ConnectionContext, _: &ConnectionMeta, _: &events::PacketSent) {
        context.sent_packets.fetch_add(1, Ordering::Relaxed);
    }

    fn on_packet_lost(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::PacketLost,
    ) {
        // A probe for a larger packet size is meant to be lost where the path is narrower.
        if event.is_mtu_probe {
            return;
        }
        if let events::PacketHeader::OneRtt { number, .. } = event.packet_header {
            context.lost(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_burst() {
        let metrics = PathMetrics::default();
        [0, 5, 6, 7, 20, 22, 23].into_iter().for_each(|number| metrics.lost(number));
        let sample = metrics.sample();
        assert_eq!((sample.lost_packets, sample.loss_bursts), (7, 4));
    }
}
