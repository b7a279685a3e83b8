//! Both directions of a link and its script, in virtual time.

use rt_core::clock::Monotonic;

use super::command::{Command, Rebind};
use super::path::{Path, PathConfig};
use super::script::{Player, Script};

/// Two paths that a script changes at its own times, however late it is played.
///
/// At each instant, call [`Duplex::play`] first and then offer to the paths and take from them.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use std::path::Path;
/// use transport::link::{Duplex, PathConfig, Script, Trace};
/// let script = Script::parse("1s rate up 1\n2s rebind", "fall", Path::new("."))?;
/// let up = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(8_000_000)) };
/// let mut link = Duplex::new(up, PathConfig::fast(), script, 7, Monotonic::ZERO, 64);
/// let second = 1_000_000_000;
/// link.up.offer(Monotonic::from_ns(second - 500_000), 1000, "packet").expect("an empty queue takes it");
/// // Half of it leaves in half a millisecond; the other half takes 4 ms at 1 Mbit/s.
/// while link.play(Monotonic::from_ns(second + 1)).is_some() {}
/// assert_eq!(link.up.next_event(), Some(Monotonic::from_ns(second + 4_000_000)));
/// assert!(link.play(Monotonic::from_ns(2 * second)).is_some(), "it is the owner who has the sockets");
/// # Ok::<(), transport::link::ScriptError>(())
/// ```
pub struct Duplex<T> {
    /// From the clients to the server.
    pub up: Path<T>,
    /// From the server to the clients.
    pub down: Path<T>,
    player: Player,
}

impl<T> Duplex<T> {
    /// An idle link whose traces and script begin at `origin`, with room for `capacity_packets` in each direction.
    #[must_use]
    pub fn new(
        up: PathConfig,
        down: PathConfig,
        script: Script,
        seed: u64,
        origin: Monotonic,
        capacity_packets: usize,
    ) -> Self {
        Self {
            up: Path::new(up, seed, origin, capacity_packets),
            // Another stream of numbers, or both directions would lose the same packets.
            down: Path::new(down, !seed, origin, capacity_packets),
            player: Player::new(script, origin),
        }
    }

    /// Carries out one command at `now`; a rebinding is the owner's to carry out.
    pub fn apply(&mut self, now: Monotonic, command: Command) -> Option<Rebind> {
        match command {
            Command::Rebind(rebind) => Some(rebind),
            Command::Change(ways, change) => {
                if ways.down() {
                    self.down.apply(now, change.clone());
                }
                if ways.up() {
                    self.up.apply(now, change);
                }
                None
            }
        }
    }

    /// Carries out what the script has for the time up to `now`, until there is a rebinding for the owner to carry
    /// out: call again until `None`.
    pub fn play(&mut self, now: Monotonic) -> Option<Rebind> {
        while let Some((at, command)) = self.player.take(now) {
            let rebind = self.apply(at, command);
            if rebind.is_some() {
                return rebind;
            }
        }
        None
    }

    /// When to look again: an arrival in either direction, or the script's next command.
    #[must_use]
    pub fn next_event(&self) -> Option<Monotonic> {
        [self.up.next_event(), self.down.next_event(), self.player.next_event()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
