//! Starting a thread, learning what it was granted, and never losing a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::apply::apply;
use super::{Granted, Strictness, ThreadError, ThreadSpec};
use crate::stop::StopToken;

/// A running thread and what it was granted.
pub struct Thread {
    /// What the kernel gave it.
    pub granted: Granted,
    handle: JoinHandle<ThreadEnd>,
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

impl Thread {
    /// Waits for the thread to end.
    #[must_use]
    pub fn join(self) -> (String, ThreadEnd) {
        let end = self.handle.join().unwrap_or_else(|_| ThreadEnd::Panicked("outside its body".to_owned()));
        (self.granted.name, end)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

/// Starts `body` on a thread that is as `spec` asks. A body that fails or panics sets `stop`, so that no thread of
/// the process goes on in silence without its partner.
///
/// # Errors
/// [`ThreadError`]: no thread to be had, or, under [`Strictness::Strict`], something not granted (the body has not
/// run then).
///
/// ```
/// use rt_core::stop::StopToken;
/// use rt_core::threads::{Policy, Strictness, ThreadEnd, ThreadSpec, spawn};
/// let spec = ThreadSpec { name: "example".into(), cores: vec![], policy: Policy::Other { nice: 5 } };
/// let thread = spawn(&spec, Strictness::Strict, &StopToken::default(), || Ok(()))?;
/// assert_eq!(thread.granted.policy, Policy::Other { nice: 5 });
/// assert_eq!(thread.join().1, ThreadEnd::Done);
/// # Ok::<(), rt_core::threads::ThreadError>(())
/// ```
pub fn spawn<F>(spec: &ThreadSpec, strictness: Strictness, stop: &StopToken, body: F) -> Result<Thread, ThreadError>
where
    F: FnOnce() -> Result<(), String> + Send + 'static,
{
    let (report, reported) = mpsc::sync_channel(1);
    let (proceed, may_proceed) = mpsc::sync_channel::<()>(1);
    let (wishes, stop) = (spec.clone(), stop.clone());
    let handle = std::thread::Builder::new()
        .name(spec.name.clone())
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
            if end != ThreadEnd::Done {
                stop.set();
            }
            end
        })
        .map_err(|source| ThreadError::Spawn { name: spec.name.clone(), source })?;
    let granted = reported.recv().map_err(|_| ThreadError::NoReport { name: spec.name.clone() })?;
    if strictness == Strictness::Strict && !granted.differences.is_empty() {
        return Err(ThreadError::NotGranted { name: granted.name, differences: granted.differences });
    }
    proceed.send(()).map_err(|_| ThreadError::NoReport { name: spec.name.clone() })?;
    Ok(Thread { granted, handle })
}

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::Policy;

    fn spec(cores: Vec<usize>, policy: Policy) -> ThreadSpec {
        ThreadSpec { name: "test".into(), cores, policy }
    }

    #[test]
    fn a_pinned_thread_runs_where_it_was_put() {
        let any = spawn(&spec(vec![], Policy::Other { nice: 0 }), Strictness::Strict, &StopToken::default(), || Ok(()));
        let core = *any.expect("a thread").granted.cores.last().expect("at least one core");
        let thread =
            spawn(&spec(vec![core], Policy::Other { nice: 0 }), Strictness::Strict, &StopToken::default(), move || {
                // SAFETY: a plain call without pointers.
                let here = unsafe { libc::sched_getcpu() };
                if here == core as i32 { Ok(()) } else { Err(format!("on core {here}, not {core}")) }
            })
            .expect("a pinned thread");
        assert_eq!(thread.granted.cores, [core]);
        assert_eq!(thread.join().1, ThreadEnd::Done);
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused_in_strict_mode_and_said_in_best_effort() {
        let wish = spec(vec![1000], Policy::Other { nice: 0 });
        let strict = spawn(&wish, Strictness::Strict, &StopToken::default(), || Ok(()));
        assert!(strict.is_err_and(|error| error.to_string().contains("1000")));
        let thread = spawn(&wish, Strictness::BestEffort, &StopToken::default(), || Ok(())).expect("runs anyway");
        assert!(thread.granted.to_string().contains("1000"), "{}", thread.granted);
        assert_eq!(thread.join().1, ThreadEnd::Done);
    }

    #[test]
    fn a_panic_is_reported_and_stops_the_process() {
        let stop = StopToken::default();
        let thread = spawn(&spec(vec![], Policy::Other { nice: 0 }), Strictness::BestEffort, &stop, || panic!("boom"));
        assert_eq!(thread.expect("starts").join().1, ThreadEnd::Panicked("boom".into()));
        assert!(stop.is_set());
    }
}
