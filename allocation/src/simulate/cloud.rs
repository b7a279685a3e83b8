//! The cloud's workers, by the rules of its gateway (`transport::gateway::schedule`): per service one frame runs and the
//! newest waits, earliest deadline first, and what the model's usual times say will be late is not begun.

use std::time::Duration;

/// Where nothing was begun for this long, a frame is although it is expected to be late.
const STARVATION: Duration = Duration::from_millis(250);

/// A frame that has arrived whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub service: usize,
    pub flight: usize,
    /// When its result has to leave.
    pub deadline: Duration,
    /// How long its model takes, 95th percentile.
    pub expected: Duration,
}

/// What becomes of a frame that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Run(Task),
    /// It would be late.
    Refused(Task),
}

#[derive(Debug)]
pub(super) struct Cloud {
    /// Workers that have nothing to do; without a number there is always one.
    free: Option<usize>,
    waiting: Vec<Option<Task>>,
    busy: Vec<bool>,
    last_begun: Duration,
}

impl Cloud {
    pub(super) fn new(services: usize, workers: Option<usize>) -> Self {
        Self { free: workers, waiting: vec![None; services], busy: vec![false; services], last_begun: Duration::ZERO }
    }

    /// A frame arrived; the one of its service that it takes the place of comes back.
    pub(super) fn submit(&mut self, task: Task) -> Option<Task> {
        self.waiting.get_mut(task.service)?.replace(task)
    }

    /// What happens next with the frames that wait; asked until there is nothing.
    pub(super) fn next(&mut self, now: Duration) -> Option<Verdict> {
        if self.free == Some(0) {
            return None;
        }
        let idle = self.busy.iter().all(|busy| !busy);
        let starving = idle && now.saturating_sub(self.last_begun) >= STARVATION;
        let late =
            |task: &Task| now >= task.deadline || (!starving && now.saturating_add(task.expected) > task.deadline);
        let may = |task: &&Task| late(task) || self.busy.get(task.service) == Some(&false);
        let next =
            self.waiting.iter().flatten().filter(may).min_by_key(|task| (task.deadline, task.flight)).copied()?;
        if let Some(place) = self.waiting.get_mut(next.service) {
            *place = None;
        }
        if late(&next) {
            return Some(Verdict::Refused(next));
        }
        if let Some(busy) = self.busy.get_mut(next.service) {
            *busy = true;
        }
        self.free = self.free.map(|free| free - 1);
        self.last_begun = now;
        Some(Verdict::Run(next))
    }

    /// The frame of a service that ran is done.
    pub(super) fn finished(&mut self, service: usize) {
        if let Some(busy) = self.busy.get_mut(service) {
            *busy = false;
        }
        self.free = self.free.map(|free| free + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn task(service: usize, flight: usize, deadline_ms: u32) -> Task {
        Task { service, flight, deadline: deadline_ms * MS, expected: 40 * MS }
    }

    #[test]
    fn the_earliest_deadline_goes_first_and_one_frame_of_a_service_at_a_time() {
        let mut cloud = Cloud::new(2, Some(1));
        let (late, soon) = (task(0, 0, 150), task(1, 1, 100));
        assert_eq!((cloud.submit(late), cloud.submit(soon)), (None, None));
        assert_eq!(cloud.next(Duration::ZERO), Some(Verdict::Run(soon)));
        assert_eq!(cloud.next(Duration::ZERO), None, "the one worker is busy");
        let newer = task(1, 2, 180);
        assert_eq!(cloud.submit(newer), None);
        cloud.finished(1);
        assert_eq!(cloud.next(40 * MS), Some(Verdict::Run(late)));
        let mut cloud = Cloud::new(1, None);
        assert_eq!(cloud.submit(task(0, 0, 100)), None);
        assert_eq!(cloud.next(Duration::ZERO), Some(Verdict::Run(task(0, 0, 100))));
        assert_eq!(cloud.submit(task(0, 1, 200)), None);
        assert_eq!(cloud.next(10 * MS), None, "its service is busy");
        assert_eq!(cloud.submit(task(0, 2, 200)), Some(task(0, 1, 200)), "only the newest waits");
    }

    #[test]
    fn what_will_be_late_is_refused_unless_nothing_runs_for_long() {
        let mut cloud = Cloud::new(2, Some(1));
        cloud.submit(task(0, 0, 130));
        assert_eq!(cloud.next(100 * MS), Some(Verdict::Refused(task(0, 0, 130))));
        cloud.submit(task(0, 1, 330));
        assert_eq!(cloud.next(300 * MS), Some(Verdict::Run(task(0, 1, 330))), "nothing has run for 300 ms");
        cloud.submit(task(0, 2, 430));
        cloud.finished(0);
        assert_eq!(cloud.next(430 * MS), Some(Verdict::Refused(task(0, 2, 430))), "its time is over");
    }
}
