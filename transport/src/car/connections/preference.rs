//! Which of two uplinks that both answer is better, with hysteresis: a move costs the estimate its history, so it has
//! to be worth it for some time, and not to be taken back at once.
//!
//! The round trip is compared, because it is known of the uplink that stands by as well (from its pings), and because
//! an uplink that has become too slow for what is sent shows it there first.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// An uplink is clearly worse where its round trip is this many times the other's and this much more.
const WORSE_FACTOR: u32 = 2;
const WORSE_BY: Duration = Duration::from_millis(50);
/// For this long.
const WORSE_FOR: Duration = Duration::from_secs(2);
/// After a move, none follows for this long unless the uplink does not answer.
const REST: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Preference {
    worse_since: Option<Monotonic>,
    rest_until: Monotonic,
}

impl Preference {
    /// Whether frames should move from the uplink of round trip `active` to the one of `other`.
    pub(super) fn compare(&mut self, now: Monotonic, active: Duration, other: Duration) -> bool {
        if active <= other * WORSE_FACTOR + WORSE_BY {
            self.worse_since = None;
            return false;
        }
        self.worse_since.get_or_insert(now);
        self.due().is_some_and(|due| now >= due)
    }

    /// There is nothing to compare with.
    pub(super) fn alone(&mut self) {
        self.worse_since = None;
    }

    pub(super) fn moved(&mut self, now: Monotonic) {
        *self = Self { worse_since: None, rest_until: now.plus(REST) };
    }

    /// When an uplink that stays worse is left.
    pub(super) fn due(&self) -> Option<Monotonic> {
        self.worse_since.map(|since| since.plus(WORSE_FOR).max(self.rest_until))
    }
}
