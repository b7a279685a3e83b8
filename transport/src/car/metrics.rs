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
}

impl PathMetrics {
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
}
