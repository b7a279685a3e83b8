//! Scheduling policies and the numbers that go with each.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ThreadEntry;

/// The kernel's scheduling policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchedulingPolicy {
    /// Time-sharing (`SCHED_OTHER`).
    Other,
    /// Real-time, runs until it blocks (`SCHED_FIFO`).
    Fifo,
    /// Real-time with time slices among equals (`SCHED_RR`).
    Rr,
    /// Real-time, earliest deadline first (`SCHED_DEADLINE`).
    Deadline,
}

/// A policy with the numbers that go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// `SCHED_OTHER`.
    Other {
        /// -20 (favoured) to 19.
        nice: i32,
    },
    /// `SCHED_FIFO`.
    Fifo {
        /// 1 to 99.
        priority: i32,
    },
    /// `SCHED_RR`.
    RoundRobin {
        /// 1 to 99.
        priority: i32,
    },
    /// `SCHED_DEADLINE`.
    Deadline {
        /// Running time per period.
        runtime: Duration,
        /// By when it is needed, from the start of each period.
        deadline: Duration,
        /// Time between two starts.
        period: Duration,
    },
}

/// Which numbers an entry gives.
pub(super) struct Given {
    priority: bool,
    nice: bool,
    /// `runtime_us`, `deadline_us` and `period_us`.
    times: [Option<u32>; 3],
}

impl Given {
    pub(super) const fn of(entry: &ThreadEntry) -> Self {
        Self {
            priority: entry.priority.is_some(),
            nice: entry.nice.is_some(),
            times: [entry.runtime_us, entry.deadline_us, entry.period_us],
        }
    }
}

/// The policy has the numbers it needs and none that it does not know.
pub(super) fn numbers_fit(given: Given) -> impl Fn(&SchedulingPolicy, &()) -> garde::Result {
    use SchedulingPolicy::{Deadline, Fifo, Other, Rr};
    move |policy, ()| {
        let some_time = given.times.iter().any(Option::is_some);
        let problem = match (policy, given.times) {
            (Other | Fifo | Rr, _) if some_time => {
                "has no `runtime_us`, `deadline_us` and `period_us`; expected those with deadline only"
            }
            (Other, _) if given.priority => "is other, which has no `priority`; expected `nice` instead, or fifo",
            (Fifo | Rr, _) if given.nice => "is real-time, which has no `nice`; expected `priority` instead, or other",
            (Fifo | Rr, _) if !given.priority => {
                "is real-time, which needs a `priority`; expected one from 1 to 99 beside it"
            }
            (Deadline, _) if given.priority || given.nice => {
                "is deadline, which has no `priority` and no `nice`; expected `runtime_us`, `deadline_us` and \
                 `period_us` instead"
            }
            (Deadline, [Some(runtime), Some(deadline), Some(period)]) => {
                if runtime > deadline || deadline > period {
                    return Err(garde::Error::new(format!(
                        "has runtime_us {runtime}, deadline_us {deadline} and period_us {period}; expected runtime_us \
                         <= deadline_us <= period_us"
                    )));
                }
                return Ok(());
            }
            (Deadline, _) => {
                "is deadline, which needs `runtime_us`, `deadline_us` and `period_us`; expected all three beside it"
            }
            (Other | Fifo | Rr, _) => return Ok(()),
        };
        Err(garde::Error::new(problem))
    }
}
