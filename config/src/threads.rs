//! The core map: where each thread runs, how the kernel schedules it and how it waits.

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::within_if_given;

/// What to do where the kernel grants less than the core map asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Run with what there is and say so.
    BestEffort,
    /// Refuse to start.
    Strict,
}

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
}

/// How a thread waits for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Sleeps in the kernel at once.
    Futex,
    /// Spins for a short while, then sleeps; wants a core of its own.
    SpinThenFutex,
    /// Sleeps on sockets and timers.
    Epoll,
}

/// A policy with the one number that goes with it.
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
}

/// One role of the core map. Where a role has several threads (one per camera or service), all may use all of its
/// cores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct ThreadEntry {
    /// Cores the role's threads may run on, by the kernel's numbers (0 to 1023); `[]` for any that the process may use.
    #[garde(custom(distinct_cores))]
    pub cores: Vec<usize>,
    /// Scheduling policy; `fifo` and `rr` need CAP_SYS_NICE or a real-time limit.
    #[garde(custom(priority_fits(self.priority.is_some(), self.nice.is_some())))]
    pub policy: SchedulingPolicy,
    /// Real-time priority, 1 to 99; with `fifo` and `rr` only, which need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(1.0, 99.0, "")))]
    pub priority: Option<i32>,
    /// Niceness, -20 (favoured, needs CAP_SYS_NICE) to 19; with `other` only. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(-20.0, 19.0, "")))]
    pub nice: Option<i32>,
    /// How its threads wait.
    #[garde(skip)]
    pub wait: Wait,
}

impl ThreadEntry {
    /// Policy and number together.
    #[must_use]
    pub fn scheduling(&self) -> Scheduling {
        let priority = self.priority.unwrap_or(1);
        match self.policy {
            SchedulingPolicy::Other => Scheduling::Other { nice: self.nice.unwrap_or(0) },
            SchedulingPolicy::Fifo => Scheduling::Fifo { priority },
            SchedulingPolicy::Rr => Scheduling::RoundRobin { priority },
        }
    }
}

/// `CPU_SETSIZE` of the C library: the most cores an affinity mask of fixed size can name.
const MOST_CORES: usize = 1024;

fn distinct_cores(cores: &[usize], _: &()) -> garde::Result {
    for (index, core) in cores.iter().enumerate() {
        if *core >= MOST_CORES {
            return Err(garde::Error::new(format!("names core {core}; expected numbers from 0 to {}", MOST_CORES - 1)));
        }
        if cores.iter().take(index).any(|other| other == core) {
            return Err(garde::Error::new(format!("names core {core} twice; expected each core once")));
        }
    }
    Ok(())
}

fn priority_fits(priority: bool, nice: bool) -> impl Fn(&SchedulingPolicy, &()) -> garde::Result {
    move |policy, _| {
        let problem = match policy {
            SchedulingPolicy::Other if priority => {
                "is other, which has no `priority`; expected `nice` instead, or fifo"
            }
            SchedulingPolicy::Fifo | SchedulingPolicy::Rr if nice => {
                "is real-time, which has no `nice`; expected `priority` instead, or other"
            }
            SchedulingPolicy::Fifo | SchedulingPolicy::Rr if !priority => {
                "is real-time, which needs a `priority`; expected one from 1 to 99 beside it"
            }
            _ => return Ok(()),
        };
        Err(garde::Error::new(problem))
    }
}
