//! What the stack tells of a car's connection: whose certificate it has, when it was last heard, how far away it is.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::arrivals::Arrivals;
use rt_core::clock::Monotonic;
use s2n_quic::provider::event::events::{EndpointMeta, PacketHeader};
use s2n_quic::provider::event::{ConnectionInfo, ConnectionMeta, Subscriber, events};

use super::admission::PeerCertificate;
use super::handshakes::{Handshake, UnderWay};
use super::refusals::RefusalReports;
use crate::certs::Bearer;

/// A connection not heard for this long may be replaced by a new one of the same car, which pings every 500 ms.
const DEAD: Duration = Duration::from_millis(1_200);

/// Signs of life of one connection, and its certificate.
#[derive(Debug, Default)]
pub(super) struct PeerMetrics {
    heard_ns: AtomicU64,
    min_rtt_ns: AtomicU64,
    /// When its packets came, whatever they carried. Only the gateway's thread locks it, never twice at a time.
    arrivals: Mutex<Arrivals>,
    /// Set once, before the connection is accepted.
    certificate: OnceLock<PeerCertificate>,
    /// Set once, with the first packet.
    from: OnceLock<SocketAddr>,
    /// Whether the gateway has ended it for its silence.
    given_up: AtomicBool,
    /// Until the handshake is complete. Only the gateway's thread locks it.
    handshake: Mutex<Option<Handshake>>,
}

impl PeerMetrics {
    /// Whether nothing came from the peer for longer than a living one would be silent.
    pub(super) fn is_dead(&self, now: Monotonic) -> bool {
        now.saturating_since(self.heard_at()) > DEAD
    }

    /// Marks it as ended; `false` where it was already.
    pub(super) fn give_up(&self) -> bool {
        !self.given_up.swap(true, Ordering::Relaxed)
    }

    /// Whether it was marked so.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// When something came from the peer last.
    pub(super) fn heard_at(&self) -> Monotonic {
        Monotonic::from_ns(self.heard_ns.load(Ordering::Relaxed))
    }

    /// The connection's packet trains.
    pub(super) fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_handshake(&self, handshake: Option<Handshake>) {
        *self.handshake.lock().unwrap_or_else(PoisonError::into_inner) = handshake;
    }

    /// Smallest round trip seen.
    pub(super) fn min_rtt(&self) -> Duration {
        Duration::from_nanos(self.min_rtt_ns.load(Ordering::Relaxed))
    }

    /// The certificate it showed in the handshake.
    pub(super) fn certificate(&self) -> PeerCertificate {
        self.certificate.get().cloned().unwrap_or_else(nobody)
    }

    /// Where its first packet came from.
    pub(super) fn from(&self) -> SocketAddr {
        self.from.get().copied().unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into())
    }
}

fn nobody() -> PeerCertificate {
    PeerCertificate { der: [].into(), bearer: Bearer::Nobody("the handshake told of none".to_owned()) }
}

/// Subscribes to the server's events.
pub(super) struct PeerWatch {
    pub(super) refusals: RefusalReports,
    pub(super) under_way: UnderWay,
}

impl Subscriber for PeerWatch {
    type ConnectionContext = Arc<PeerMetrics>;

    fn create_connection_context(&mut self, _: &ConnectionMeta, _: &ConnectionInfo) -> Self::ConnectionContext {
        let metrics = PeerMetrics::default();
        metrics.heard_ns.store(crate::reactor::now().as_ns(), Ordering::Relaxed);
        metrics.set_handshake(Some(self.under_way.begin()));
        Arc::new(metrics)
    }

    fn on_connection_started(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::ConnectionStarted,
    ) {
        let _ = context.from.set(address(&event.path.remote_addr));
    }

    fn on_tls_exporter_ready(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::TlsExporterReady,
    ) {
        // The chain as it was verified, the peer's own certificate first.
        if let Ok(chain) = event.session.peer_cert_chain_der()
            && let Some(own) = chain.first()
        {
            let _ = context.certificate.set(PeerCertificate::read(own));
        }
    }

    fn on_handshake_status_updated(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        _: &events::HandshakeStatusUpdated,
    ) {
        // The first of them says that it is complete.
        context.set_handshake(None);
    }

    fn on_connection_closed(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        _: &events::ConnectionClosed,
    ) {
        context.set_handshake(None);
    }

    fn on_tls_handshake_failed(
        &mut self,
        context: &mut Self::ConnectionContext,
        _: &ConnectionMeta,
        event: &events::TlsHandshakeFailed,
    ) {
        self.refusals.failed_handshake(context.from(), event.error);
    }

    fn on_endpoint_packet_sent(&mut self, _: &EndpointMeta, event: &events::EndpointPacketSent) {
        if matches!(event.packet_header, PacketHeader::Retry { .. }) {
            self.refusals.retry();
        }
    }

    fn on_endpoint_datagram_dropped(&mut self, _: &EndpointMeta, _: &events::EndpointDatagramDropped) {
        self.refusals.dropped_datagram();
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

fn address(event: &events::SocketAddress) -> SocketAddr {
    match event {
        events::SocketAddress::IpV4 { ip, port, .. } => (**ip, *port).into(),
        events::SocketAddress::IpV6 { ip, port, .. } => (**ip, *port).into(),
        _ => (Ipv4Addr::UNSPECIFIED, 0).into(),
    }
}
