//! The state of everything at one moment, as `turbo top` shows it and its JSON has it.

mod gateway;
mod hop;
mod link;
mod loss;
mod note;
mod ring;
mod service;
mod thread;

use std::time::Duration;

use rt_core::clock::Monotonic;
use serde::{Deserialize, Serialize};

use super::Who;
pub use gateway::{GatewayPicture, WorkerPicture};
pub(crate) use hop::Base;
pub use hop::HopPicture;
pub use link::{EmulatedPicture, LinkPicture, WayPicture};
pub use loss::LossPicture;
pub use note::NotePicture;
pub use ring::{HandoverPicture, RingPicture};
pub use service::{AllocationPicture, ServicePicture};
pub use thread::ThreadPicture;

/// One process at one moment. Counts are of the whole run and never fall; quantiles are of the last `window_s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// `snapshot`.
    pub r#type: String,
    /// Which process.
    pub who: Who,
    /// When, Unix time.
    pub at_unix_s: f64,
    /// The same instant, monotonic.
    pub at_ns: u64,
    /// Since the process began.
    pub since_start_s: f64,
    /// What quantiles are of.
    pub window_s: f64,
    /// The supervisor's state.
    pub state: String,
    /// A car's services.
    pub services: Vec<ServicePicture>,
    /// The division of the uplink in force.
    pub allocation: Option<AllocationPicture>,
    /// The uplink.
    pub link: Option<LinkPicture>,
    /// Every hop that a frame took within the window, in the order of the way.
    pub hops: Vec<HopPicture>,
    /// The rings from each thread to the collector.
    pub rings: Vec<RingPicture>,
    /// Every thread of the process.
    pub threads: Vec<ThreadPicture>,
    /// The hand-overs between threads, in the order of a frame's way.
    pub handovers: Vec<HandoverPicture>,
    /// A cloud's gateway.
    pub gateway: Option<GatewayPicture>,
    /// A cloud's workers.
    pub workers: Vec<WorkerPicture>,
    /// An emulated link.
    pub emulated: Option<EmulatedPicture>,
    /// Requests that a cloud has served and logged.
    pub served: u64,
    /// What is not in the logs, or not yet.
    pub losses: LossPicture,
    /// Who listens now.
    pub subscribers: usize,
    /// Records that slow subscribers have lost.
    pub subscribers_lost: u64,
    /// The last things that were said, oldest first.
    pub notes: Vec<NotePicture>,
}

impl Picture {
    /// A picture of nothing yet.
    pub(crate) fn at(at: Monotonic) -> Self {
        let who = Who {
            program: String::new(),
            pid: 0,
            version: String::new(),
            started_unix_s: 0,
            run_dir: None,
            services: Vec::new(),
        };
        Self {
            r#type: "snapshot".to_owned(),
            who,
            at_unix_s: 0.0,
            at_ns: at.as_ns(),
            since_start_s: 0.0,
            window_s: 0.0,
            state: String::new(),
            services: Vec::new(),
            allocation: None,
            link: None,
            hops: Vec::new(),
            rings: Vec::new(),
            threads: Vec::new(),
            handovers: Vec::new(),
            gateway: None,
            workers: Vec::new(),
            emulated: None,
            served: 0,
            losses: LossPicture::default(),
            subscribers: 0,
            subscribers_lost: 0,
            notes: Vec::new(),
        }
    }
}

/// Milliseconds, as a number.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_nanos() as f64 * 1e-6
}
