//! Policies, set and read back through `sched_setattr` and `sched_getattr`, which know all of them.

use std::time::Duration;

use super::{Difference, Lacking, Policy, lacking};

/// The `SCHED_DEADLINE` of the kernel's `uapi/linux/sched.h`.
const SCHED_DEADLINE: u32 = 6;

/// How late a time-sharing thread's timed sleep may end by the kernel's leave, in nanoseconds; its default is 50 µs, to
/// gather wake-ups. Sleeps of 1 ms ended 89 µs late with it and 35 µs late without (medians on a two-core virtual
/// machine). Real-time threads have no slack anyway.
const TIMER_SLACK_NS: libc::c_ulong = 1;

impl Policy {
    /// The calling thread's policy, as the kernel has it.
    #[must_use]
    pub fn of_this_thread() -> Self {
        let mut found = nothing();
        // SAFETY: `found` is a writable sched_attr of the size given; 0 names the calling thread.
        let done = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut found, found.size, 0) } == 0;
        let priority = i32::try_from(found.sched_priority).unwrap_or(0);
        match i32::try_from(found.sched_policy) {
            Ok(libc::SCHED_FIFO) if done => Self::Fifo { priority },
            Ok(libc::SCHED_RR) if done => Self::RoundRobin { priority },
            _ if done && found.sched_policy == SCHED_DEADLINE => Self::Deadline {
                runtime: Duration::from_nanos(found.sched_runtime),
                deadline: Duration::from_nanos(found.sched_deadline),
                period: Duration::from_nanos(found.sched_period),
            },
            _ => Self::Other { nice: found.sched_nice },
        }
    }
}

/// Gives the calling thread `wanted`, or says why not.
pub(super) fn set_policy(wanted: Policy, differences: &mut Vec<Difference>) {
    if let Err((reason, lacking)) = set(wanted) {
        differences.push(Difference::Policy { wanted, reason, lacking });
        return;
    }
    let found = Policy::of_this_thread();
    if found != wanted {
        differences.push(Difference::ReadBack { wanted, found });
    }
    if !wanted.is_real_time() {
        // SAFETY: a plain system call without pointers. It cannot fail, and if it did, timers would be as late as ever.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0) };
    }
}

fn set(wanted: Policy) -> Result<(), (String, Lacking)> {
    let mut asked = nothing();
    // Threads that this one starts (an inference engine's) are time-sharing again.
    let reset = libc::SCHED_FLAG_RESET_ON_FORK as u64;
    match wanted {
        Policy::Other { nice } => asked.sched_nice = nice,
        Policy::Fifo { priority } => {
            asked.sched_policy = libc::SCHED_FIFO as u32;
            asked.sched_priority = u32::try_from(priority).unwrap_or(0);
            asked.sched_flags = reset;
        }
        Policy::RoundRobin { priority } => {
            asked.sched_policy = libc::SCHED_RR as u32;
            asked.sched_priority = u32::try_from(priority).unwrap_or(0);
            asked.sched_flags = reset;
        }
        Policy::Deadline { runtime, deadline, period } => {
            asked.sched_policy = SCHED_DEADLINE;
            asked.sched_flags = reset;
            asked.sched_runtime = nanoseconds(runtime);
            asked.sched_deadline = nanoseconds(deadline);
            asked.sched_period = nanoseconds(period);
        }
    }
    // SAFETY: `asked` is a readable sched_attr that says its own size; 0 names the calling thread, and no flags.
    if unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const asked, 0) } == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    let lacking = match wanted {
        Policy::Other { nice } => lacking::for_nice(nice),
        Policy::Fifo { priority } | Policy::RoundRobin { priority } => lacking::for_priority(priority),
        Policy::Deadline { .. } => lacking::for_deadline(&error),
    };
    Err((error.to_string(), lacking))
}

fn nothing() -> libc::sched_attr {
    libc::sched_attr {
        size: u32::try_from(size_of::<libc::sched_attr>()).unwrap_or(0),
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
