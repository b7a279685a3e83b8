//! What the stack tells of a car's connection: when it was last heard, how far away it is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::arrivals::Arrivals;
use rt_core::clock::Monotonic;
use s2n_quic::provider::event::{ConnectionInfo, ConnectionMeta, Subscriber, events};

/// A connection not heard for this long may be replaced by a new one of the same car, which pings every 500 ms.
const DEAD: Duration = Duration::from_millis(1_200);

/// Signs of life of one connection.
#[derive(Debug, Default)]
pub(super) struct PeerMetrics {
    heard_ns: AtomicU64,
    min_rtt_ns: AtomicU64,
    /// When its packets came, whatever they carried. Only the gateway's thread locks it, never twice at a time.
    arrivals: Mutex<Arrivals>,
}

impl PeerMetrics {
    /// Whether nothing came from the peer for longer than a living one would be silent.
    pub(super) fn is_dead(&self, now: Monotonic) -> bool {
        now.saturating_since(self.heard_at()) > DEAD
    }

    /// When something came from the peer last.
    pub(super) fn heard_at(&self) -> Monotonic {
        Monotonic::from_ns(self.heard_ns.load(Ordering::Relaxed))
    }

    /// The connection's packet trains.
    pub(super) fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Smallest round trip seen.
    pub(super) fn min_rtt(&self) -> Duration {
        Duration::from_nanos(self.min_rtt_ns.load(Ordering::Relaxed))
    }
}

/// Subscribes to the server's events.
pub(super) struct PeerWatch;

impl Subscriber for PeerWatch {
    type ConnectionContext = Arc<PeerMetrics>;

    fn create_connection_context(&mut self, _: &ConnectionMeta, _: &ConnectionInfo) -> Self::ConnectionContext {
        let metrics = PeerMetrics::default();
        metrics.heard_ns.store(crate::reactor::now().as_ns(), Ordering::Relaxed);
        Arc::new(metrics)
    }

    fn on_packet_received(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        _: &events::PacketReceived,
    ) {
        context.heard_ns.store(crate::reactor::now().as_ns(), Ordering::Relaxed);
    }

    fn on_datagram_received(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::DatagramReceived,
    ) {
        context.arrivals().push(crate::reactor::now(), usize::from(event.len));
    }

    fn on_recovery_metrics(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::RecoveryMetrics,
    ) {
        let ns = u64::try_from(event.min_rtt.as_nanos()).unwrap_or(u64::MAX);
        context.min_rtt_ns.store(ns, Ordering::Relaxed);
    }
}
