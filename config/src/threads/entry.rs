//! One entry of the core map.

use std::time::Duration;

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::policy::{Given, numbers_fit};
use super::{Role, Scheduling, SchedulingPolicy};
use crate::limits::within_if_given;

/// How a thread waits for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Sleeps in the kernel at once.
    Futex,
    /// Spins for a short while, then sleeps; wants a core of its own.
    SpinThenFutex,
    /// Spins throughout; wants a core of its own. A real-time thread sleeps before the kernel would stop it.
    Spin,
    /// Sleeps on sockets and timers.
    Epoll,
}

/// What the loss of a thread means: it ended, or gave no sign of life for `heartbeat_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// The process goes on without it, degraded.
    Degrade,
    /// The process stops in order and fails.
    Fault,
}

/// One role of the core map. Where a role has several threads (one per camera or service), all may use all of its
/// cores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct ThreadEntry {
    /// Cores the role's threads may run on, by the kernel's numbers (0 to 1023); `[]` for any that the process may use.
    #[garde(custom(distinct_cores))]
    pub cores: Vec<usize>,
    /// Scheduling policy; `fifo`, `rr` and `deadline` need CAP_SYS_NICE, the first two or a real-time limit. The kernel
    /// refuses a `deadline` thread that is pinned to some of the cores only.
    #[garde(custom(numbers_fit(Given::of(self))))]
    pub policy: SchedulingPolicy,
    /// Real-time priority, 1 to 99; with `fifo` and `rr` only, which need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(1.0, 99.0, "")))]
    pub priority: Option<i32>,
    /// Niceness, -20 (favoured, needs CAP_SYS_NICE) to 19; with `other` only. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(-20.0, 19.0, "")))]
    pub nice: Option<i32>,
    /// Running time per period, 2 to 4000000 µs; with `deadline` only, which needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(2.0, 4_000_000.0, "us")))]
    pub runtime_us: Option<u32>,
    /// By when that running time is needed, from the start of each period; with `deadline` only, which needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(2.0, 4_000_000.0, "us")))]
    pub deadline_us: Option<u32>,
    /// Time between two starts, 100 to 4000000 µs, which are the kernel's bounds; with `deadline` only, which needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(100.0, 4_000_000.0, "us")))]
    pub period_us: Option<u32>,
    /// How its threads wait. Default `spin_then_futex`, and `epoll` for those that wait on sockets, which wait in no
    /// other way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub wait: Option<Wait>,
    /// How long a wait spins before it sleeps, 1 to 10000 µs; with `spin_then_futex` only. Default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(1.0, 10_000.0, "us")), custom(only_before_a_sleep(self.wait)))]
    pub spin_us: Option<u32>,
    /// Size of each thread's stack, 64 to 1048576 KiB, all of it touched at the start. Default 2048.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(64.0, 1_048_576.0, "KiB")))]
    pub stack_kib: Option<u32>,
    /// Its threads have to give a sign of life within this time, 100 to 600000 ms. Default 5000, and 30000 for those
    /// that compute or write for long at a time (detector, worker, collector).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(100.0, 600_000.0, "ms")))]
    pub heartbeat_ms: Option<u32>,
    /// What it means if one of its threads is lost. Default `fault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub on_loss: Option<OnLoss>,
}

impl ThreadEntry {
    /// Policy and numbers together.
    #[must_use]
    pub fn scheduling(&self) -> Scheduling {
        let priority = self.priority.unwrap_or(1);
        let time = |us: Option<u32>| Duration::from_micros(us.unwrap_or(0).into());
        match self.policy {
            SchedulingPolicy::Other => Scheduling::Other { nice: self.nice.unwrap_or(0) },
            SchedulingPolicy::Fifo => Scheduling::Fifo { priority },
            SchedulingPolicy::Rr => Scheduling::RoundRobin { priority },
            SchedulingPolicy::Deadline => Scheduling::Deadline {
                runtime: time(self.runtime_us),
                deadline: time(self.deadline_us),
                period: time(self.period_us),
            },
        }
    }

    /// How a thread of `role` waits.
    #[must_use]
    pub fn waits(&self, role: Role) -> Wait {
        self.wait.unwrap_or(if role.waits_on_sockets() { Wait::Epoll } else { Wait::SpinThenFutex })
    }

    /// Within which time a thread of `role` has to give a sign of life.
    #[must_use]
    pub fn heartbeat(&self, role: Role) -> Duration {
        self.heartbeat_ms.map_or(role.default_heartbeat(), |ms| Duration::from_millis(ms.into()))
    }

    /// What the loss of one of its threads means.
    #[must_use]
    pub fn on_loss(&self) -> OnLoss {
        self.on_loss.unwrap_or(OnLoss::Fault)
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

fn only_before_a_sleep(wait: Option<Wait>) -> impl Fn(&Option<u32>, &()) -> garde::Result {
    move |spin, ()| match (spin, wait) {
        (Some(_), Some(Wait::Futex | Wait::Spin | Wait::Epoll)) => {
            Err(garde::Error::new("is for spin_then_futex; expected that as `wait`, or no `spin_us`"))
        }
        _ => Ok(()),
    }
}
