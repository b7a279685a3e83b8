//! When the next attempt to connect begins.
//!
//! A dead path's handshake would wait for its retransmission timer, which doubles; a fresh attempt does not. So where
//! there is no connection at all, for the first ten seconds one begins about every 70 ms, each a single packet of 1,200
//! bytes while nobody answers, and the first that is accepted wins: 15 packets, 18 KB, a second and car. After that, or
//! while a connection rests or another uplink works, it is 1 to 2 packets a second, for ever: what is sent into the dark
//! fills the queue of a radio that waits for its network, and every first packet that comes out of it is a handshake for
//! the cloud. Once an attempt was answered, no other begins for a while.

use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::reactor::Backoff;

/// The most between two attempts while the path is silent; the least is half of it.
const STAGGER: Duration = Duration::from_millis(90);
/// For how long.
const BRISK: Duration = Duration::from_secs(10);
/// An attempt that was answered has this long to be accepted before others begin again.
const HOLD: Duration = Duration::from_millis(500);

/// One uplink's attempts.
#[derive(Debug)]
pub(super) struct Schedule {
    wanted_since: Option<Monotonic>,
    next: Monotonic,
    backoff: Backoff,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        Self { wanted_since: None, next: Monotonic::ZERO, backoff: Backoff::new(seed) }
    }

    /// Whether attempts are wanted from now on; the first is due at once.
    pub(super) fn want(&mut self, now: Monotonic, wanted: bool) {
        match (self.wanted_since, wanted) {
            (None, true) => {
                self.wanted_since = Some(now);
                self.next = self.next.max(now);
                self.backoff.reset();
            }
            (Some(_), false) => {
                self.wanted_since = None;
                self.next = now;
            }
            _ => {}
        }
    }

    /// When the next attempt is due.
    pub(super) fn due(&self) -> Option<Monotonic> {
        self.wanted_since.map(|_| self.next)
    }

    /// An attempt was begun; in `calm`, something else may bring the car back first.
    pub(super) fn begun(&mut self, now: Monotonic, calm: bool) {
        let brisk = self.wanted_since.is_some_and(|since| now.saturating_since(since) < BRISK);
        let wait = self.backoff.spread(STAGGER);
        self.next = now.plus(if brisk && !calm { wait } else { wait.max(self.backoff.wait()) });
    }

    /// The cloud answered an attempt, though not yet with a word.
    pub(super) fn heard(&mut self, now: Monotonic) {
        self.next = self.next.max(now.plus(HOLD));
    }

    /// The cloud refused an attempt, or it failed for a reason other than silence: haste would not help.
    pub(super) fn refused(&mut self, now: Monotonic) {
        self.next = now.plus(self.backoff.wait());
    }
}
