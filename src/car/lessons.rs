//! What became of the frames that were sent, as the policy learns from it: under which allocation each was sent, and by
//! how much it was in time.

use std::collections::VecDeque;
use std::time::Duration;

use allocation::allocation::ServiceAllocation;
use allocation::policy::Lesson;
use rt_core::clock::Monotonic;
use telemetry::names::NameId;

use super::status::MOST_SERVICES;

/// Allocations remembered at least.
const LEAST: usize = 256;
/// The estimate may move so often, and each time the uplink is divided anew.
const SHORTEST: Duration = Duration::from_millis(5);
/// A frame is told of at its deadline, and at most so much later.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// A frame that was given to the transport.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// When its encoder took it up, under the allocation of that moment.
    pub taken: Monotonic,
    /// The configuration it was sent in.
    pub config: NameId,
    /// Where the cloud's answer decided: time on the uplink, waiting and a round trip included, and what was left of the
    /// deadline.
    pub answered: Option<(Duration, Duration)>,
}

/// The allocations of the last while. Allocates nothing after it was made.
pub struct Lessons {
    given: VecDeque<(Monotonic, heapless::Vec<(NameId, ServiceAllocation), MOST_SERVICES>)>,
    most: usize,
}

impl Lessons {
    /// Room for what a frame may have been sent under whose service has at most `longest` from capture to decision.
    #[must_use]
    pub fn new(longest: Duration) -> Self {
        let most = longest.saturating_add(TOLD_WITHIN).as_nanos().div_ceil(SHORTEST.as_nanos());
        let most = usize::try_from(most).unwrap_or(LEAST).max(LEAST);
        Self { given: VecDeque::with_capacity(most), most }
    }

    /// From `at` on every service sends so: its configuration, and what the allocation said of it.
    pub fn allocated(&mut self, at: Monotonic, given: impl Iterator<Item = (NameId, ServiceAllocation)>) {
        if self.given.len() == self.most {
            self.given.pop_front();
        }
        self.given.push_back((at, given.take(MOST_SERVICES).collect()));
    }

    /// What a frame of `service` (from 1) teaches, decided `margin` before its deadline over a path of round trip `rtt`;
    /// `None` for a probe, and where its allocation is not remembered.
    pub fn of(&self, service: u16, sent: &Sent, margin: Duration, rtt: Duration) -> Option<Lesson> {
        let (_, given) = self.given.iter().rev().find(|(at, _)| *at <= sent.taken)?;
        let (config, given) = given.get(usize::from(service).checked_sub(1)?)?;
        if *config != sent.config || given.need <= 0.0 {
            return None;
        }
        let in_time = sent.answered.filter(|(_, left)| *left >= margin);
        Some(in_time.map_or(Lesson::missed(given), |(spent, _)| Lesson::in_time(given, spent.saturating_sub(rtt))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::names::Names;

    #[test]
    fn a_frame_teaches_of_the_allocation_it_was_sent_under() {
        let (names, ms) = (Names::default(), Duration::from_millis(1));
        let (small, large) = (names.intern("small"), names.intern("large"));
        let at = |step: u32| Monotonic::from_ns(1_000_000_000).plus(ms * step);
        let mut lessons = Lessons::new(Duration::from_millis(200));
        let given = |need: f64| ServiceAllocation { choice: Some(0), rate_bps: 0.0, need, uplink_s: 0.1 * need };
        lessons.allocated(at(10), [(small, given(0.5)), (large, given(0.8))].into_iter());
        lessons.allocated(at(20), [(large, given(0.9)), (large, given(1.2))].into_iter());
        let sent = |step, config, answered| Sent { taken: at(step), config, answered };
        let of = |service, sent| lessons.of(service, &sent, 10 * ms, 50 * ms);
        // 60 ms on the uplink beside the round trip.
        let early = of(1, sent(15, small, Some((110 * ms, 40 * ms))));
        assert_eq!(early, Some(Lesson::in_time(&given(0.5), 60 * ms)));
        assert_eq!(of(2, sent(25, large, None)), Some(Lesson::missed(&given(1.2))));
        assert_eq!(of(2, sent(25, large, Some((110 * ms, 5 * ms)))), Some(Lesson::missed(&given(1.2))), "too late");
        assert_eq!(of(1, sent(25, small, None)), None, "a probe, or one of before");
        assert_eq!(of(1, sent(5, small, None)), None, "nothing is remembered of then");
        assert_eq!(of(3, sent(25, large, None)), None);
        assert_eq!(of(0, sent(25, large, None)), None);
    }

    #[test]
    fn a_frame_with_a_long_objective_is_still_known_when_it_is_given_up() {
        let (names, longest) = (Names::default(), Duration::from_secs(10));
        let config = names.intern("small");
        let mut lessons = Lessons::new(longest);
        let start = Monotonic::from_ns(1_000_000_000);
        for step in 0..2000 {
            let given = ServiceAllocation { need: 0.5, ..ServiceAllocation::default() };
            lessons.allocated(start.plus(SHORTEST * step), std::iter::once((config, given)));
        }
        let sent = Sent { taken: start.plus(SHORTEST), config, answered: None };
        assert!(lessons.of(1, &sent, Duration::ZERO, Duration::ZERO).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let names = Names::default();
        let config = names.intern("small");
        let mut lessons = Lessons::new(Duration::ZERO);
        for step in 1..=LEAST as u64 + 1 {
            lessons.allocated(
                Monotonic::from_ns(step),
                std::iter::once((config, ServiceAllocation { need: 0.5, ..ServiceAllocation::default() })),
            );
        }
        assert_eq!(lessons.given.len(), LEAST);
        let sent = |taken| Sent { taken: Monotonic::from_ns(taken), config, answered: None };
        assert!(lessons.of(1, &sent(1), Duration::ZERO, Duration::ZERO).is_none());
        assert!(lessons.of(1, &sent(2), Duration::ZERO, Duration::ZERO).is_some());
    }
}
