//! A subsystem that is made only when its turn comes, of what those before it have found out, and that has started only
//! once it says so itself.

use std::cell::RefCell;
use std::rc::Rc;

use rt_core::clock::Monotonic;
use rt_core::lifecycle::{Subsystem, ThreadGroup, Watch};
use rt_core::threads::{Thread, ThreadEnd};

use crate::failure::Failure;

/// Waits until the threads just started do their work.
pub(super) type Settle = Box<dyn FnOnce() -> Result<(), Failure>>;

/// The first failure of a start, with its exit code, which a supervisor's reasons do not carry.
pub(super) type FirstFailure = Rc<RefCell<Option<Failure>>>;

/// Threads, made at their start.
pub(super) struct Staged<M> {
    name: &'static str,
    make: Option<M>,
    group: Option<ThreadGroup>,
    failure: FirstFailure,
}

impl<M: FnOnce() -> Result<(ThreadGroup, Settle), Failure>> Staged<M> {
    /// A subsystem that `make` makes; why that fails goes to `failure` as well.
    pub(super) fn new(name: &'static str, failure: &FirstFailure, make: M) -> Self {
        Self { name, make: Some(make), group: None, failure: Rc::clone(failure) }
    }

    fn failed(&self, failure: Failure) -> String {
        let reason = failure.to_string();
        self.failure.borrow_mut().get_or_insert(failure);
        reason
    }
}

impl<M: FnOnce() -> Result<(ThreadGroup, Settle), Failure>> Subsystem for Staged<M> {
    fn name(&self) -> &str {
        self.name
    }

    fn start(&mut self, watch: &mut Watch, now: Monotonic) -> Result<(), String> {
        let make = self.make.take().ok_or("it has run before, and can be started once only")?;
        let (mut group, settle) = make().map_err(|failure| self.failed(failure))?;
        group.start(watch, now).map_err(|reason| self.failed(Failure::Run(reason)))?;
        if let Err(failure) = settle() {
            // The reason that counts is why it did not start.
            let _ = group.stop(watch);
            return Err(self.failed(failure));
        }
        self.group = Some(group);
        Ok(())
    }

    fn stop(&mut self, watch: &mut Watch) -> Result<(), String> {
        self.group.take().map_or(Ok(()), |mut group| group.stop(watch))
    }

    fn threads(&self) -> &[Thread] {
        self.group.as_ref().map_or(&[], |group| group.threads())
    }

    fn take_ended(&mut self) -> Option<(String, ThreadEnd)> {
        self.group.as_mut()?.take_ended()
    }
}
