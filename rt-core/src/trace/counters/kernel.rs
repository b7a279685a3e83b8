//! What the kernel counted for the calling thread.

use super::KernelCounter;

/// Reads every [`KernelCounter`] of the calling thread; one system call, less than a microsecond.
pub(super) fn of_this_thread() -> [u64; KernelCounter::COUNT] {
    // SAFETY: an all-zero `rusage` is valid: plain integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a valid, writable rusage; RUSAGE_THREAD is known to every Linux since 2.6.26, and nothing else
    // can fail.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    let mut counts = [0; KernelCounter::COUNT];
    for (&counter, count) in KernelCounter::ALL.iter().zip(&mut counts) {
        *count = match counter {
            KernelCounter::VoluntarySwitches => u64::try_from(usage.ru_nvcsw).unwrap_or(0),
            KernelCounter::InvoluntarySwitches => u64::try_from(usage.ru_nivcsw).unwrap_or(0),
            KernelCounter::MinorFaults => u64::try_from(usage.ru_minflt).unwrap_or(0),
            KernelCounter::MajorFaults => u64::try_from(usage.ru_majflt).unwrap_or(0),
            KernelCounter::CpuUser => nanoseconds(usage.ru_utime),
            KernelCounter::CpuSystem => nanoseconds(usage.ru_stime),
        };
    }
    counts
}

/// The kernel's number of the calling thread.
pub(super) fn thread_id() -> i32 {
    // SAFETY: a plain call without pointers.
    unsafe { libc::gettid() }
}

fn nanoseconds(time: libc::timeval) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(micros.saturating_mul(1_000))
}
