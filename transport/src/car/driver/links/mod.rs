//! The driver's connections: carries out what the rules ([`crate::car::connections`]) say, and tells them what happens.

mod attempts;
mod moves;
mod tend;

use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Driver, Link, Told};
use crate::car::connections::{Connections, Id};
use crate::car::session::{Dialler, Introduction, Session};
use crate::car::{CarEndpoint, CarError, Uplink};
use crate::carrier::CarrierChoice;
use crate::certs::{Car, Credentials};
use crate::estimate::{LossEstimator, MinRtt, RateEstimator};
use crate::wire::menu::CloudMenu;

/// Failures with the same reason are told no more often than this.
const FAILURE_PERIOD: Duration = Duration::from_secs(1);

/// An attempt under way.
struct Trial {
    id: Id,
    uplink: usize,
    dialler: Arc<Dialler>,
    task: JoinHandle<()>,
    heard: bool,
}

/// A connection that does not carry the frames: it stands by, or its last answers are awaited.
struct Standing {
    id: Id,
    uplink: usize,
    session: Box<Session>,
    control: JoinHandle<()>,
    /// Whether its being there was told.
    told: bool,
}

/// What is remembered of an uplink that does not carry the frames.
struct Memory {
    estimator: RateEstimator,
    loss: LossEstimator,
    min_rtt: MinRtt,
}

/// All connections but the one that carries the frames, which is the driver's.
pub(super) struct Links {
    pub(super) rules: Connections,
    introduction: Introduction,
    tls: Credentials<Car>,
    carrier: CarrierChoice,
    wake: Arc<Notify>,
    uplinks: Vec<Uplink>,
    /// One for each uplink; that of the uplink in use is the driver's own.
    memories: Vec<Memory>,
    /// The uplink in use.
    uplink: usize,
    trials: Vec<Trial>,
    standing: Vec<Standing>,
    /// Endpoints whose attempt ended in silence, and their uplinks.
    idle: Vec<(usize, Dialler)>,
    suspected: bool,
    told: Option<(String, Monotonic)>,
}

impl Links {
    pub(super) fn new<B>(config: &CarEndpoint<B>, wake: &Arc<Notify>, now: Monotonic) -> Result<Self, CarError> {
        let uplinks = if config.uplinks.is_empty() { vec![Uplink::Any] } else { config.uplinks.clone() };
        // An uplink that is not there may come later.
        let mut idle = Vec::new();
        for (index, uplink) in uplinks.iter().enumerate() {
            let wake = Arc::clone(wake);
            if let Ok(dialler) = Dialler::new(config.server, &config.tls, uplink, index, config.carrier, wake) {
                idle.push((index, dialler));
            }
        }
        let memory = |_: &Uplink| Memory {
            estimator: RateEstimator::new(config.estimator),
            loss: LossEstimator::default(),
            min_rtt: MinRtt::default(),
        };
        Ok(Self {
            rules: Connections::new(uplinks.len(), now.as_ns()),
            introduction: Introduction {
                server: config.server,
                name: config.server_name.clone(),
                identity: config.identity.clone(),
                process: random(),
            },
            tls: config.tls.clone(),
            carrier: config.carrier,
            wake: Arc::clone(wake),
            memories: uplinks.iter().map(memory).collect(),
            uplinks,
            uplink: 0,
            trials: Vec::new(),
            standing: Vec::new(),
            idle,
            suspected: false,
            told: None,
        })
    }

    /// A new menu over a connection that does not carry the frames.
    pub(super) fn menu(&mut self, id: Id, menu: CloudMenu) {
        if let Some(standing) = self.standing.iter_mut().find(|standing| standing.id == id) {
            standing.session.menu = menu;
        }
    }

    /// Connections beside the one that carries the frames.
    pub(super) fn standing(&self) -> u32 {
        u32::try_from(self.standing.len()).unwrap_or(u32::MAX)
    }

    fn name(&self, uplink: usize) -> Uplink {
        self.uplinks.get(uplink).cloned().unwrap_or_default()
    }

    fn dialler(&mut self, uplink: usize) -> Result<Dialler, CarError> {
        if let Some(index) = self.idle.iter().position(|idle| idle.0 == uplink) {
            return Ok(self.idle.swap_remove(index).1);
        }
        let (server, wake) = (self.introduction.server, Arc::clone(&self.wake));
        Dialler::new(server, &self.tls, &self.name(uplink), uplink, self.carrier, wake)
    }

    fn take(&mut self, id: Id) -> Option<Standing> {
        let index = self.standing.iter().position(|standing| standing.id == id)?;
        Some(self.standing.swap_remove(index))
    }
}

/// A number that no other process will have: the standard library's hash maps get their keys from the system.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
