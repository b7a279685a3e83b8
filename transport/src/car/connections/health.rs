//! Whether a connection's path answers: what was sent and has not been acknowledged, and for how long.

use std::time::Duration;

use rt_core::clock::Monotonic;

use super::Signs;

/// Unanswered for this long and three probe timeouts, a path is suspect (transport notes).
const SUSPECT: Duration = Duration::from_millis(500);
const SUSPECT_PROBES: u32 = 3;
/// The same where another connection stands by: to move wrongly costs little then.
const SUSPECT_WITH_SPARE: Duration = Duration::from_millis(150);
const SUSPECT_PROBES_WITH_SPARE: u32 = 2;
/// Unanswered for this long and four probe timeouts, it is dead. With the 500 ms that an idle path waits for its next
/// ping, a silent death is seen within 2 s.
const DEAD: Duration = Duration::from_millis(1_200);
const DEAD_PROBES: u32 = 4;

/// A probe timeout is believed up to four of the smallest round trips and this: a round trip that had a silence in it
/// must not hide the next one.
const MOST_PROBE: Duration = Duration::from_millis(250);

/// Follows one connection's acknowledgements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Health {
    sent_bytes: u64,
    acked_bytes: u64,
    probe_timeout: Duration,
    /// Since when something has been unanswered: the first packet sent after all was acknowledged, or the last
    /// acknowledgement that left something out.
    waiting_since: Option<Monotonic>,
}

impl Health {
    /// A connection that starts with these totals.
    pub(super) fn new(signs: &Signs) -> Self {
        Self {
            sent_bytes: signs.sent_bytes,
            acked_bytes: signs.acked_bytes,
            probe_timeout: believable(signs),
            waiting_since: None,
        }
    }

    pub(super) fn observe(&mut self, now: Monotonic, signs: &Signs) {
        if signs.acked_bytes != self.acked_bytes {
            self.waiting_since = (signs.in_flight_bytes > 0).then_some(now);
        } else if signs.sent_bytes != self.sent_bytes {
            // Bytes given up as lost leave nothing in flight, and are no answer: the wait goes on.
            self.waiting_since.get_or_insert(now);
        }
        (self.sent_bytes, self.acked_bytes) = (signs.sent_bytes, signs.acked_bytes);
        self.probe_timeout = believable(signs);
    }

    /// When it becomes suspect if nothing is heard.
    pub(super) fn suspect_at(&self, spare: bool) -> Option<Monotonic> {
        let (least, probes) =
            if spare { (SUSPECT_WITH_SPARE, SUSPECT_PROBES_WITH_SPARE) } else { (SUSPECT, SUSPECT_PROBES) };
        self.waiting_since.map(|since| since.plus(least.max(self.probe_timeout * probes)))
    }

    /// When it is dead if nothing is heard.
    pub(super) fn dead_at(&self) -> Option<Monotonic> {
        self.waiting_since.map(|since| since.plus(DEAD.max(self.probe_timeout * DEAD_PROBES)))
    }

    pub(super) fn is_suspect(&self, now: Monotonic, spare: bool) -> bool {
        self.suspect_at(spare).is_some_and(|at| now >= at)
    }

    pub(super) fn is_dead(&self, now: Monotonic) -> bool {
        self.dead_at().is_some_and(|at| now >= at)
    }
}

fn believable(signs: &Signs) -> Duration {
    signs.probe_timeout.min(signs.min_rtt * 4 + MOST_PROBE)
}
