//! Many rings, each nearly in the order of time, become one stream that is.
//!
//! What is older than a watermark is given out in order; who tells of something older still is late. Between the two lie
//! the threads that had read the clock and not yet pushed, and hops that are told some time after they ended.
//!
//! Each source's events wait in a queue that is in order. What is due is taken out of the queues in slices of time, each
//! small enough to stay in a core's own cache, and sorted there: the standard library's stable sort finds the queues'
//! runs and merges them without a branch that a processor could guess wrong, where choosing the oldest of many queues
//! event by event guesses wrong at every second one.

use std::collections::VecDeque;

use rt_core::clock::Monotonic;

use super::{Event, LATE};

/// Events that may wait, in all: 64 MiB. With more, the watermark moves early.
pub const MOST_WAITING: usize = 1 << 21;

/// Events of one slice of time, about: 128 KiB, of which a sort wants half as much again.
const SLICE: usize = 4_096;

/// Events on their way to the log.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use telemetry::events::{Event, EventKind, Merge};
/// let at = |ns| Event::new(EventKind::Hop, Monotonic::from_ns(ns));
/// let mut merge = Merge::new(2);
/// [3, 9].into_iter().for_each(|ns| merge.push(0, at(ns)));
/// merge.extend(1, [1, 5].map(at));
/// let mut out = Vec::new();
/// merge.release(Monotonic::from_ns(6), |events| out.extend(events.iter().map(|event| event.at.as_ns())));
/// assert_eq!(out, [1, 3, 5]);
/// ```
#[derive(Debug)]
pub struct Merge {
    sources: Vec<VecDeque<Event>>,
    late: Vec<Event>,
    slice: Vec<Event>,
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
            slice: Vec::new(),
            waiting: 0,
            watermark: Monotonic::ZERO,
            came_late: 0,
        }
    }

    /// Takes an event of a source.
    pub fn push(&mut self, source: usize, event: Event) {
        self.extend(source, [event]);
    }

    /// Takes several events of a source, in the order in which it told them.
    pub fn extend(&mut self, source: usize, events: impl IntoIterator<Item = Event>) {
        let number = u16::try_from(source).unwrap_or(u16::MAX);
        let Some(queue) = self.sources.get_mut(source) else { return };
        let before = queue.len() + self.late.len();
        // Not before the watermark, so that one comparison settles the usual case.
        let mut newest = queue.back().map_or(self.watermark, |newest| newest.at.max(self.watermark));
        for event in events {
            let event = Event { source: number, ..event };
            if event.at >= newest {
                newest = event.at;
                queue.push_back(event);
            } else if event.at >= self.watermark {
                let place = queue.partition_point(|earlier| earlier.at <= event.at);
                queue.insert(place, event);
            } else {
                self.came_late += 1;
                self.late.push(Event { flags: event.flags | LATE, ..event });
            }
        }
        self.waiting += queue.len() + self.late.len() - before;
    }

    /// Whether there is no room for so many events more, so that some have to go early.
    #[must_use]
    pub const fn is_full(&self, more: usize) -> bool {
        self.waiting + more > MOST_WAITING
    }

    /// Gives out early as many as it takes for half to remain.
    pub fn relieve(&mut self, mut out: impl FnMut(&[Event])) {
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

    /// Gives out everything up to and including `until`, in order and many at a time; those that came late first.
    pub fn release(&mut self, until: Monotonic, mut out: impl FnMut(&[Event])) {
        if !self.late.is_empty() {
            out(&self.late);
            self.waiting -= self.late.len();
            self.late.clear();
        }
        while let Some((end, part)) = self.next_slice(until) {
            let mut runs = 0;
            for queue in &mut self.sources {
                let due = due(queue, end, part);
                if due > 0 {
                    runs += 1;
                    let (first, second) = queue.as_slices();
                    self.slice.extend_from_slice(first.get(..due).unwrap_or(first));
                    self.slice.extend_from_slice(second.get(..due.saturating_sub(first.len())).unwrap_or_default());
                    queue.drain(..due);
                }
            }
            if runs > 1 {
                self.slice.sort_by_key(|event| event.at);
            }
            out(&self.slice);
            self.waiting -= self.slice.len();
            self.slice.clear();
        }
        self.watermark = self.watermark.max(until);
    }

    /// The end of the next slice of time that has any events up to `until`, and how many of one source are in it about,
    /// at the most.
    fn next_slice(&self, until: Monotonic) -> Option<(Monotonic, usize)> {
        let is_due = |event: &&Event| event.at <= until;
        let sources = self.sources.iter().filter_map(|queue| queue.front()).filter(is_due).count();
        let part = SLICE.checked_div(sources)?.max(1);
        let ends = self.sources.iter().filter_map(|queue| queue.get(part)).filter(is_due);
        Some((ends.map(|event| event.at).min().unwrap_or(until), part))
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

/// How many of a queue's events are not after `end`; mostly not more than `about`, so that is where it looks.
fn due(queue: &VecDeque<Event>, end: Monotonic, about: usize) -> usize {
    let is_due = |place| queue.get(place).is_some_and(|event| event.at <= end);
    if is_due(about) {
        return queue.partition_point(|event| event.at <= end);
    }
    let (mut due, mut not_due) = (0, about.min(queue.len()));
    while due < not_due {
        let middle = due.midpoint(not_due);
        if is_due(middle) { due = middle + 1 } else { not_due = middle }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventKind;
    use proptest::prelude::*;

    fn at(ns: u64) -> Event {
        Event::new(EventKind::Hop, Monotonic::from_ns(ns))
    }

    /// What comes between two releases: sources with times in any order.
    fn told() -> impl Strategy<Value = Vec<(usize, Vec<u64>)>> {
        prop::collection::vec((0_usize..4, prop::collection::vec(0_u64..200, 1..6)), 0..12)
    }

    proptest! {
        #[test]
        fn all_come_out_once_in_order_and_only_the_late_are_not(
            steps in prop::collection::vec((told(), 0_u64..60), 1..20),
        ) {
            let mut merge = Merge::new(4);
            let (mut told, mut out, mut watermark, mut late) = (Vec::new(), Vec::new(), 0, 0);
            for (events, advance) in steps {
                for (source, times) in events {
                    let all: Vec<Event> = times.iter().zip(told.len() as u64..).map(|(&time, seq)| Event { seq, ..at(time) }).collect();
                    late += times.iter().filter(|&&time| time < watermark).count() as u64;
                    told.extend(all.iter().map(|event| event.seq));
                    merge.extend(source, all);
                }
                prop_assert_eq!(merge.waiting() + out.len(), told.len());
                watermark += advance;
                merge.release(Monotonic::from_ns(watermark), |events| out.extend_from_slice(events));
            }
            merge.release(Monotonic::from_ns(u64::MAX), |events| out.extend_from_slice(events));
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
    fn a_slice_never_cuts_events_of_one_instant_and_keeps_the_order_of_sources() {
        let mut merge = Merge::new(3);
        for source in 0..3 {
            // Runs of one instant that are longer than a slice.
            merge.extend(source, (0..3 * SLICE as u64).map(|seq| Event { seq, ..at(seq / (2 * SLICE as u64)) }));
        }
        let mut out = Vec::new();
        merge.release(Monotonic::from_ns(u64::MAX), |events| out.extend_from_slice(events));
        assert!(out.is_sorted_by_key(|event| (event.at, event.source, event.seq)));
        assert_eq!((out.len(), merge.waiting()), (9 * SLICE, 0));
    }

    #[test]
    fn slices_are_bounded_however_much_is_due() {
        let mut merge = Merge::new(4);
        for source in 0..4 {
            merge.extend(source, (0..10 * SLICE as u64).map(|time| at(4 * time + source as u64)));
        }
        let (mut most, mut last) = (0, Monotonic::ZERO);
        merge.release(Monotonic::from_ns(u64::MAX), |events| {
            most = most.max(events.len());
            assert!(events.is_sorted_by_key(|event| event.at) && events[0].at >= last);
            last = events[events.len() - 1].at;
        });
        assert!(most <= 2 * SLICE, "{most}");
    }

    #[test]
    fn too_many_go_early_and_in_order() {
        let mut merge = Merge::new(1);
        let mut out = Vec::new();
        let most = MOST_WAITING as u64;
        merge.extend(0, (0..most - 1).map(at));
        assert!(!merge.is_full(1) && merge.is_full(2));
        merge.push(0, at(most));
        assert!(merge.is_full(1));
        merge.relieve(|events| out.extend(events.iter().map(|event| event.at)));
        assert!(merge.waiting() <= MOST_WAITING / 2 && out.is_sorted());
        assert_eq!(merge.waiting() + out.len(), MOST_WAITING);
    }
}
