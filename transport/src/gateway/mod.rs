//! The cloud's end: cars connect, frames come in, workers detect, results go back.
//!
//! [`run_gateway`] runs on one thread. It checks a frame's budget when its header comes, when its last byte comes and
//! when a worker is free ([`schedule`]), and hands tasks to worker threads over rings ([`worker`]). A car that breaks
//! the protocol harms only its own stream or connection.

mod admission;
mod arrivals;
mod connection;
pub(crate) mod endpoint;
pub mod execution;
mod frame;
mod handshakes;
mod hub;
mod journey;
mod load;
mod long_stream;
mod menu_card;
mod offence;
mod peer;
mod pings;
mod refusals;
pub mod schedule;
mod sequence;
mod shards;
mod stats;
pub mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Heartbeat;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use rt_core::trace::traffic::TrafficLog;

pub use arrivals::Arrivals;
pub use load::WorkerLoad;
pub use offence::Offence;
pub use refusals::Tally;
pub use sequence::{Services, WINDOW as SEQUENCE_WINDOW};
pub use stats::GatewayStats;

use crate::certs::{Cloud, Credentials};
use crate::wire::menu::CloudMenu;
use crate::wire::result::{CloudTimes, Status, TrainRate};
use worker::WorkerPort;

/// What the gateway takes from a car before it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// Largest payload, bytes; at most [`crate::wire::MAX_FRAME_BYTES`].
    pub max_frame_bytes: u32,
    /// Bytes of one car's frames held at a time, over all its connections.
    pub max_car_bytes: u64,
    /// Bytes of frames a car may send a second; in a burst, as many as it may have here.
    pub max_car_bytes_per_s: u64,
    /// Streams a car may have open at a time, its control stream included.
    pub max_streams: u64,
    /// Services a connection may send frames of; those of a further one are refused.
    pub max_services: usize,
    /// A connection whose streams broke the protocol this often is closed.
    pub max_violations: u32,
    /// Frames in datagrams that a car may have under way at a time; 0 takes no datagrams.
    pub max_reassembling: usize,
    /// Cars connected at a time.
    pub max_cars: usize,
    /// Connections one car may have at a time, by its identity; those that are dead are replaced. With two it may make the
    /// next before it breaks the last, and a second car of the same identity is not told from it.
    pub max_car_connections: usize,
    /// Handshakes under way at a time; beyond it, addresses have to prove themselves first (Retry).
    pub max_handshakes: usize,
    /// Handshakes under way at a time, those of proven addresses included; beyond it, whoever comes has to try again.
    pub max_pending_handshakes: usize,
    /// Connections open with one certificate at a time, those before Hello and those given up included. A fleet's may
    /// have as many as there may be cars.
    pub max_certificate_connections: usize,
    /// Whether certificates that leave it to the car who it is ([`crate::certs::Subject::Fleet`]) are taken.
    pub fleet_certificates: bool,
    /// How long a stream may take to show its header, and a connection its Hello.
    pub header_time: Duration,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            max_frame_bytes: crate::wire::MAX_FRAME_BYTES,
            max_car_bytes: 150_000_000,
            max_car_bytes_per_s: 125_000_000,
            max_streams: 128,
            max_services: 32,
            max_violations: 256,
            max_reassembling: 64,
            max_cars: 4_096,
            max_car_connections: 8,
            max_handshakes: 64,
            max_pending_handshakes: 1_024,
            max_certificate_connections: 16,
            fleet_certificates: false,
            header_time: Duration::from_secs(1),
        }
    }
}

/// Everything the gateway needs.
pub struct Gateway {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Certificates; a clone of them reads them again while the gateway runs.
    pub tls: Credentials<Cloud>,
    /// What it serves; execution times here hold until they are measured.
    pub menu: CloudMenu,
    /// Limits.
    pub limits: GatewayLimits,
    /// One entry per answered frame, for the cloud's log; a full ring loses the newest.
    pub served: Option<rtrb::Producer<ServedFrame>>,
    /// Connections and refusals, for the cloud's log; a full ring loses the newest.
    pub events: Option<rtrb::Producer<GatewayEvent>>,
    /// What is counted and held, for whoever watches.
    pub stats: Arc<GatewayStats>,
    /// Gets the address once the socket is bound, which matters where port 0 was asked for; give it room for one.
    pub bound: Option<std::sync::mpsc::SyncSender<SocketAddr>>,
    /// What the gateway's thread counts; its items are answered frames.
    pub counters: ThreadCounters,
    /// Beaten in every round of the gateway's loop, at least every 100 ms.
    pub heartbeat: Heartbeat,
    /// What it tells of the bytes and images that it carries. Every frame whose header came ends there once.
    pub books: TrafficLog,
}

/// What became of one frame, as the cloud logs it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedFrame {
    /// The car's identity.
    pub car: Arc<str>,
    /// Its service.
    pub service: u16,
    /// The frame's number.
    pub seq: u64,
    /// The model's number in the menu.
    pub model: u16,
    /// How it ended.
    pub status: Status,
    /// Payload size, bytes.
    pub payload_bytes: u32,
    /// Budget left when the header came.
    pub budget: Duration,
    /// What the stages took.
    pub times: CloudTimes,
    /// The link as this frame showed it.
    pub train: TrainRate,
    /// How many boxes went back.
    pub detections: u8,
    /// When the header came.
    pub received_at: Monotonic,
    /// When the result was given to QUIC.
    pub answered_at: Monotonic,
}

/// Connections and refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayEvent {
    /// A connection of a car was accepted; a car may have several.
    Joined {
        /// Its identity.
        car: Arc<str>,
        /// Its address.
        from: SocketAddr,
    },
    /// A car's connection ended.
    Left {
        /// Its identity.
        car: Arc<str>,
    },
    /// A handshake failed, a connection was refused, or a frame that a correct car would not send. Of a flood only some
    /// are told; [`Tally`] and [`GatewayStats`] count them all.
    Refused {
        /// Its address.
        from: SocketAddr,
        /// Why.
        reason: String,
    },
    /// What was refused until now, when it has become more; at most once a second.
    Tally(Tally),
    /// A worker ended and gets no more tasks. The one it had was given to another worker where there was one and time was
    /// left, once; else it was answered with an error.
    WorkerDied {
        /// Which, in the order given at start.
        worker: usize,
    },
}

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The socket.
    #[error("cannot listen on {listen}: {reason}")]
    Listen {
        /// The address asked for.
        listen: SocketAddr,
        /// The system's reason.
        reason: String,
    },
    /// The runtime or its doorbell.
    #[error("cannot start the gateway ({what}): {reason}")]
    Start {
        /// Which part.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

/// Runs the gateway on this thread until `stop` is set. `bell` has to be the eventfd doorbell that the workers' ends
/// were made with ([`worker::worker_channel`]); it is registered with `stop` here.
///
/// # Errors
/// [`GatewayError`], before the first car only.
pub fn run_gateway(
    config: Gateway,
    workers: Vec<WorkerPort>,
    stop: &StopToken,
    bell: Doorbell,
) -> Result<(), GatewayError> {
    let start = |what| move |error: std::io::Error| GatewayError::Start { what, reason: error.to_string() };
    let runtime = crate::reactor::runtime().map_err(start("runtime"))?;
    stop.wakes(&bell);
    let local = tokio::task::LocalSet::new();
    let outcome = local.block_on(&runtime, async {
        let bell = crate::reactor::Bell::event(bell).map_err(start("doorbell"))?;
        endpoint::serve(config, workers, stop, bell).await
    });
    drop(local);
    runtime.shutdown_background();
    outcome
}
