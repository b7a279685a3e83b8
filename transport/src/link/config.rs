//! What a link is made of.

use std::net::SocketAddr;

use super::control::check;
use super::error::LinkError;
use super::path::PathConfig;
use super::script::Script;
use super::trace::Trace;

/// A link between whoever sends to `listen` and `server`.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// Where clients (cars) send; port 0 takes any free one, see [`super::Link::listen_addr`].
    pub listen: SocketAddr,
    /// Where the cloud listens.
    pub server: SocketAddr,
    /// From the clients to the server, shared by all of them.
    pub up: PathConfig,
    /// From the server to the clients, shared by all of them.
    pub down: PathConfig,
    /// What happens to it while it runs; begins with it.
    pub script: Script,
    /// Decides what befalls which packet.
    pub seed: u64,
    /// Largest packet, headers included; larger ones are dropped, as by a path that forbids fragments.
    pub mtu_bytes: u32,
    /// The most packets queued or on their way in each direction; memory for all of them is taken at the start.
    pub packets_per_direction: usize,
    /// The most clients at a time; a further one takes the place of the one idle longest, if that is 10 s or more.
    pub max_clients: usize,
}

/// Ethernet's, which is what a cellular path offers at best and what QUIC probes up to.
const DEFAULT_MTU_BYTES: u32 = 1500;

/// Smallest IPv4 packet every host takes; QUIC itself wants 1200 bytes of payload.
const LEAST_MTU_BYTES: u32 = 576;

/// Largest IP packet.
const MOST_MTU_BYTES: u32 = 65_535;

impl LinkConfig {
    /// An uplink shaped by `up` with a 125 KB queue, a fast downlink, no delay, no loss.
    #[must_use]
    pub fn new(listen: SocketAddr, server: SocketAddr, up: Trace) -> Self {
        Self {
            listen,
            server,
            up: PathConfig::shaped(up),
            down: PathConfig::fast(),
            script: Script::default(),
            seed: 0,
            mtu_bytes: DEFAULT_MTU_BYTES,
            packets_per_direction: 4096,
            max_clients: 64,
        }
    }

    pub(super) fn check(&self) -> Result<(), LinkError> {
        if !(LEAST_MTU_BYTES..=MOST_MTU_BYTES).contains(&self.mtu_bytes) {
            return Err(LinkError::Mtu { mtu_bytes: self.mtu_bytes, least: LEAST_MTU_BYTES, most: MOST_MTU_BYTES });
        }
        if self.packets_per_direction == 0 || self.max_clients == 0 {
            return Err(LinkError::NoRoom {
                packets_per_direction: self.packets_per_direction,
                max_clients: self.max_clients,
            });
        }
        self.up.check("uplink", self.mtu_bytes)?;
        self.down.check("downlink", self.mtu_bytes)?;
        self.script.events().iter().try_for_each(|event| check(&event.command, self.server, self.mtu_bytes))
    }
}
