//! Many rings, each nearly in the order of time, become one stream that is.
//!
//! What is older than a watermark is given out in order; who tells of something older still is late. Between the two lie
//! the threads that had read the clock and not yet pushed, and hops that are told some time after they ended.

use std::collections::VecDeque;

use rt_core::clock::Monotonic;

use super::{Event, LATE};

/// Events that may wait, in all: 32 MiB. With more, the watermark moves early.
pub const MOST_WAITING: usize = 1 << 20;

/// Events on their way to the log.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use telemetry::events::{Event, EventKind, Merge};
/// let at = |ns| Event::new(EventKind::Hop, Monotonic::from_ns(ns));
/// let mut merge = Merge::new(2);
/// [3, 9].into_iter().for_each(|ns| merge.push(0, at(ns)));
/// [1, 5].into_iter().for_each(|ns| merge.push(1, at(ns)));
/// let mut out = Vec::new();
/// merge.release(Monotonic::from_ns(6), |event| out.push(event.at.as_ns()));
/// assert_eq!(out, [1, 3, 5]);
/// ```
#[derive(Debug)]
pub struct Merge {
    sources: Vec<VecDeque<Event>>,
    late: Vec<Event>,
    waiting: usize,
    watermark: Monotonic,
    came_late: u64,
}

impl Merge {
    /// For so many sources.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        Self {
            sources: (0..sources).map(|_| VecDeque::new()).collect(),
            late: Vec::new(),
            waiting: 0,
            watermark: Monotonic::ZERO,
            came_late: 0,
        }
    }

    /// Takes an event of a source.
    pub fn push(&mut self, source: usize, mut event: Event) {
        event.source = u16::try_from(source).unwrap_or(u16::MAX);
        if event.at < self.watermark {
            event.flags |= LATE;
            self.came_late += 1;
            self.late.push(event);
            self.waiting += 1;
            return;
        }
        let Some(queue) = self.sources.get_mut(source) else { return };
        self.waiting += 1;
        if queue.back().is_none_or(|newest| newest.at <= event.at) {
            queue.push_back(event);
        } else {
            let place = queue.partition_point(|earlier| earlier.at <= event.at);
            queue.insert(place, event);
        }
    }

    /// Whether so many wait that some have to go early.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.waiting >= MOST_WAITING
    }

    /// Gives out early as many as it takes for half to remain.
    pub fn relieve(&mut self, mut out: impl FnMut(&Event)) {
        while self.waiting > MOST_WAITING / 2 {
            let oldest = self.sources.iter().filter_map(|queue| queue.front()).map(|event| event.at).min();
            let newest = self.sources.iter().filter_map(|queue| queue.back()).map(|event| event.at).max();
            let middle = match oldest.zip(newest) {
                Some((oldest, newest)) => oldest.plus(newest.saturating_since(oldest) / 2),
                None => self.watermark,
            };
            self.release(middle, &mut out);
        }
    }

    /// Gives out everything up to and including `until`, in order; those that came late first.
    pub fn release(&mut self, until: Monotonic, mut out: impl FnMut(&Event)) {
        self.waiting -= self.late.len();
        self.late.drain(..).for_each(|event| out(&event));
        // Threads tell in bursts, so the next events are mostly of the same source: look at the others only when it has
        // caught up with them.
        while let Some((source, limit)) = self.next_run(until) {
            let Some(queue) = self.sources.get_mut(source) else { break };
            while let Some(event) = queue.pop_front_if(|event| event.at <= limit) {
                self.waiting -= 1;
                out(&event);
            }
        }
        self.watermark = self.watermark.max(until);
    }

    /// The source whose event is the oldest, and until when it stays that.
    fn next_run(&self, until: Monotonic) -> Option<(usize, Monotonic)> {
        let mut first: Option<(usize, Monotonic)> = None;
        let mut second = until;
        for (source, queue) in self.sources.iter().enumerate() {
            let Some(at) = queue.front().map(|event| event.at).filter(|at| *at <= until) else { continue };
            match first {
                Some((_, oldest)) if at >= oldest => second = second.min(at),
                _ => {
                    if let Some((_, oldest)) = first {
                        second = second.min(oldest);
                    }
                    first = Some((source, at));
                }
            }
        }
        first.map(|(source, _)| (source, second))
    }

    /// Until when everything was given out.
    #[must_use]
    pub const fn watermark(&self) -> Monotonic {
        self.watermark
    }

    /// Events that came after their place had been given out.
    #[must_use]
    pub const fn came_late(&self) -> u64 {
        self.came_late
    }

    /// Events that wait.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventKind;
    use proptest::prelude::*;

    fn at(ns: u64) -> Event {
        Event::new(EventKind::Hop, Monotonic::from_ns(ns))
    }

    proptest! {
        #[test]
        fn all_come_out_once_in_order_and_only_the_late_are_not(
            steps in prop::collection::vec((prop::collection::vec((0_usize..4, 0_u64..200), 0..30), 0_u64..60), 1..20),
        ) {
            let mut merge = Merge::new(4);
            let (mut told, mut out, mut watermark, mut late) = (Vec::new(), Vec::new(), 0, 0);
            for (events, advance) in steps {
                for (source, time) in events {
                    late += u64::from(time < watermark);
                    let seq = told.len() as u64;
                    told.push(seq);
                    merge.push(source, Event { seq, ..at(time) });
                }
                watermark += advance;
                merge.release(Monotonic::from_ns(watermark), |event| out.push(*event));
            }
            merge.release(Monotonic::from_ns(u64::MAX), |event| out.push(*event));
            prop_assert_eq!(merge.waiting(), 0);
            prop_assert_eq!(merge.came_late(), late);
            let mut seen: Vec<u64> = out.iter().map(|event| event.seq).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, told);
            let in_time: Vec<_> = out.iter().filter(|event| event.flags & LATE == 0).map(|event| event.at).collect();
            prop_assert!(in_time.is_sorted());
            prop_assert_eq!(out.len() - in_time.len(), usize::try_from(late).unwrap());
        }
    }

    #[test]
    fn too_many_go_early_and_in_order() {
        let mut merge = Merge::new(1);
        let mut out = Vec::new();
        for time in 0..MOST_WAITING as u64 {
            assert!(!merge.is_full());
            merge.push(0, at(time));
        }
        assert!(merge.is_full());
        merge.relieve(|event| out.push(event.at));
        assert!(merge.waiting() <= MOST_WAITING / 2 && out.is_sorted());
        assert_eq!(merge.waiting() + out.len(), MOST_WAITING);
    }
}
