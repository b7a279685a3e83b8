//! From the core map of a profile to supervised threads.

use std::rc::Rc;
use std::time::Duration;

use config::threads::{self as configured, Mode, Role, Scheduling, ThreadEntry, Wait};
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::{Heartbeat, Member, OnLoss, ThreadGroup};
use rt_core::stop::StopToken;
use rt_core::threads::{CoreMap, Granted, Policy, Strictness, ThreadSpec};
use rt_core::wait::{DEFAULT_SPIN, WaitStrategy, Waiter};

use crate::failure::Failure;

/// The threads of a process, as its profile wants them, in the order they are entered.
pub struct Crew {
    strictness: Strictness,
    lock_stacks: bool,
    specs: Vec<ThreadSpec>,
}

/// The same once all are entered: makes subsystems of them.
pub struct Groups {
    map: Rc<CoreMap>,
    bell: Doorbell,
    patience: Duration,
}

/// A thread that was entered, and what is expected of it.
pub struct Seat {
    thread: String,
    limit: Duration,
    on_loss: OnLoss,
}

impl Seat {
    /// The thread of this seat that does `body`.
    pub fn does<F>(self, body: F) -> Member
    where
        F: FnOnce(&Waiter, &StopToken) -> Result<(), String> + Send + 'static,
    {
        Member { thread: self.thread, limit: self.limit, on_loss: self.on_loss, body: Box::new(body) }
    }
}

impl Crew {
    /// No thread yet.
    pub const fn new(mode: Mode, lock_stacks: bool) -> Self {
        let strictness = match mode {
            Mode::BestEffort => Strictness::BestEffort,
            Mode::Strict => Strictness::Strict,
        };
        Self { strictness, lock_stacks, specs: Vec::new() }
    }

    /// Enters the thread `name` of `role`, as `entry` wants it.
    pub fn enter(&mut self, entry: &ThreadEntry, role: Role, name: impl Into<String>) -> Seat {
        let thread = name.into();
        self.specs.push(ThreadSpec { lock_stack: self.lock_stacks, ..spec(entry, role, thread.clone()) });
        let on_loss = match entry.on_loss() {
            configured::OnLoss::Degrade => OnLoss::Degrade,
            configured::OnLoss::Fault => OnLoss::Fault,
        };
        Seat { thread, limit: entry.heartbeat(role), on_loss }
    }

    /// Starts every thread for a moment, to see what the kernel grants it.
    ///
    /// # Errors
    /// [`Failure::Config`] for what no kernel could grant, [`Failure::Run`] where no thread can be had.
    pub fn granted(self) -> Result<Vec<Granted>, Failure> {
        let map = CoreMap::new(Strictness::BestEffort, self.specs).map_err(Failure::config)?;
        let stop = StopToken::default();
        let one = |spec: &ThreadSpec| {
            let watch = (Heartbeat::default(), Duration::from_secs(1));
            let thread = map.spawn(&spec.name, watch, &stop, |_| Ok(())).map_err(Failure::run)?;
            let granted = thread.granted.clone();
            let _ = thread.join();
            Ok(granted)
        };
        map.specs().iter().map(one).collect()
    }

    /// Checks all threads together. `bell` is rung when one ends; stopping a subsystem takes `patience` at the most.
    ///
    /// # Errors
    /// [`Failure::Config`] for what no kernel could grant.
    pub fn checked(self, bell: &Doorbell, patience: Duration) -> Result<Groups, Failure> {
        let map = Rc::new(CoreMap::new(self.strictness, self.specs).map_err(Failure::config)?);
        Ok(Groups { map, bell: bell.clone(), patience })
    }
}

impl Groups {
    /// A subsystem of no threads yet.
    pub fn group(&self, name: impl Into<String>) -> ThreadGroup {
        ThreadGroup::new(name, &self.map, &self.bell, self.patience)
    }
}

/// What is asked for a thread of a role.
fn spec(entry: &ThreadEntry, role: Role, name: String) -> ThreadSpec {
    let policy = match entry.scheduling() {
        Scheduling::Other { nice } => Policy::Other { nice },
        Scheduling::Fifo { priority } => Policy::Fifo { priority },
        Scheduling::RoundRobin { priority } => Policy::RoundRobin { priority },
        Scheduling::Deadline { runtime, deadline, period } => Policy::Deadline { runtime, deadline, period },
    };
    let wait = match entry.waits(role) {
        Wait::Futex => WaitStrategy::Futex,
        Wait::SpinThenFutex => {
            let spin = entry.spin_us.map_or(DEFAULT_SPIN, |us| Duration::from_micros(us.into()));
            WaitStrategy::SpinThenFutex { spin }
        }
        Wait::Spin => WaitStrategy::Spin,
        Wait::Epoll => WaitStrategy::Reactor,
    };
    let named = ThreadSpec::named(name);
    let stack_bytes = entry.stack_kib.and_then(|kib| usize::try_from(kib).ok()).map(|kib| kib << 10);
    ThreadSpec {
        cores: entry.cores.clone(),
        policy,
        wait,
        stack_bytes: stack_bytes.unwrap_or(named.stack_bytes),
        ..named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::threads::SchedulingPolicy;

    const PLAIN: ThreadEntry = ThreadEntry {
        cores: Vec::new(),
        policy: SchedulingPolicy::Other,
        priority: None,
        nice: None,
        runtime_us: None,
        deadline_us: None,
        period_us: None,
        wait: None,
        spin_us: None,
        stack_kib: None,
        heartbeat_ms: None,
        on_loss: None,
    };

    #[test]
    fn every_key_of_an_entry_reaches_the_thread() {
        let defaults = spec(&PLAIN, Role::Encoder, "a".into());
        assert_eq!(defaults, ThreadSpec::named("a"));
        assert_eq!(spec(&PLAIN, Role::Transport, "a".into()).wait, WaitStrategy::Reactor);
        let waits =
            |wait, spin_us| spec(&ThreadEntry { wait: Some(wait), spin_us, ..PLAIN }, Role::Encoder, "a".into()).wait;
        assert_eq!(waits(Wait::Futex, None), WaitStrategy::Futex);
        assert_eq!(waits(Wait::Spin, None), WaitStrategy::Spin);
        let spin = Duration::from_micros(7);
        assert_eq!(waits(Wait::SpinThenFutex, Some(7)), WaitStrategy::SpinThenFutex { spin });
        let entry = ThreadEntry {
            cores: vec![2, 3],
            policy: SchedulingPolicy::Deadline,
            runtime_us: Some(1),
            deadline_us: Some(2),
            period_us: Some(3),
            stack_kib: Some(64),
            heartbeat_ms: Some(250),
            on_loss: Some(configured::OnLoss::Degrade),
            ..PLAIN
        };
        let us = Duration::from_micros;
        let asked = spec(&entry, Role::Detector, "b".into());
        assert_eq!(asked.policy, Policy::Deadline { runtime: us(1), deadline: us(2), period: us(3) });
        assert_eq!((asked.cores, asked.stack_bytes), (vec![2, 3], 64 << 10));
        let member = Crew::new(Mode::Strict, true).enter(&entry, Role::Detector, "b").does(|_, _| Ok(()));
        assert_eq!((member.limit, member.on_loss), (Duration::from_millis(250), OnLoss::Degrade));
    }
}
