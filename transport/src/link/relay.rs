//! The relay itself: one thread, no allocation per packet.

mod turn;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;

use super::command::Command;
use super::config::LinkConfig;
use super::control::{LinkHandle, WAITING_COMMANDS};
use super::error::LinkError;
use super::flows::upstream_socket;
use super::receive::stamp_arrivals;
use super::stats::{LinkSnapshot, LinkStats};
use turn::Relay;

/// A link that has its address but does not relay yet.
///
/// ```
/// use rt_core::stop::StopToken;
/// use std::net::UdpSocket;
/// use transport::link::{Link, LinkConfig, Trace};
/// let server = UdpSocket::bind("127.0.0.1:0")?;
/// let config = LinkConfig::new("127.0.0.1:0".parse()?, server.local_addr()?, Trace::fixed(50_000_000));
/// let (link, handle) = Link::bind(config)?;
/// let stop = StopToken::default();
/// std::thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
///     let running = scope.spawn(|| link.run(&stop));
///     UdpSocket::bind("127.0.0.1:0")?.send_to(b"frame", handle.listen_addr())?;
///     let mut buffer = [0; 16];
///     assert_eq!(server.recv(&mut buffer)?, 5);
///     stop.set();
///     let counters = running.join().map_err(|_| "the link's thread failed")??;
///     assert_eq!(counters.up.passed_packets, 1);
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Link {
    config: LinkConfig,
    listen: UdpSocket,
    bell: Doorbell,
    commands: Receiver<Command>,
    stats: Arc<LinkStats>,
}

/// Binds and relays in the calling thread until `stop`; `ready` gets the controls once the address is taken.
///
/// # Errors
/// As [`Link::bind`] and [`Link::run`].
pub fn run_link(
    config: LinkConfig,
    stop: &StopToken,
    ready: impl FnOnce(LinkHandle),
) -> Result<LinkSnapshot, LinkError> {
    let (link, handle) = Link::bind(config)?;
    ready(handle);
    link.run(stop)
}

impl Link {
    /// Takes the address clients send to, and makes sure that there is a way to the server's.
    ///
    /// # Errors
    /// A configuration that cannot be, an address in use or not of this machine, no route to the server.
    pub fn bind(config: LinkConfig) -> Result<(Self, LinkHandle), LinkError> {
        config.check()?;
        let refused = |source| LinkError::Listen { addr: config.listen, source };
        let listen = UdpSocket::bind(config.listen).map_err(refused)?;
        listen.set_nonblocking(true).map_err(refused)?;
        stamp_arrivals(&listen);
        let listen_addr = listen.local_addr().map_err(refused)?;
        upstream_socket(config.server, None).map_err(|source| LinkError::Server { addr: config.server, source })?;
        let bell = Doorbell::eventfd().map_err(LinkError::Wait)?;
        let stats = Arc::new(LinkStats::default());
        let (sender, commands) = sync_channel(WAITING_COMMANDS);
        let handle = LinkHandle {
            listen: listen_addr,
            server: config.server,
            mtu_bytes: config.mtu_bytes,
            commands: sender,
            bell: bell.clone(),
            stats: Arc::clone(&stats),
        };
        Ok((Self { config, listen, bell, commands, stats }, handle))
    }

    /// Where clients send; the port is the real one where 0 was asked for.
    ///
    /// # Errors
    /// The kernel's, which has none for a bound socket.
    pub fn listen_addr(&self) -> std::io::Result<SocketAddr> {
        self.listen.local_addr()
    }

    /// Relays in this thread until `stop` is set; the traces and the script begin now. Packets still on their way are discarded.
    ///
    /// # Errors
    /// Where the kernel refuses to wait for packets. A server that is not there is no error: its packets are counted
    /// as undeliverable until it is.
    pub fn run(self, stop: &StopToken) -> Result<LinkSnapshot, LinkError> {
        stop.wakes(&self.bell);
        let stats = Arc::clone(&self.stats);
        let mut relay = Relay::new(self);
        while !stop.is_set() {
            relay.turn()?;
        }
        Ok(stats.snapshot())
    }
}

#[cfg(test)]
mod tests;
