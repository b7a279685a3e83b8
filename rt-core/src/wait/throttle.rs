//! What the kernel lets a thread have of its core before it stops it, and the part of that left to spinning.

use std::time::Duration;

use crate::threads::Policy;

/// The share of its allowance that a thread may spin away; the other half is for its work, and for real-time threads of
/// the same core that do not spin.
const SPINNING_PART: u32 = 2;

/// The kernel's defaults of `sched_rt_runtime_us` and `sched_rt_period_us`.
const KERNEL_DEFAULT: Throttle =
    Throttle { runtime: Duration::from_micros(950_000), period: Duration::from_micros(1_000_000) };

/// Running time allowed per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// The most running time of all real-time threads of a core (of the thread itself, under the deadline policy).
    pub runtime: Duration,
    /// Per this time.
    pub period: Duration,
}

impl Throttle {
    /// The bound that a thread of `policy` is under here; `None` where the kernel stops nobody for running.
    ///
    /// Reads `sched_rt_runtime_us` and `sched_rt_period_us` of `/proc/sys/kernel`. Where throttling is switched off
    /// (-1) or cannot be read, the kernel's default holds: a thread that spins without end starves its core then.
    #[must_use]
    pub fn of(policy: Policy) -> Option<Self> {
        match policy {
            Policy::Other { .. } => None,
            Policy::Deadline { runtime, period, .. } => Some(Self { runtime, period }),
            Policy::Fifo { .. } | Policy::RoundRobin { .. } => {
                let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok();
                Some(Self::parse(read("sched_rt_runtime_us").as_deref(), read("sched_rt_period_us").as_deref()))
            }
        }
    }

    /// From the texts of the two files.
    pub(super) fn parse(runtime_us: Option<&str>, period_us: Option<&str>) -> Self {
        let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u64>().ok()).filter(|&us| us > 0);
        match (number(runtime_us), number(period_us)) {
            (Some(runtime), Some(period)) => {
                Self { runtime: Duration::from_micros(runtime.min(period)), period: Duration::from_micros(period) }
            }
            _ => KERNEL_DEFAULT,
        }
    }

    /// The part of every period that one of `sharers` spinning threads of a core may spin.
    ///
    /// ```
    /// use rt_core::wait::Throttle;
    /// use std::time::Duration;
    /// let throttle = Throttle { runtime: Duration::from_millis(950), period: Duration::from_secs(1) };
    /// assert_eq!(throttle.spin_share(1), Duration::from_millis(475));
    /// assert_eq!(throttle.spin_share(5), Duration::from_millis(95));
    /// ```
    #[must_use]
    pub fn spin_share(self, sharers: u32) -> Duration {
        self.runtime / SPINNING_PART / sharers.max(1)
    }
}
