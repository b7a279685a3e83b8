//! What s2n-quic tells about a connection's round trips, kept where the driver can read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s2n_quic::provider::event::{ConnectionInfo, ConnectionMeta, Subscriber, events};

/// The latest recovery metrics of one connection.
///
/// Written and read on one thread; atomics because the stack demands `Sync`.
#[derive(Debug, Default)]
pub(super) struct PathMetrics {
    smoothed_rtt_ns: AtomicU64,
    latest_rtt_ns: AtomicU64,
}

/// A copy of the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrips {
    pub(super) smoothed: Duration,
    pub(super) latest: Duration,
}

impl PathMetrics {
    pub(super) fn round_trips(&self) -> RoundTrips {
        let ns = |cell: &AtomicU64| Duration::from_nanos(cell.load(Ordering::Relaxed));
        RoundTrips { smoothed: ns(&self.smoothed_rtt_ns), latest: ns(&self.latest_rtt_ns) }
    }
}

/// Subscribes to a client endpoint's events.
pub(super) struct PathWatch;

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
        store(&context.smoothed_rtt_ns, event.smoothed_rtt);
        store(&context.latest_rtt_ns, event.latest_rtt);
    }
}
