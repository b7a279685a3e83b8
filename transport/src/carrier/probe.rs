//! How much junk the prototype sends to find out what the link would carry: a pure schedule.
//!
//! Its numbers are those of the prototype's published sources and of the configuration they come with: what the window
//! over the round trip leaves beyond the services' shares, told every 500 ms and at most 25 MB/s, is sent on a stream of
//! its own every 100 ms.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// Whether a car of the prototype's discipline probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Probe {
    /// It does not.
    #[default]
    None,
    /// With all that the window over the round trip leaves, beside the frames.
    Fill,
    /// At no more than 0.5 Mbit/s, and only once no frame was sent for 500 ms: as the published configuration has it.
    Idle,
}

/// Time between two pieces of junk.
const PERIOD: Duration = Duration::from_millis(100);
/// Time between two looks at what may be sent.
const POLL: Duration = Duration::from_millis(200);
/// Time between two looks at what the window leaves.
const UPDATE: Duration = Duration::from_millis(500);
/// Junk is never more than this, bytes per second.
const MOST_BYTES_PER_S: f64 = 25e6;
/// Nor, where it waits for an idle link, than this: 0.5 Mbit/s.
const MOST_IDLE_BYTES_PER_S: f64 = 62_500.0;
/// How long no frame was sent on a link that is idle.
const IDLE: Duration = Duration::from_millis(500);

/// The schedule of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProbeSchedule {
    probe: Probe,
    /// What the window leaves, bytes per second, and when that was seen.
    left: f64,
    seen_at: Monotonic,
    /// What may be sent, bytes per second, and when that was decided.
    rate: f64,
    decided_at: Monotonic,
    sent_at: Monotonic,
    frame_at: Monotonic,
}

impl ProbeSchedule {
    /// `None` where there is no probe.
    pub(crate) fn new(probe: Probe, now: Monotonic) -> Option<Self> {
        let fresh = Self {
            probe,
            left: 0.0,
            seen_at: Monotonic::ZERO,
            rate: 0.0,
            decided_at: Monotonic::ZERO,
            sent_at: now,
            frame_at: now,
        };
        (probe != Probe::None).then_some(fresh)
    }

    /// A frame was sent.
    pub(crate) fn frame(&mut self, now: Monotonic) {
        self.frame_at = now;
    }

    /// When the next piece is due.
    pub(crate) fn due(&self) -> Monotonic {
        self.sent_at.plus(PERIOD)
    }

    /// How many bytes of junk go now, where the path is said to carry `path` bytes per second and the services are given
    /// `shares` of them.
    pub(crate) fn next(&mut self, now: Monotonic, path: f64, shares: f64) -> usize {
        if now < self.due() {
            return 0;
        }
        if now.saturating_since(self.seen_at) >= UPDATE {
            let left = path - shares;
            self.left = if left.is_finite() { left.clamp(0.0, MOST_BYTES_PER_S) } else { 0.0 };
            self.seen_at = now;
        }
        if now.saturating_since(self.decided_at) >= POLL {
            self.rate = match self.probe {
                Probe::None => 0.0,
                Probe::Fill => self.left,
                Probe::Idle if now.saturating_since(self.frame_at) < IDLE => 0.0,
                Probe::Idle => self.left.min(MOST_IDLE_BYTES_PER_S),
            };
            self.decided_at = now;
        }
        self.sent_at = now;
        (self.rate * PERIOD.as_secs_f64()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Bytes per second over two seconds on a path said to carry 1 MB/s, with a frame every `frames`.
    fn sent(probe: Probe, path: f64, frames: Duration) -> f64 {
        let start = Monotonic::from_ns(1_000_000_000);
        let mut schedule = ProbeSchedule::new(probe, start).unwrap();
        let mut bytes = 0;
        for ms in 0..2_000 {
            let now = start.plus(ms * MS);
            if (ms * MS).as_nanos().is_multiple_of(frames.as_nanos()) {
                schedule.frame(now);
            }
            bytes += schedule.next(now, path, 400_000.0);
        }
        bytes as f64 / 2.0
    }

    #[test]
    fn a_probe_that_fills_takes_what_the_shares_leave_and_no_more_than_its_most() {
        assert!(ProbeSchedule::new(Probe::None, Monotonic::ZERO).is_none());
        let near = |rate: f64, wanted: f64| (rate - wanted).abs() <= 0.06 * wanted;
        assert!(near(sent(Probe::Fill, 1e6, 100 * MS), 600_000.0));
        assert!(near(sent(Probe::Fill, 1e9, 100 * MS), MOST_BYTES_PER_S));
        assert!(sent(Probe::Fill, 300_000.0, 100 * MS) <= 0.0, "nothing is left");
        assert!(sent(Probe::Fill, f64::NAN, 100 * MS) <= 0.0, "nothing is known");
    }

    #[test]
    fn a_probe_for_an_idle_link_waits_for_one() {
        assert!(sent(Probe::Idle, 1e6, 100 * MS) <= 0.0, "ten frames a second");
        let idle = sent(Probe::Idle, 1e6, 10_000 * MS);
        assert!((0.6..=0.8).contains(&(idle / MOST_IDLE_BYTES_PER_S)), "{idle}: all but the first 500 to 700 ms");
    }
}
