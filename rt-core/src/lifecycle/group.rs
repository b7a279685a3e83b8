//! The usual subsystem: threads of the core map that share a stop token.

use std::rc::Rc;
use std::time::Duration;

use super::{OnLoss, Subsystem, Watch};
use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::stop::StopToken;
use crate::threads::{CoreMap, Thread, ThreadEnd};
use crate::wait::Waiter;

/// What a thread does until the token it is given is set.
pub type Body = Box<dyn FnOnce(&Waiter, &StopToken) -> Result<(), String> + Send>;

/// A thread of a group.
pub struct Member {
    /// Its name in the core map.
    pub thread: String,
    /// It has to give a sign of life within this time.
    pub limit: Duration,
    /// What its loss means.
    pub on_loss: OnLoss,
    /// What it does.
    pub body: Body,
}

/// Threads that start and stop together.
pub struct ThreadGroup {
    name: String,
    map: Rc<CoreMap>,
    stop: StopToken,
    /// Those not started yet, in order.
    members: Vec<Member>,
    running: Vec<Thread>,
    /// Every thread that was entered in the watch.
    entered: Vec<String>,
    /// Rung when one of them ends: the supervisor's.
    bell: Doorbell,
    patience: Duration,
}

impl ThreadGroup {
    /// A group of no threads yet. `bell` is rung when one of its threads ends; a stop waits `patience` for them.
    #[must_use]
    pub fn new(name: impl Into<String>, map: &Rc<CoreMap>, bell: &Doorbell, patience: Duration) -> Self {
        Self {
            name: name.into(),
            map: Rc::clone(map),
            stop: StopToken::default(),
            members: Vec::new(),
            running: Vec::new(),
            entered: Vec::new(),
            bell: bell.clone(),
            patience,
        }
    }

    /// The same group with one thread more.
    #[must_use]
    pub fn with(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    fn begin(&mut self, watch: &mut Watch, now: Monotonic) -> Result<(), String> {
        for Member { thread, limit, on_loss, body } in self.members.drain(..) {
            let heartbeat = watch.add(&thread, limit, on_loss, now);
            self.entered.push(thread.clone());
            let stop = self.stop.clone();
            let body = move |waiter: Waiter| body(&waiter, &stop);
            match self.map.spawn(&thread, (heartbeat, limit), &self.bell, body) {
                Ok(thread) => self.running.push(thread),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

impl Drop for ThreadGroup {
    /// No thread outlives its group unasked; it is not waited for.
    fn drop(&mut self) {
        self.stop.set();
    }
}

impl Subsystem for ThreadGroup {
    fn name(&self) -> &str {
        &self.name
    }

    /// # Errors
    /// Where a thread cannot be had as asked, and where the group has run before: its threads' work began with what
    /// they were given, and is used up.
    fn start(&mut self, watch: &mut Watch, now: Monotonic) -> Result<(), String> {
        if self.members.is_empty() {
            return Err("it has run before, and can be started once only; start the program again".to_owned());
        }
        self.begin(watch, now).inspect_err(|_| {
            // The reason that counts is why it did not start; those already running are well.
            let _ = self.stop(watch);
        })
    }

    fn stop(&mut self, watch: &mut Watch) -> Result<(), String> {
        self.stop.set();
        let until = Monotonic::now().plus(self.patience);
        let mut wrong = Vec::new();
        self.entered.drain(..).for_each(|name| watch.remove(&name));
        for thread in self.running.drain(..) {
            if !thread.ends_by(until) {
                let (name, patience) = (&thread.granted.name, self.patience);
                wrong.push(format!("{name} has not ended within {:.1} s", patience.as_secs_f64()));
                continue;
            }
            match thread.join() {
                (_, ThreadEnd::Done) => {}
                (name, ThreadEnd::Failed(reason)) => wrong.push(format!("{name}: {reason}")),
                (name, ThreadEnd::Panicked(message)) => wrong.push(format!("{name} panicked: {message}")),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn threads(&self) -> &[Thread] {
        &self.running
    }

    fn take_ended(&mut self) -> Option<(String, ThreadEnd)> {
        let ended = self.running.iter().position(Thread::is_finished)?;
        Some(self.running.remove(ended).join())
    }
}
