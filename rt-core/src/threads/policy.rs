//! The kernel's scheduling policies with their numbers, and what numbers it takes.

use std::time::Duration;

/// Scheduling policy of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The normal time-sharing policy; `nice` from -20 (favoured) to 19.
    Other {
        /// Niceness.
        nice: i32,
    },
    /// Real-time, runs until it blocks; priority 1 to 99.
    Fifo {
        /// Real-time priority.
        priority: i32,
    },
    /// Real-time with time slices among equals; priority 1 to 99.
    RoundRobin {
        /// Real-time priority.
        priority: i32,
    },
    /// Real-time, earliest deadline first, with a guaranteed and bounded running time. The kernel takes it only where
    /// all such threads together fit, and not for a thread that is pinned to fewer cores than its root domain has.
    Deadline {
        /// Running time per period, at least 1,024 ns.
        runtime: Duration,
        /// By when, from the start of each period, that running time is needed.
        deadline: Duration,
        /// Time between two starts.
        period: Duration,
    },
}

/// The shortest running time the kernel counts in: `DL_SCALE` of its `kernel/sched/deadline.c`, 2^10 ns.
const LEAST_RUNTIME: Duration = Duration::from_nanos(1 << 10);

/// Why the kernel would refuse a policy's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Outside the range of niceness.
    #[error("nice is {nice}; expected -20 (favoured) to 19")]
    Nice {
        /// What was asked for.
        nice: i32,
    },
    /// Outside the range of real-time priorities.
    #[error("the real-time priority is {priority}; expected 1 to 99")]
    Priority {
        /// What was asked for.
        priority: i32,
    },
    /// Less than the kernel counts in.
    #[error("the deadline policy's runtime is {runtime:?}; expected at least {LEAST_RUNTIME:?}")]
    Runtime {
        /// What was asked for.
        runtime: Duration,
    },
    /// The three times are not in order.
    #[error(
        "the deadline policy has runtime {runtime:?}, deadline {deadline:?} and period {period:?}; expected runtime <= \
         deadline <= period"
    )]
    Order {
        /// Running time asked for.
        runtime: Duration,
        /// Deadline asked for.
        deadline: Duration,
        /// Period asked for.
        period: Duration,
    },
    /// More than the kernel can represent.
    #[error("the deadline policy's period is {period:?}; expected less than 2^63 ns")]
    Period {
        /// What was asked for.
        period: Duration,
    },
}

impl Policy {
    /// Whether it goes before every time-sharing thread.
    #[must_use]
    pub const fn is_real_time(self) -> bool {
        !matches!(self, Self::Other { .. })
    }

    /// Checks the numbers by the kernel's own rules.
    ///
    /// # Errors
    /// [`PolicyError`], with the number and the range.
    ///
    /// ```
    /// use rt_core::threads::Policy;
    /// use std::time::Duration;
    /// let ms = Duration::from_millis;
    /// assert!(Policy::Deadline { runtime: ms(2), deadline: ms(5), period: ms(10) }.check().is_ok());
    /// let error = Policy::Deadline { runtime: ms(6), deadline: ms(5), period: ms(10) }.check().unwrap_err();
    /// assert!(error.to_string().contains("runtime 6ms, deadline 5ms and period 10ms"));
    /// ```
    pub const fn check(self) -> Result<(), PolicyError> {
        match self {
            Self::Other { nice } if nice < -20 || nice > 19 => Err(PolicyError::Nice { nice }),
            Self::Fifo { priority } | Self::RoundRobin { priority } if priority < 1 || priority > 99 => {
                Err(PolicyError::Priority { priority })
            }
            Self::Deadline { runtime, deadline, period } => {
                let (run, dead, every) = (runtime.as_nanos(), deadline.as_nanos(), period.as_nanos());
                if run < LEAST_RUNTIME.as_nanos() {
                    Err(PolicyError::Runtime { runtime })
                } else if run > dead || dead > every {
                    Err(PolicyError::Order { runtime, deadline, period })
                } else if every >= 1 << 63 {
                    Err(PolicyError::Period { period })
                } else {
                    Ok(())
                }
            }
            Self::Other { .. } | Self::Fifo { .. } | Self::RoundRobin { .. } => Ok(()),
        }
    }
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other { nice: 0 } => f.write_str("other"),
            Self::Other { nice } => write!(f, "other nice {nice}"),
            Self::Fifo { priority } => write!(f, "fifo {priority}"),
            Self::RoundRobin { priority } => write!(f, "rr {priority}"),
            Self::Deadline { runtime, deadline, period } => {
                write!(f, "deadline {runtime:?} within {deadline:?} every {period:?}")
            }
        }
    }
}
