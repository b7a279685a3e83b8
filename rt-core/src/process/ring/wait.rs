//! How either end waits for the other: spin, then sleep on the other's index, and look now and then whether it lives.

use std::time::Duration;

use super::super::claim::{Claim, Peer, PeerWatch, Role};
use super::super::segment::Name;
use super::error::{Corrupt, WaitError};
use crate::clock::Monotonic;
use crate::sync::spin_loop;

/// How an end waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long it spins before it sleeps. Long enough for a peer that runs, far too short to starve anybody.
    pub spin: Duration,
    /// How often, while it sleeps, it looks whether the other process still lives.
    pub look: Duration,
}

impl Default for Pace {
    /// Spins 20 µs, which on two cores answered 64-byte messages as fast as spinning for ever; looks every 20 ms.
    fn default() -> Self {
        Self { spin: Duration::from_micros(20), look: Duration::from_millis(20) }
    }
}

/// What waiting needs of an end.
pub(super) trait End {
    /// Who is waited for.
    const PEER: Role;
    /// Whether there is what is waited for; looks at the other's index where there seems to be nothing.
    fn ready(&mut self) -> Result<bool, Corrupt>;
    /// Sleeps until the other's index has moved since it was last looked at, or until `until`.
    fn sleep(&self, until: Monotonic);
    fn peer_claim(&mut self) -> (&mut PeerWatch, &Claim);
    fn ring(&self) -> Name;
    fn pace(&self) -> Pace;
}

/// Spins between two readings of the clock, about 2 µs.
const SPINS_PER_READING: u32 = 64;

pub(super) fn wait<E: End>(end: &mut E, until: Monotonic) -> Result<(), WaitError> {
    if end.ready()? {
        return Ok(());
    }
    let pace = end.pace();
    let mut now = Monotonic::now();
    let spun = now.plus(pace.spin).min(until);
    while now < spun {
        for _ in 0..SPINS_PER_READING {
            if end.ready()? {
                return Ok(());
            }
            spin_loop();
        }
        now = Monotonic::now();
    }
    while now < until {
        end.sleep(now.plus(pace.look).min(until));
        if end.ready()? {
            return Ok(());
        }
        if let Some(gone) = gone(end) {
            return after(end, gone);
        }
        now = Monotonic::now();
    }
    let late = WaitError::TimedOut { ring: end.ring(), peer: E::PEER };
    let gone = gone(end).unwrap_or(late);
    after(end, gone)
}

/// What is told of a peer that will do no more; `None` while it may.
fn gone<E: End>(end: &mut E) -> Option<WaitError> {
    let ring = end.ring();
    let (watch, claim) = end.peer_claim();
    match watch.look(claim) {
        Peer::Awaited | Peer::Alive(_) => None,
        Peer::Died(dead, process) => Some(WaitError::PeerDied { ring, peer: E::PEER, pid: dead.pid(), process }),
        Peer::Left(process) => Some(WaitError::PeerLeft { ring, peer: E::PEER, process }),
    }
}

/// What the peer committed before it was found gone comes first.
fn after<E: End>(end: &mut E, gone: WaitError) -> Result<(), WaitError> {
    if end.ready()? { Ok(()) } else { Err(gone) }
}
