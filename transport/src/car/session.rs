//! One attempt to reach the cloud: handshake, Hello, the cloud's answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use s2n_quic::client::Connect;
use s2n_quic::connection::{Handle, ReceiveStreamAcceptor};
use s2n_quic::provider::{io, limits};
use s2n_quic::stream::SendStream;
use s2n_quic::{Client, Connection};
use tokio::sync::Notify;

use super::CarError;
use super::controller::{Governed, Governor};
use super::metrics::{PathMetrics, PathWatch};
use crate::carrier::SEND_BUFFER_BYTES;
use crate::carrier::provider::Datagrams;
use crate::certs::{Car, Credentials};
use crate::reactor::{never, within};
use crate::wire::VERSION;
use crate::wire::control::ControlMessage;
use crate::wire::identity::Identity;
use crate::wire::menu::CloudMenu;
use crate::wire::stream::{ControlReader, send};

/// The whole attempt, from first packet to `Accepted`.
const ATTEMPT: Duration = Duration::from_secs(3);
/// A path this long silent is dead.
const IDLE: Duration = Duration::from_millis(2_500);
/// Pings keep NAT bindings and show life.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// Results on streams of their own that may be under way at a time.
const MOST_RESULT_STREAMS: u64 = 256;

/// A connection on which this car was accepted.
pub(super) struct Session {
    pub(super) handle: Handle,
    pub(super) metrics: Arc<PathMetrics>,
    pub(super) governor: Arc<Governor>,
    pub(super) menu: CloudMenu,
    /// Where results of frames in datagrams come; taken once, by who reads them.
    pub(super) results: Option<ReceiveStreamAcceptor>,
    /// Held, because dropping it would finish the control stream.
    _control: SendStream,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("the cloud refused this car: {0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
}

/// A client endpoint on a socket of its own, for one connection at a time.
pub(super) struct Dialler {
    client: Client,
    pub(super) governor: Arc<Governor>,
}

/// A client endpoint on a fresh socket; its connection wakes `wake` whenever the driver's rules may have changed.
pub(super) fn dialler(server: SocketAddr, tls: &Credentials<Car>, wake: Arc<Notify>) -> Result<Dialler, CarError> {
    let governor = Governor::new(Arc::clone(&wake));
    let client = client(server, tls, Arc::clone(&governor), wake)?;
    Ok(Dialler { client, governor })
}

fn client(
    server: SocketAddr,
    tls: &Credentials<Car>,
    governor: Arc<Governor>,
    wake: Arc<Notify>,
) -> Result<Client, CarError> {
    let tls = tls.client();
    let fail = |what| move |reason: String| CarError::Start { what, reason };
    let local: SocketAddr = if server.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let limits = limits::Limits::new()
        .with_max_idle_timeout(IDLE)
        .and_then(|l| l.with_max_keep_alive_period(KEEP_ALIVE))
        .and_then(|l| l.with_max_handshake_duration(ATTEMPT))
        .and_then(|l| l.with_max_send_buffer_size(SEND_BUFFER_BYTES))
        .and_then(|l| l.with_max_open_remote_bidirectional_streams(0))
        .and_then(|l| l.with_max_open_remote_unidirectional_streams(MOST_RESULT_STREAMS))
        .map_err(|error| error.to_string())
        .map_err(fail("limits"))?;
    let builder = Client::builder()
        .with_tls(tls)
        .unwrap_or_else(never)
        .with_limits(limits)
        .unwrap_or_else(never)
        .with_congestion_controller(Governed(governor))
        .unwrap_or_else(never)
        .with_datagram(Datagrams { wake: Some(wake), accept: true })
        .unwrap_or_else(never)
        .with_event(PathWatch)
        .unwrap_or_else(never);
    #[cfg(feature = "simulation")]
    if let Some((socket, random)) = crate::reactor::simulated::endpoint() {
        let builder = builder.with_random(random).unwrap_or_else(never);
        let started = socket.map(|socket| builder.with_io(socket).unwrap_or_else(never).start());
        return started
            .map_err(|error| error.to_string())
            .and_then(|s| s.map_err(|error| error.to_string()))
            .map_err(fail("simulation"));
    }
    let io = io::tokio::Builder::default()
        .with_receive_address(local)
        .and_then(io::tokio::Builder::build)
        .map_err(|error| error.to_string())
        .map_err(fail("socket"))?;
    builder.with_io(io).unwrap_or_else(never).start().map_err(|error| error.to_string()).map_err(fail("endpoint"))
}

/// Connects and introduces this car.
pub(super) async fn attempt(
    dialler: &Dialler,
    server: SocketAddr,
    name: &str,
    identity: &Identity,
) -> Result<(Session, ControlReader), AttemptError> {
    match within(ATTEMPT, introduce(dialler, server, name, identity)).await {
        Some(outcome) => outcome,
        None => Err(AttemptError::Failed(format!("no answer from {server} within {} s", ATTEMPT.as_secs()))),
    }
}

async fn introduce(
    dialler: &Dialler,
    server: SocketAddr,
    name: &str,
    identity: &Identity,
) -> Result<(Session, ControlReader), AttemptError> {
    let failed = |what: &str, error: &dyn std::fmt::Display| AttemptError::Failed(format!("{what} {server}: {error}"));
    let mut connection: Connection = dialler
        .client
        .connect(Connect::new(server).with_server_name(name))
        .await
        .map_err(|error| failed("cannot connect to", &error))?;
    connection.keep_alive(true).map_err(|error| failed("lost", &error))?;
    let metrics = connection
        .query_event_context(|metrics: &Arc<PathMetrics>| Arc::clone(metrics))
        .map_err(|error| failed("no path metrics of", &error))?;
    let (mut handle, acceptor) = connection.split();
    let (_, results) = acceptor.split();
    let stream = handle.open_bidirectional_stream().await.map_err(|error| failed("lost", &error))?;
    let (receive, mut control_send) = stream.split();
    let hello = ControlMessage::Hello { version: VERSION, identity: identity.clone() };
    send(&mut control_send, &hello).await.map_err(|error| failed("lost", &error))?;
    let mut control = ControlReader::new(receive);
    // A rejected mutual-TLS handshake shows only here: the client's side of it succeeds first.
    match control.next().await.map_err(|error| failed("not accepted by", &error))? {
        ControlMessage::Accepted { menu } => Ok((
            Session {
                handle,
                metrics,
                governor: Arc::clone(&dialler.governor),
                menu,
                results: Some(results),
                _control: control_send,
            },
            control,
        )),
        ControlMessage::Refused { reason } => Err(AttemptError::Refused(reason)),
        _ => Err(AttemptError::Failed(format!("{server} answered Hello with another message"))),
    }
}
