//! Time that cannot be mixed up: one monotonic clock for everything that is decided, one wall clock for what is logged.
//!
//! A [`Monotonic`] is `CLOCK_MONOTONIC` in nanoseconds: the clock V4L2 stamps frames with, the same for every process
//! of a machine, and untouched by wall-clock steps. A [`Deadline`] is an instant too, but its own type, so that a
//! deadline is never taken for a duration or for "now"; what is left of it is asked with [`Deadline::budget_at`] and
//! in no other way. A [`UnixTime`] is the wall clock, which may be stepped at any moment: nothing is subtracted from it,
//! waited for by it or decided by it, and only a [`ClockAnchor`] turns a monotonic instant into one, for logs.

mod anchor;
mod deadline;
mod monotonic;
mod unix;

pub use anchor::ClockAnchor;
pub use deadline::Deadline;
pub use monotonic::Monotonic;
pub use unix::UnixTime;

/// Reads a clock in nanoseconds (a vDSO call, tens of nanoseconds, no system call).
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, writable timespec; the two clocks read here exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
