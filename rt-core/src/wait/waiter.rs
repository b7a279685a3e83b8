//! One thread's way of waiting, and the sign of life it gives each time.

use std::cell::Cell;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use super::{SpinBudget, Throttle, WaitStrategy};
use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::lifecycle::Heartbeat;
use crate::threads::Policy;
use crate::trace::counters::{Counter, ThreadCounters};

/// How often a spin looks at the bell before it looks at the clock, which costs as much as many looks.
const LOOKS_PER_CLOCK: u32 = 32;

/// A watched thread's wait ends after this part of its heartbeat limit at the latest.
const WAITS_PER_LIMIT: u32 = 4;

/// Waits on doorbells as its thread's strategy says; stays on the thread it was made on.
///
/// Each [`Waiter::wait`] gives a sign of life first and lasts a quarter of the heartbeat's limit at most: a thread that
/// has nothing to do for an hour is seen to be alive all the time, and only its work between two waits has to be
/// shorter than the limit.
///
/// ```
/// use rt_core::{clock::Monotonic, doorbell::Doorbell, wait::{WaitStrategy, Waiter}};
/// use std::time::Duration;
/// let waiter = Waiter::new(WaitStrategy::default(), 1);
/// let bell = Doorbell::futex();
/// let seen = bell.count();
/// bell.ring();
/// // Rung since it was looked at: returns at once.
/// waiter.wait(&bell, seen, Monotonic::now().plus(Duration::from_secs(3600)));
/// ```
#[derive(Debug)]
pub struct Waiter {
    strategy: WaitStrategy,
    /// `None` where the kernel stops nobody for spinning.
    budget: Option<Cell<SpinBudget>>,
    heartbeat: Heartbeat,
    longest: Duration,
    /// The budget is this thread's, and the policy it follows from too.
    on_its_thread: PhantomData<*const ()>,
}

impl Waiter {
    /// A waiter for the calling thread, whose policy is asked of the kernel. `sharers` is how many real-time threads
    /// may spin on the same core, this one included.
    #[must_use]
    pub fn new(strategy: WaitStrategy, sharers: u32) -> Self {
        let throttle = Throttle::of(Policy::of_this_thread());
        Self::throttled(strategy, throttle.map(|throttle| (throttle.spin_share(sharers), throttle.period)))
    }

    /// A waiter that may spin for a share of every period; without limit where there is none.
    pub(super) fn throttled(strategy: WaitStrategy, share: Option<(Duration, Duration)>) -> Self {
        let budget = share.map(|(share, period)| Cell::new(SpinBudget::new(share, period, Monotonic::now())));
        let (heartbeat, longest) = (Heartbeat::default(), Duration::MAX);
        Self { strategy, budget, heartbeat, longest, on_its_thread: PhantomData }
    }

    /// Has every wait beat `heartbeat`, of which a watch expects a beat within `limit`.
    #[must_use]
    pub fn beating(mut self, heartbeat: Heartbeat, limit: Duration) -> Self {
        self.heartbeat = heartbeat;
        self.longest = limit / WAITS_PER_LIMIT;
        self
    }

    /// Gives a sign of life, for a thread that works long between two waits.
    pub fn beat(&self) {
        self.heartbeat.beat(Monotonic::now());
    }

    /// The thread's heartbeat, for one whose waiting is done elsewhere, such as in a reactor.
    #[must_use]
    pub const fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// How it waits.
    #[must_use]
    pub const fn strategy(&self) -> WaitStrategy {
        self.strategy
    }

    /// Returns once `bell` has rung since `seen` was read, or at `until`; may return early for no reason, as
    /// [`Doorbell::wait_until`] may, so look for work and wait again.
    pub fn wait(&self, bell: &Doorbell, seen: u32, until: Monotonic) {
        self.wait_for(bell, seen, until);
    }

    /// As [`Waiter::wait`], and counts the wait, how it ended and how long it spun.
    pub fn wait_counted(&self, counters: &mut ThreadCounters, bell: &Doorbell, seen: u32, until: Monotonic) {
        counters.count(Counter::Sleeps);
        counters.add(Counter::Spins, self.wait_for(bell, seen, until));
        counters.add(Counter::Wakeups, u64::from(bell.count() != seen));
    }

    /// How many looks at the bell it spun.
    fn wait_for(&self, bell: &Doorbell, seen: u32, until: Monotonic) -> u64 {
        let now = Monotonic::now();
        self.heartbeat.beat(now);
        let until = until.min(now.plus(self.longest));
        let longest = self.strategy.longest_spin();
        let mut looks = 0;
        if longest > Duration::ZERO {
            let over;
            (over, looks) = self.spin(bell, seen, now, until, longest);
            if over {
                return looks;
            }
        }
        match bell.event() {
            None => bell.wait_until(seen, until),
            Some(event) => {
                if bell.count() == seen {
                    poll(event, until);
                }
                bell.clear_event();
            }
        }
        looks
    }

    /// Spins from `now` on, as long as it may; whether the wait is over, and after how many looks.
    fn spin(&self, bell: &Doorbell, seen: u32, now: Monotonic, until: Monotonic, longest: Duration) -> (bool, u64) {
        let allowed = self.budget.as_ref().map_or(longest, |cell| {
            let mut budget = cell.get();
            longest.min(budget.allowed(now))
        });
        let end = now.plus(allowed).min(until);
        let (rung, ended, looks) = spin_until(bell, seen, end, now);
        if let Some(cell) = &self.budget {
            let mut budget = cell.get();
            // A ring ended the spin after the clock was last read: up to this very instant is charged.
            budget.spent(now, if rung { Monotonic::now() } else { ended });
            cell.set(budget);
        }
        (rung || ended >= until, looks)
    }
}

/// Looks at `bell` until it has rung since `seen` or until `end`; whether it has rung, the clock as last read, and the looks.
/// Each look is one acquiring load, which is what a mailbox filled before the ring needs to be seen.
fn spin_until(bell: &Doorbell, seen: u32, end: Monotonic, mut clock: Monotonic) -> (bool, Monotonic, u64) {
    let mut looks = 0;
    while clock < end {
        for _ in 0..LOOKS_PER_CLOCK {
            looks += 1;
            if bell.count() != seen {
                return (true, clock, looks);
            }
            std::hint::spin_loop();
        }
        clock = Monotonic::now();
    }
    (bell.count() != seen, clock, looks)
}

/// Sleeps until `event` is readable or until `until`.
fn poll(event: BorrowedFd<'_>, until: Monotonic) {
    let left = until.saturating_since(Monotonic::now());
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(left.subsec_nanos() as i32),
    };
    let mut polled = libc::pollfd { fd: event.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one writable pollfd and a readable timespec that live for the call; no signal mask is given. An interrupted
    // or failed poll is an early return, which the caller allows for.
    unsafe { libc::ppoll(&raw mut polled, 1, &raw const timeout, std::ptr::null()) };
}
