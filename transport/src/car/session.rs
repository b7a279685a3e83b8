//! One attempt to reach the cloud: handshake, Hello, the cloud's answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use s2n_quic::client::Connect;
use s2n_quic::connection::{Handle, ReceiveStreamAcceptor};
use s2n_quic::provider::{io, limits};
use s2n_quic::stream::SendStream;
use s2n_quic::{Client, Connection};
use tokio::sync::Notify;

use super::CarError;
use super::congestion::Congestion;
use super::controller::Governor;
use super::metrics::{PathMetrics, PathWatch};
use super::uplink::Uplink;
use crate::carrier::provider::Datagrams;
use crate::carrier::{CarrierChoice, LONG_SEND_BUFFER_BYTES, SEND_BUFFER_BYTES};
use crate::certs::{Car, Credentials};
use crate::reactor::{never, within};
use crate::wire::control::ControlMessage;
use crate::wire::identity::Identity;
use crate::wire::menu::CloudMenu;
use crate::wire::stream::{ControlReader, send, send_now};
use crate::wire::{IDLE, VERSION};

/// The whole attempt, from first packet to `Accepted`.
const ATTEMPT: Duration = Duration::from_secs(3);
/// Of it, the handshake: while nobody answers, attempts are short, and others begin beside them.
const HANDSHAKE: Duration = Duration::from_secs(1);
/// The first packet of a handshake is repeated after three of these, which is after the handshake's time: the next
/// attempt's first packet is the repetition. Once the peer has answered, the measured round trip counts.
const INITIAL_RTT: Duration = HANDSHAKE;
/// A car receives little: results, menus, acknowledgements. The stack's default for its receive queue is 8 MiB.
const RECEIVE_QUEUE_BYTES: usize = 1024 * 1024;
/// So many attempts are made from one socket, one after the other; then a fresh one is used, because the old one's
/// address, or a middlebox's memory of it, may be what is wrong.
const ATTEMPTS_PER_SOCKET: u32 = 5;
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
    /// Dropping it would finish the control stream.
    control: SendStream,
    /// Held, because it is this connection's own.
    _dialler: Arc<Dialler>,
}

impl Session {
    /// Sends a packet that asks for an acknowledgement, whatever is still unanswered.
    pub(super) fn ping(&mut self) {
        // Where it fails the connection is over, and its reader says so.
        let _ = send_now(&mut self.control, &ControlMessage::Ping);
    }
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptError {
    #[error("the cloud refused this car: {0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    Silent(String),
}

/// A client endpoint on a socket of its own, for one connection at a time.
pub(super) struct Dialler {
    client: Client,
    governor: Arc<Governor>,
    heard: Arc<AtomicBool>,
    attempts: u32,
}

impl Dialler {
    /// On a fresh socket; its connection wakes `wake` whenever the driver's rules may have changed.
    pub(super) fn new(
        server: SocketAddr,
        tls: &Credentials<Car>,
        uplink: &Uplink,
        index: usize,
        carrier: CarrierChoice,
        wake: Arc<Notify>,
    ) -> Result<Self, CarError> {
        let prototype = matches!(carrier, CarrierChoice::Prototype(_));
        let (governor, heard) = (Governor::new(Arc::clone(&wake), prototype), Arc::default());
        let congestion = if prototype {
            Congestion::bbr(Arc::clone(&governor))
        } else {
            Congestion::governed(Arc::clone(&governor))
        };
        let watch = PathWatch { heard: Arc::clone(&heard) };
        let client = client(server, tls, uplink, index, congestion, watch, wake)?;
        Ok(Self { client, governor, heard, attempts: 0 })
    }

