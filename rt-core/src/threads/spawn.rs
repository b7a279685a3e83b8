//! Starting a thread, learning what it was granted, and never losing a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::apply::apply;
use super::difference::join;
use super::{Difference, Granted, SpecError, Strictness, ThreadSpec};
use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::stop::StopToken;

/// A running thread and what it was granted.
#[derive(Debug)]
pub struct Thread {
    /// What the kernel gave it.
    pub granted: Granted,
    handle: JoinHandle<ThreadEnd>,
    /// Rung when its body is over.
    ended: Doorbell,
}

/// How a thread ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadEnd {
    /// Its body returned.
    Done,
    /// Its body failed, with the reason.
    Failed(String),
    /// Its body panicked, with the message.
    Panicked(String),
}

/// What happens the moment a thread ends, before anybody joins it.
#[derive(Clone, Debug)]
pub enum AtEnd {
    /// A failure or a panic asks the whole process to end: for a thread that no supervisor watches.
    Stop(StopToken),
    /// Every end rings a bell: a supervisor is there, and decides.
    Ring(Doorbell),
}

impl From<&StopToken> for AtEnd {
    fn from(stop: &StopToken) -> Self {
        Self::Stop(stop.clone())
    }
}

impl From<&Doorbell> for AtEnd {
    fn from(bell: &Doorbell) -> Self {
        Self::Ring(bell.clone())
    }
}

impl AtEnd {
    fn happen(&self, end: &ThreadEnd) {
        match self {
            Self::Stop(stop) if *end != ThreadEnd::Done => stop.set(),
            Self::Stop(_) => {}
            Self::Ring(bell) => bell.ring(),
        }
    }
}

/// The count of a new bell.
const NOT_RUNG: u32 = 0;

impl Thread {
    /// Waits for the thread to end.
    #[must_use]
    pub fn join(self) -> (String, ThreadEnd) {
        let end = self.handle.join().unwrap_or_else(|_| ThreadEnd::Panicked("outside its body".to_owned()));
        (self.granted.name, end)
    }

    /// Waits for the thread to end, until `until` at the latest; whether it has ended.
    #[must_use]
    pub fn ends_by(&self, until: Monotonic) -> bool {
        while !self.is_finished() && Monotonic::now() < until {
            self.ended.wait_until(NOT_RUNG, until);
        }
        self.is_finished()
    }

    /// Whether its body is over, so that [`Thread::join`] has next to nothing to wait for. True by the time that
    /// [`AtEnd`] happens.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.ended.count() != NOT_RUNG || self.handle.is_finished()
    }
}

/// Why a thread could not be started as asked.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// What was asked for makes no sense anywhere.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The operating system has no thread to give.
    #[error("thread {name} could not be started: {source}")]
    Spawn {
        /// The thread's name.
        name: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// In strict mode: something was not granted.
    #[error(
        "thread {name} was not granted what the core map asks for: {}; grant it, or set mode: best_effort",
        join(differences)
    )]
    NotGranted {
        /// The thread's name.
        name: String,
        /// Each wish that was not granted, and why.
        differences: Vec<Difference>,
    },
    /// The thread ended before it could report.
    #[error("thread {name} ended before it reported what it was granted")]
    NoReport {
        /// The thread's name.
        name: String,
    },
}

/// Starts `body` on a thread that is as `spec` asks, its stack touched. What its end sets off is `at_end`: a
/// [`StopToken`], so that no thread of the process goes on in silence without its partner, or a supervisor's
/// [`Doorbell`].
///
/// # Errors
/// [`ThreadError`]: a specification that makes no sense, no thread to be had, or, under [`Strictness::Strict`],
/// something not granted (the body has not run then).
///
/// ```
/// use rt_core::stop::StopToken;
/// use rt_core::threads::{Policy, Strictness, ThreadEnd, ThreadSpec, spawn};
/// let spec = ThreadSpec { policy: Policy::Other { nice: 5 }, ..ThreadSpec::named("example") };
/// let thread = spawn(&spec, Strictness::Strict, &StopToken::default(), || Ok(()))?;
/// assert_eq!(thread.granted.policy, Policy::Other { nice: 5 });
/// assert_eq!(thread.join().1, ThreadEnd::Done);
/// # Ok::<(), rt_core::threads::ThreadError>(())
/// ```
pub fn spawn<F>(
    spec: &ThreadSpec,
    strictness: Strictness,
    at_end: impl Into<AtEnd>,
    body: F,
) -> Result<Thread, ThreadError>
where
    F: FnOnce() -> Result<(), String> + Send + 'static,
{
    spec.check()?;
    let (report, reported) = mpsc::sync_channel(1);
    let (proceed, may_proceed) = mpsc::sync_channel::<()>(1);
    let (wishes, at_end, ended) = (spec.clone(), at_end.into(), Doorbell::futex());
    let at_last = ended.clone();
    let handle = std::thread::Builder::new()
        .name(spec.name.clone())
        .stack_size(spec.stack_bytes)
        .spawn(move || {
            // The other side is waiting in this function's caller; if it is gone, so is the reason to run.
            if report.send(apply(&wishes)).is_err() || may_proceed.recv().is_err() {
                return ThreadEnd::Done;
            }
            let end = match catch_unwind(AssertUnwindSafe(body)) {
                Ok(Ok(())) => ThreadEnd::Done,
                Ok(Err(reason)) => ThreadEnd::Failed(reason),
                Err(payload) => ThreadEnd::Panicked(message(payload.as_ref())),
            };
            at_last.ring();
            at_end.happen(&end);
            end
        })
        .map_err(|source| ThreadError::Spawn { name: spec.name.clone(), source })?;
    let granted = reported.recv().map_err(|_| ThreadError::NoReport { name: spec.name.clone() })?;
    if strictness == Strictness::Strict && !granted.differences.is_empty() {
        return Err(ThreadError::NotGranted { name: granted.name, differences: granted.differences });
    }
    proceed.send(()).map_err(|_| ThreadError::NoReport { name: spec.name.clone() })?;
    Ok(Thread { granted, handle, ended })
}

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
