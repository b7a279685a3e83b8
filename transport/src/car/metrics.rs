//! What s2n-quic tells about a connection's round trips and path, kept where the driver can read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use s2n_quic::provider::event::{ConnectionInfo, ConnectionMeta, Subscriber, events};

/// The peer asks an address it has not seen before to answer (PATH_CHALLENGE), more than once if need be; requests
/// closer together than this are for one change of address.
const ONE_CHANGE: Duration = Duration::from_millis(300);

/// The latest recovery metrics of one connection.
///
/// Written and read on one thread; atomics because the stack demands `Sync`.
#[derive(Debug, Default)]
pub(super) struct PathMetrics {
    smoothed_rtt_ns: AtomicU64,
    latest_rtt_ns: AtomicU64,
    min_rtt_ns: AtomicU64,
    probe_timeout_ns: AtomicU64,
    path_changes: AtomicU32,
    challenged_ns: AtomicU64,
}

/// A copy of the metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrips {
    pub(super) smoothed: Duration,
    pub(super) latest: Duration,
}

impl PathMetrics {
    pub(super) fn round_trips(&self) -> RoundTrips {
        RoundTrips { smoothed: load(&self.smoothed_rtt_ns), latest: load(&self.latest_rtt_ns) }
    }

    /// The smallest round trip of the whole connection.
    pub(super) fn min_rtt(&self) -> Duration {
        load(&self.min_rtt_ns)
    }

    /// How long the stack waits for an acknowledgement before it asks again (RFC 9002, section 6.2.1).
    pub(super) fn probe_timeout(&self) -> Duration {
        load(&self.probe_timeout_ns)
    }

    /// How often this end's address has changed, as the peer sees it.
    pub(super) fn path_changes(&self) -> u32 {
        self.path_changes.load(Ordering::Relaxed)
    }
}

fn load(cell: &AtomicU64) -> Duration {
    Duration::from_nanos(cell.load(Ordering::Relaxed))
}

fn store(cell: &AtomicU64, duration: Duration) {
    cell.store(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Subscribes to a client endpoint's events.
#[derive(Debug, Default)]
pub(super) struct PathWatch {
    /// Set by every packet that comes.
    pub(super) heard: Arc<AtomicBool>,
}

impl Subscriber for PathWatch {
    type ConnectionContext = Arc<PathMetrics>;

    fn create_connection_context(&mut self, _: &ConnectionMeta, _: &ConnectionInfo) -> Self::ConnectionContext {
        Arc::default()
    }

    fn on_packet_received(&mut self, _: &mut Self::ConnectionContext, _: &ConnectionMeta, _: &events::PacketReceived) {
        self.heard.store(true, Ordering::Relaxed);
    }

    fn on_frame_received(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::FrameReceived,
    ) {
        if !matches!(event.frame, events::Frame::PathChallenge { .. }) {
            return;
        }
        let now = crate::reactor::now();
        let before = context.challenged_ns.swap(now.as_ns(), Ordering::Relaxed);
        if before == 0 || u128::from(now.as_ns().saturating_sub(before)) >= ONE_CHANGE.as_nanos() {
            context.path_changes.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn on_recovery_metrics(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::RecoveryMetrics,
    ) {
        store(&context.min_rtt_ns, event.min_rtt);
        store(&context.smoothed_rtt_ns, event.smoothed_rtt);
        store(&context.latest_rtt_ns, event.latest_rtt);
        store(&context.probe_timeout_ns, event.smoothed_rtt + event.rtt_variance * 4 + event.max_ack_delay);
    }
}
