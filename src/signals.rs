//! SIGINT and SIGTERM end a process through its stop token; SIGHUP has it read its certificates again. A signal thread
//! waits for them, so that no handler interrupts a real-time thread.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use rt_core::stop::StopToken;

use crate::failure::Failure;

/// Blocks both signals in this thread (and those started later) and sets `stop` when one comes. Call first in a verb.
///
/// # Errors
/// [`Failure::Run`] where the thread cannot be started.
pub fn stop_on_signals(stop: &StopToken) -> Result<(), Failure> {
    listen(stop, None)
}

/// The same for a process that is told by SIGHUP that its files have changed.
///
/// # Errors
/// As [`stop_on_signals`].
pub fn stop_or_renew_on_signals(stop: &StopToken) -> Result<Hangup, Failure> {
    let hangup = Hangup::default();
    listen(stop, Some(hangup.clone()))?;
    Ok(hangup)
}

/// Whether SIGHUP has come.
#[derive(Clone, Debug, Default)]
pub struct Hangup(Arc<AtomicBool>);

impl Hangup {
    /// Whether it has come since this was last asked.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

fn listen(stop: &StopToken, hangup: Option<Hangup>) -> Result<(), Failure> {
    // A file that has reached a limit is to be an error of the write, for logs to count, and not the car's end.
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.map_err(Failure::run)?;
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    if hangup.is_some() {
        signals.add(Signal::SIGHUP);
    }
    signals.thread_block().map_err(Failure::run)?;
    let stop = stop.clone();
    let had_terminal = std::io::stderr().is_terminal();
    let wait = move || {
        // The thread lives as long as the process; a second signal finds the token set and changes nothing.
        while let Ok(signal) = signals.wait() {
            // The same signal says that the terminal was closed; it is none any more then.
            let closed = had_terminal && !std::io::stderr().is_terminal();
            match &hangup {
                Some(hangup) if signal == Signal::SIGHUP && !closed => hangup.0.store(true, Ordering::Release),
                _ => stop.set(),
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop).map_err(Failure::run)
}
