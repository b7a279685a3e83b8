//! Changing a link while it runs, and reading its counters, from other threads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rt_core::doorbell::Doorbell;

use super::command::{Command, Ways};
use super::error::LinkError;
use super::flows::upstream_socket;
use super::path::Change;
use super::stats::{LinkSnapshot, LinkStats};
use super::trace::Trace;

/// The controls of a running link; clones control the same one. See [`super::Link::bind`].
#[derive(Clone)]
pub struct LinkHandle {
    pub(super) listen: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) mtu_bytes: u32,
    pub(super) commands: SyncSender<Command>,
    pub(super) bell: Doorbell,
    pub(super) stats: Arc<LinkStats>,
}

/// Commands that wait for the relay to take them; it does so within a turn.
pub(super) const WAITING_COMMANDS: usize = 64;

impl LinkHandle {
    /// Where clients send; the port is the real one where 0 was asked for.
    #[must_use]
    pub const fn listen_addr(&self) -> SocketAddr {
        self.listen
    }

    /// Where the link relays to.
    #[must_use]
    pub const fn server_addr(&self) -> SocketAddr {
        self.server
    }

    /// Has the link bring its counters up to date, which it else does when packets pass: within a turn, not by now.
    pub fn refresh(&self) {
        self.bell.ring();
    }

    /// Has the link do something from now on; what it was told before, and what its script has told it, holds but for
    /// the property that this changes.
    ///
    /// It is on its way when this returns; [`LinkSnapshot::commands`] tells when it is done. Before the link runs, up to 64 commands are kept for it, and a further one waits.
    ///
    /// # Errors
    /// A value that cannot be, an address to rebind to that is not this machine's, a link that has ended.
    pub fn command(&self, command: Command) -> Result<(), LinkError> {
        check(&command, self.server, self.mtu_bytes)?;
        self.commands.send(command).map_err(|_| LinkError::Ended)?;
        self.bell.ring();
        Ok(())
    }

    /// Shapes the uplink by another trace from now on; queued packets stay.
    pub fn set_up_trace(&self, trace: Trace) {
        self.change_up(Change::Trace(trace));
    }

    /// Gives the uplink a constant rate in bit/s from now on; at 0 nothing passes.
    pub fn set_up_rate(&self, bps: u64) {
        self.set_up_trace(Trace::fixed(bps));
    }

    /// Stops the uplink (a tunnel), or lets it go on where its trace then is; packets wait in its queue meanwhile.
    pub fn set_blackout(&self, on: bool) {
        self.change_up(Change::Blackout(on));
    }

    /// The counters now.
    #[must_use]
    pub fn stats(&self) -> LinkSnapshot {
        self.stats.snapshot()
    }

    /// For changes that can only fail with the link's end, after which there is nothing left to change.
    fn change_up(&self, change: Change) {
        let _ended = self.command(Command::Change(Ways::Up, change));
    }
}

/// Whether a link can do this.
pub(super) fn check(command: &Command, server: SocketAddr, mtu_bytes: u32) -> Result<(), LinkError> {
    match command {
        Command::Change(ways, change) => Ok(change.check(ways.name(), mtu_bytes)?),
        Command::Rebind(rebind) => {
            let socket = upstream_socket(server, rebind.from);
            let refused = |source| match rebind.from {
                Some(from) => LinkError::Rebind { from, server, source },
                None => LinkError::Server { addr: server, source },
            };
            socket.map(drop).map_err(refused)
        }
    }
}
