//! Refusals, counted all and told some: a flood of them must not become a flood of log lines.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rt_core::clock::Monotonic;

/// The most refusals told within a [`PERIOD`]; the rest are in the tally.
const TOLD_PER_PERIOD: u32 = 32;
const PERIOD: Duration = Duration::from_secs(1);
/// Failed handshakes between two rounds of the gateway's loop, at most 100 ms, whose reasons are kept.
const HANDSHAKES: usize = 64;

/// What was refused since the gateway started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections, streams and frames, with a reason each, told or not; failed handshakes whose reason was kept too.
    pub refused: u64,
    /// TLS handshakes that failed: no certificate, a wrong or an expired one.
    pub failed_handshakes: u64,
    /// Retry packets: clients that had to prove their address because of the handshakes under way.
    pub retries: u64,
    /// Datagrams that belong to no connection and open none.
    pub dropped_datagrams: u64,
}

/// What the stack's events count, on their side.
#[derive(Debug, Default)]
struct Stack {
    failed_handshakes: AtomicU64,
    retries: AtomicU64,
    dropped_datagrams: AtomicU64,
}

/// The stack's end.
pub(super) struct RefusalReports {
    stack: Arc<Stack>,
    handshakes: rtrb::Producer<(SocketAddr, String)>,
}

/// The hub's end.
pub(super) struct Refusals {
    stack: Arc<Stack>,
    handshakes: rtrb::Consumer<(SocketAddr, String)>,
    refused: u64,
    told: u32,
    period_began: Monotonic,
    last: Tally,
    last_at: Monotonic,
}

/// Both ends.
pub(super) fn refusals() -> (RefusalReports, Refusals) {
    let stack = Arc::new(Stack::default());
    let (handshakes_in, handshakes) = rtrb::RingBuffer::new(HANDSHAKES);
    let refusals = Refusals {
        stack: Arc::clone(&stack),
        handshakes,
        refused: 0,
        told: 0,
        period_began: Monotonic::ZERO,
        last: Tally::default(),
        last_at: Monotonic::ZERO,
    };
    (RefusalReports { stack, handshakes: handshakes_in }, refusals)
}

impl RefusalReports {
    pub(super) fn failed_handshake(&mut self, from: SocketAddr, reason: &dyn std::fmt::Display) {
        self.stack.failed_handshakes.fetch_add(1, Ordering::Relaxed);
        if !self.handshakes.is_full() {
            // Not full: nobody else pushes.
            let _ = self.handshakes.push((from, format!("its handshake failed: {reason}")));
        }
    }

    pub(super) fn retry(&self) {
        self.stack.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped_datagram(&self) {
        self.stack.dropped_datagrams.fetch_add(1, Ordering::Relaxed);
    }
}

impl Refusals {
    pub(super) fn count(&mut self) {
        self.refused += 1;
    }

    /// Whether one more may be told now; it counts as told.
    pub(super) fn may_tell(&mut self, now: Monotonic) -> bool {
        if now.saturating_since(self.period_began) >= PERIOD {
            (self.told, self.period_began) = (0, now);
        }
        self.told = self.told.saturating_add(1);
        self.told <= TOLD_PER_PERIOD
    }

    pub(super) fn next_handshake(&mut self) -> Option<(SocketAddr, String)> {
        self.handshakes.pop().ok()
    }

    /// All that was counted, where it has changed, about once a second.
    pub(super) fn tally(&mut self, now: Monotonic) -> Option<Tally> {
        let tally = Tally {
            refused: self.refused,
            failed_handshakes: self.stack.failed_handshakes.load(Ordering::Relaxed),
            retries: self.stack.retries.load(Ordering::Relaxed),
            dropped_datagrams: self.stack.dropped_datagrams.load(Ordering::Relaxed),
        };
        if tally == self.last || now.saturating_since(self.last_at) < PERIOD {
            return None;
        }
        (self.last, self.last_at) = (tally, now);
        Some(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_ns(5_000_000_000 + ms * 1_000_000)
    }

    #[test]
    fn a_flood_is_told_in_part_and_counted_in_full() {
        let (mut reports, mut refusals) = refusals();
        let from: SocketAddr = (std::net::Ipv4Addr::LOCALHOST, 1).into();
        for number in 0..1_000 {
            reports.failed_handshake(from, &number);
        }
        let kept = std::iter::from_fn(|| refusals.next_handshake()).count();
        assert_eq!(kept, HANDSHAKES);
        let told = (0..1_000).filter(|_| {
            refusals.count();
            refusals.may_tell(at(0))
        });
        assert_eq!(told.count(), TOLD_PER_PERIOD as usize);
        assert!(refusals.may_tell(at(1_000)), "the next second has its own");
        let tally = Tally { refused: 1_000, failed_handshakes: 1_000, ..Tally::default() };
        assert_eq!(refusals.tally(at(1_000)), Some(tally));
        assert_eq!(refusals.tally(at(2_500)), None, "nothing new");
        reports.retry();
        reports.dropped_datagram();
        assert_eq!(refusals.tally(at(1_900)), None, "not within the second");
        let tally = Tally { retries: 1, dropped_datagrams: 1, ..tally };
        assert_eq!(refusals.tally(at(2_500)), Some(tally));
    }
}
