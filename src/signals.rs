//! SIGINT and SIGTERM end a process through its stop token; a signal thread waits for them, so that no handler
//! interrupts a real-time thread.

use nix::sys::signal::{SigSet, Signal};
use rt_core::stop::StopToken;

use crate::failure::Failure;

/// Blocks both signals in this thread (and those started later) and sets `stop` when one comes. Call first in a verb.
///
/// # Errors
/// [`Failure::Run`] where the thread cannot be started.
pub fn stop_on_signals(stop: &StopToken) -> Result<(), Failure> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().map_err(Failure::run)?;
    let stop = stop.clone();
    let wait = move || {
        // The thread lives as long as the process; a second signal finds the token set and changes nothing.
        while signals.wait().is_ok() {
            stop.set();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop).map_err(Failure::run)
}
