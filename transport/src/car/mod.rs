//! The car's end of the uplink: one thread, each frame on a stream of its own or in datagrams, and as many connections
//! as it takes to keep one.
//!
//! [`run_car`] takes the newest encoded frame of every service from its mailbox, decides which goes next and how much
//! of it the stack may hold ([`queue`], [`gate`]), and answers each frame exactly once with a [`CloudReply`]. It
//! connects for ever, over every [`Uplink`] it is given, and moves to another connection before the one it has is of no
//! use any more (`connections`); while the cloud cannot be reached every frame is answered at once with
//! [`ReplyStatus::LinkDown`].

mod congestion;
mod connections;
mod controller;
pub(crate) mod driver;
mod flight;
pub mod gate;
mod metrics;
mod publish;
pub mod queue;
mod reply;
mod session;
#[cfg(feature = "simulation")]
pub(crate) use session::retire;
pub mod share;
mod uplink;

use std::net::SocketAddr;

use allocation::model_config::Payload;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::frame::FrameMeta;
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox;
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use rt_core::trace::traffic::TrafficLog;

pub use reply::{CloudReply, ReplyStatus};
pub use uplink::Uplink;

use crate::carrier::CarrierChoice;
use crate::certs::{Car, Credentials};
use crate::estimate::{EstimatorLimits, LinkEstimate};
use crate::wire::identity::Identity;
use crate::wire::menu::CloudMenu;

/// One encoded frame on its way up. Its bytes are never copied: `bytes` is dropped, which gives its slot back, once
/// QUIC needs it no more.
#[derive(Debug)]
pub struct Outgoing<B> {
    /// The camera frame it was made from.
    pub meta: FrameMeta,
    /// The model to run: an index into [`CarEndpoint::models`].
    pub model: u16,
    /// What travels, and how it is coded.
    pub payload: Payload,
    /// Width of the coded image, pixels.
    pub width: u32,
    /// Height of the coded image, pixels.
    pub height: u32,
    /// The coded bytes.
    pub bytes: B,
    /// When encoding was done.
    pub encoded_at: Monotonic,
}

/// One service's two directions.
pub struct CarService<B> {
    /// The service's number, as [`FrameMeta::service`] has it.
    pub service: u16,
    /// Of frames with equal deadlines, and of what the others leave of the link, the higher priority goes first.
    pub priority: f64,
    /// What the allocator gives the service of the uplink, bits per second; newest value. A service that has sent more
    /// goes after those that have not.
    pub share: Option<mailbox::Receiver<f64>>,
    /// Newest encoded frame; the sender rings the endpoint's doorbell.
    pub input: mailbox::Receiver<Outgoing<B>>,
    /// Answers.
    pub output: ring::Producer<CloudReply>,
    /// Rung after each answer.
    pub output_bell: Doorbell,
}

/// Where something is published: the newest value counts, and the reader is woken.
pub struct Subscription<T> {
    /// The mailbox.
    pub mailbox: mailbox::Sender<T>,
    /// The reader's bell.
    pub bell: Doorbell,
}

/// What happens to the link, for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The cloud accepted this car.
    Connected,
    /// An attempt failed; the next follows after the backoff.
    Failed {
        /// Why.
        reason: String,
    },
    /// The cloud refused this car.
    Refused {
        /// The cloud's reason.
        reason: String,
    },
    /// The connection that carries the frames does not answer; attempts for another have begun.
    Suspected,
    /// Frames go over another connection from now on.
    Moved {
        /// The way it goes.
        uplink: Uplink,
        /// What was wrong with the one before.
        reason: &'static str,
    },
    /// A connection stands by, to be used when the one that carries the frames fails or is clearly worse.
    StandsBy {
        /// The way it goes.
        uplink: Uplink,
    },
    /// A connection that stood by ended.
    StandbyLost {
        /// The way it went.
        uplink: Uplink,
        /// Why.
        reason: String,
    },
    /// The connection that carried the frames ended, and no other stood by.
    Lost {
        /// Why.
        reason: String,
    },
    /// Answers that no ring had room for, since the last such event.
    RepliesDropped {
        /// How many.
        count: u64,
    },
}

/// Everything the car's endpoint needs.
pub struct CarEndpoint<B> {
    /// The gateway's address.
    pub server: SocketAddr,
    /// The name its certificate has to bear; [`crate::certs::CLOUD_NAME`] for a development PKI.
    pub server_name: String,
    /// The ways to it; none is the same as [`Uplink::Any`] alone. With several, a connection is kept over each.
    pub uplinks: Vec<Uplink>,
    /// Certificates; a clone of them reads them again while the car runs, which the next connection follows.
    pub tls: Credentials<Car>,
    /// Who this car is.
    pub identity: Identity,
    /// Names of the models that [`Outgoing::model`] indexes.
    pub models: Vec<String>,
    /// The services.
    pub services: Vec<CarService<B>>,
    /// Who learns of the link's estimate, at least every 100 ms.
    pub estimates: Vec<Subscription<LinkEstimate>>,
    /// Who learns of the cloud's menu, on each connection and about every second.
    pub menus: Vec<Subscription<CloudMenu>>,
    /// Link events for logs; a full ring loses the newest.
    pub events: Option<rtrb::Producer<LinkEvent>>,
    /// First guess and bounds of the rate.
    pub estimator: EstimatorLimits,
    /// What carries frames.
    pub carrier: CarrierChoice,
    /// What the endpoint's thread counts; its items are answers.
    pub counters: ThreadCounters,
    /// Beaten in every round of the endpoint's loop, at least every 100 ms.
    pub heartbeat: Heartbeat,
    /// What it tells of the bytes and images that it carries. Every frame it takes ends there once.
    pub books: TrafficLog,
}

/// Why the endpoint could not start. Once it runs, nothing ends it but the stop token.
#[derive(Debug, thiserror::Error)]
pub enum CarError {
    /// The runtime, its doorbell or a socket.
    #[error("cannot start the car's endpoint ({what}): {reason}")]
    Start {
        /// Which part.
        what: &'static str,
        /// Why.
        reason: String,
    },
}

/// Runs the car's endpoint on this thread until `stop` is set. `bell` has to be an eventfd doorbell; whoever puts a
/// frame into a service's mailbox rings it, and it is registered with `stop` here.
///
/// # Errors
/// [`CarError`], before the first connection only.
pub fn run_car<B>(config: CarEndpoint<B>, stop: &StopToken, bell: Doorbell) -> Result<(), CarError>
where
    B: AsRef<[u8]> + Send + 'static,
{
    let start = |what| move |error: std::io::Error| CarError::Start { what, reason: error.to_string() };
    let runtime = crate::reactor::runtime().map_err(start("runtime"))?;
    stop.wakes(&bell);
    let local = tokio::task::LocalSet::new();
    let outcome = local.block_on(&runtime, async {
        let bell = crate::reactor::Bell::event(bell).map_err(start("doorbell"))?;
        driver::Driver::new(config, stop.clone())?.run(bell).await;
        Ok(())
    });
    // Reader tasks may still wait for the peer; they end with the set.
    drop(local);
    runtime.shutdown_background();
    outcome
}