    /// Whether anything came in answer to the newest attempt.
    pub(super) fn was_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Readies it for another attempt, the one before having ended in silence; `None` where it has made enough.
    pub(super) fn again(mut self) -> Option<Self> {
        self.attempts += 1;
        (self.attempts < ATTEMPTS_PER_SOCKET && !self.was_heard()).then_some(self)
    }
}

impl Drop for Dialler {
    fn drop(&mut self) {
        retire(&mut self.client);
    }
}

/// Readies a client endpoint to be dropped, so that it ends. s2n-quic 1.91 sees that its last handle is gone, and acts on
/// it at its next event; where there is no connection left, none ever comes, and the endpoint stays with its socket and its
/// buffers. One that was asked to close looks at that first, when the drop wakes it.
pub(crate) fn retire(client: &mut Client) {
    let idle = std::pin::pin!(client.wait_idle());
    // What is asked for is asked for by the first poll; nobody waits for the answer.
    let _ = idle.poll(&mut Context::from_waker(Waker::noop()));
}

fn client(
    server: SocketAddr,
    tls: &Credentials<Car>,
    uplink: &Uplink,
    index: usize,
    congestion: Congestion,
    watch: PathWatch,
    wake: Arc<Notify>,
) -> Result<Client, CarError> {
    let tls = tls.client();
    let fail = |what| move |reason: String| CarError::Start { what, reason };
    // The prototype leaves the stack its own send buffer, beyond which a stream takes no more.
    let send_buffer = match congestion {
        Congestion::Governed(_) => SEND_BUFFER_BYTES,
        Congestion::Bbr { .. } => LONG_SEND_BUFFER_BYTES,
    };
    let limits = limits::Limits::new()
        .with_max_idle_timeout(IDLE)
        .and_then(|l| l.with_max_keep_alive_period(KEEP_ALIVE))
        .and_then(|l| l.with_max_handshake_duration(HANDSHAKE))
        .and_then(|l| l.with_initial_round_trip_time(INITIAL_RTT))
        .and_then(|l| l.with_max_send_buffer_size(send_buffer))
        .and_then(|l| l.with_max_open_remote_bidirectional_streams(0))
        .and_then(|l| l.with_max_open_remote_unidirectional_streams(MOST_RESULT_STREAMS))
        .map_err(|error| error.to_string())
        .map_err(fail("limits"))?;
    let builder = Client::builder()
        .with_tls(tls)
        .unwrap_or_else(never)
        .with_limits(limits)
        .unwrap_or_else(never)
        .with_congestion_controller(congestion)
        .unwrap_or_else(never)
        .with_datagram(Datagrams { wake: Some(wake), accept: true })
        .unwrap_or_else(never)
        .with_event(watch)
        .unwrap_or_else(never);
    #[cfg(feature = "simulation")]
    if let Some((socket, random)) = crate::reactor::simulated::endpoint(Some(index)) {
        let builder = builder.with_random(random).unwrap_or_else(never);
        let started = socket.map(|socket| builder.with_io(socket).unwrap_or_else(never).start());
        return started
            .map_err(|error| error.to_string())
            .and_then(|s| s.map_err(|error| error.to_string()))
            .map_err(fail("simulation"));
    }
    #[cfg(not(feature = "simulation"))]
    let _ = index;
    let io = uplink
        .socket(server)
        .and_then(|socket| io::tokio::Builder::default().with_rx_socket(socket))
        .and_then(|io| io.with_internal_recv_buffer_size(RECEIVE_QUEUE_BYTES))
        .and_then(io::tokio::Builder::build)
        .map_err(|error| format!("{uplink}: {error}"))
        .map_err(fail("socket"))?;
    builder.with_io(io).unwrap_or_else(never).start().map_err(|error| error.to_string()).map_err(fail("endpoint"))
}

/// Who knocks where.
#[derive(Clone, Debug)]
pub(super) struct Introduction {
    pub(super) server: SocketAddr,
    /// The name in the cloud's certificate.
    pub(super) name: String,
    pub(super) identity: Identity,
    /// The same in all connections of this process, and of no other.
    pub(super) process: u64,
}

/// Connects and introduces this car.
pub(super) async fn attempt(
    dialler: Arc<Dialler>,
    introduction: Introduction,
) -> Result<(Session, ControlReader), AttemptError> {
    let server = introduction.server;
    let outcome = within(ATTEMPT, introduce(&dialler, &introduction)).await;
    let late = || AttemptError::Failed(format!("{server} did not accept within {} s", ATTEMPT.as_secs()));
    match outcome.unwrap_or_else(|| Err(late())) {
        Err(AttemptError::Failed(_)) if !dialler.was_heard() => {
            Err(AttemptError::Silent(format!("no answer from {server} within {} s", HANDSHAKE.as_secs())))
        }
        outcome => outcome,
    }
}

async fn introduce(
    dialler: &Arc<Dialler>,
    introduction: &Introduction,
) -> Result<(Session, ControlReader), AttemptError> {
    let Introduction { server, name, identity, process } = introduction;
    let failed = |what: &str, error: &dyn std::fmt::Display| AttemptError::Failed(format!("{what} {server}: {error}"));
    let mut connection: Connection = dialler
        .client
        .connect(Connect::new(*server).with_server_name(name.as_str()))
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
    let hello = ControlMessage::Hello { version: VERSION, identity: identity.clone(), process: *process };
    send(&mut control_send, &hello).await.map_err(|error| failed("lost", &error))?;
    let mut control = ControlReader::new(receive);
    // A rejected mutual-TLS handshake shows only here: the client's side of it succeeds first.
    match control.next().await.map_err(|error| failed("not accepted by", &error))? {
        ControlMessage::Accepted { menu } => {
            let governor = Arc::clone(&dialler.governor);
            let dialler = Arc::clone(dialler);
            Ok((
                Session {
                    handle,
                    metrics,
                    governor,
                    menu,
                    results: Some(results),
                    control: control_send,
                    _dialler: dialler,
                },
                control,
            ))
        }
        ControlMessage::Refused { reason } => Err(AttemptError::Refused(reason)),
        _ => Err(AttemptError::Failed(format!("{server} answered Hello with another message"))),
    }
}
