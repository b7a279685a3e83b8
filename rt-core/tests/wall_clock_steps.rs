//! Somebody sets the machine's clock while the car drives: logs show it, and nothing that is decided does.
//!
//! This program has a `clock_gettime` of its own, which is the one that everything in it is linked to: it asks the
//! kernel, and moves the wall clock's answer (no other clock's) by as much as a test says.

#![allow(clippy::unwrap_used, reason = "a test says out loud what cannot fail")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rt_core::clock::{ClockAnchor, Deadline, Monotonic, UnixTime};
use rt_core::doorbell::Doorbell;

/// By how much the wall clock is off.
static STEP_SECS: AtomicI64 = AtomicI64::new(0);

const HOUR: Duration = Duration::from_secs(3600);

/// Takes the place of the C library's function in this program.
///
/// # Safety
/// As of the function it replaces: `time` points to a writable timespec.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: the caller's pointer is handed on, and the kernel checks it.
    let answer = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if answer == 0 && clock == libc::CLOCK_REALTIME {
        // SAFETY: the kernel has just written there.
        unsafe { (*time).tv_sec += STEP_SECS.load(Ordering::SeqCst) };
    }
    libc::c_int::try_from(answer).unwrap_or(-1)
}

/// One wall clock for all tests of this program: one test at a time, and back to right at its end.
struct WallClock(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl WallClock {
    fn take() -> Self {
        static CLOCK: Mutex<()> = Mutex::new(());
        Self(CLOCK.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Steps it, and sees to it that the step is seen: a test of steps that do not happen proves nothing.
    fn step(&self, hours: i64) {
        let before = UnixTime::now();
        STEP_SECS.fetch_add(hours * 3600, Ordering::SeqCst);
        let jumped = i128::from(UnixTime::now().as_ns()) - i128::from(before.as_ns());
        let step = i128::from(hours) * HOUR.as_nanos().cast_signed();
        // Half of the step for whatever kept this thread in between.
        assert!((jumped - step).abs() < step.abs() / 2, "a step of {hours} hours was seen as {jumped} ns");
    }
}

impl Drop for WallClock {
    fn drop(&mut self) {
        STEP_SECS.store(0, Ordering::SeqCst);
    }
}

#[test]
fn deadlines_and_budgets_do_not_move() {
    let wall = WallClock::take();
    for hours in [5, -9] {
        let capture = Monotonic::now();
        let deadline = Deadline::after_capture(capture, HOUR);
        wall.step(hours);
        let now = Monotonic::now();
        let budget = deadline.budget_at(now);
        assert!(now >= capture && !deadline.passed_at(now), "the deadline is an hour away, the step {hours} hours");
        assert_eq!(budget + now.saturating_since(capture), HOUR, "what is left and what has passed make the objective");
        assert_eq!(deadline, Deadline::after_capture(capture, HOUR));
    }
}

/// Whether a wait until `ahead` from now, with a step of the wall clock in the middle of it, ends by itself, and not
/// before its time.
fn wait_over_a_step(wall: &WallClock, hours: i64, ahead: Duration) {
    const FAR_TOO_LONG: Duration = Duration::from_secs(20);
    let bell = Doorbell::futex();
    let (done_in, done) = sync_channel::<()>(1);
    let (begun_in, begun) = sync_channel(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let until = Monotonic::now().plus(ahead);
            begun_in.send(()).unwrap();
            let seen = bell.count();
            while Monotonic::now() < until && bell.count() == seen {
                bell.wait_until(seen, until);
            }
            assert_eq!(bell.count(), seen, "the wait had to be ended by ringing");
            assert!(Monotonic::now() >= until);
            drop(done_in);
        });
        begun.recv().unwrap();
        wall.step(hours);
        // A wait that followed the wall clock would last hours.
        if done.recv_timeout(FAR_TOO_LONG) == Err(RecvTimeoutError::Timeout) {
            bell.ring();
        }
    });
}

#[test]
fn a_wait_ends_when_it_should() {
    let wall = WallClock::take();
    for hours in [7, -12, 3] {
        // The step comes while the waiting thread sleeps, as a rule: it has 200 ms for that.
        wait_over_a_step(&wall, hours, Duration::from_millis(200));
    }
}

#[test]
fn logs_show_the_step_as_soon_as_the_clocks_are_tied_anew() {
    let wall = WallClock::take();
    let start = ClockAnchor::now();
    wall.step(3);
    let event = Monotonic::now();
    let by_the_old = start.unix_at(event);
    let by_the_new = ClockAnchor::now().unix_at(event);
    let moved = Duration::from_nanos(by_the_new.as_ns() - by_the_old.as_ns());
    assert!(moved > 3 * HOUR - Duration::from_secs(1) && moved < 3 * HOUR + Duration::from_secs(1), "{moved:?}");
    assert!(UnixTime::now() >= by_the_new);
}
