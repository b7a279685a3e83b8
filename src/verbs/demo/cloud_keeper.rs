//! Keeps a cloud running: one that dies is said aloud and started again.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

use super::child::Child;
use crate::failure::Failure;

/// First and longest pause before a restart; it doubles from one to the other.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// A cloud that ran this long starts the pauses anew.
const HEALTHY: Duration = Duration::from_secs(10);
/// How often an ending cloud is looked at.
const POLL: Duration = Duration::from_millis(5);
/// The line that says that it is ready begins so.
const READY: &str = "listening on ";

/// The cloud process and its successors.
pub struct CloudKeeper {
    words: Vec<OsString>,
    bell: Doorbell,
    child: Option<Child>,
    started: Monotonic,
    restart_at: Monotonic,
    backoff: Duration,
    listening: Arc<AtomicBool>,
    ever_listened: bool,
    forwarder: Option<std::thread::JoinHandle<()>>,
}

impl CloudKeeper {
    /// A keeper that starts the first cloud when it first [`Self::look`]s; `bell` is rung when a cloud is ready.
    #[must_use]
    pub fn start(words: Vec<OsString>, bell: Doorbell) -> Self {
        Self {
            words,
            bell,
            child: None,
            started: Monotonic::ZERO,
            restart_at: Monotonic::ZERO,
            backoff: BACKOFF.0,
            listening: Arc::default(),
            ever_listened: false,
            forwarder: None,
        }
    }

    /// Whether the present cloud has said that it listens.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Acquire)
    }

    /// Restarts a dead cloud once its pause is over.
    ///
    /// # Errors
    /// [`Failure`] where a cloud cannot be started, or the first one ends before it listens: the next would, too.
    pub fn look(&mut self, now: Monotonic) -> Result<(), Failure> {
        self.ever_listened |= self.is_listening();
        if let Some(child) = &mut self.child {
            let Some(status) = child.ended() else { return Ok(()) };
            self.child = None;
            self.hear_out();
            if !self.ever_listened && !self.is_listening() {
                let text = format!("the cloud did not start ({status})");
                return Err(if status.code() == Some(78) { Failure::Config(text) } else { Failure::Run(text) });
            }
            if now.saturating_since(self.started) >= HEALTHY {
                self.backoff = BACKOFF.0;
            }
            telemetry::say!("the cloud ended ({status}); starting another in {} ms", self.backoff.as_millis());
            self.restart_at = now.plus(self.backoff);
            self.backoff = (self.backoff * 2).min(BACKOFF.1);
        }
        if now >= self.restart_at { self.launch(now) } else { Ok(()) }
    }

    fn launch(&mut self, now: Monotonic) -> Result<(), Failure> {
        let mut stderr = None;
        self.child = Some(Child::start(&self.words, Some(&mut stderr))?);
        self.started = now;
        let listening = Arc::new(AtomicBool::new(false));
        self.listening = Arc::clone(&listening);
        let bell = self.bell.clone();
        let forward = move || {
            if let Some(stderr) = stderr {
                forward(stderr, || {
                    listening.store(true, Ordering::Release);
                    bell.ring();
                });
            }
        };
        let forwarder = std::thread::Builder::new().name("cloud-stderr".into()).spawn(forward);
        self.forwarder = Some(forwarder.map_err(Failure::run)?);
        Ok(())
    }

    /// Waits for the last lines of a cloud that has ended.
    fn hear_out(&mut self) {
        if let Some(forwarder) = self.forwarder.take() {
            let _ = forwarder.join();
        }
    }

    /// Asks the present cloud to end.
    pub fn terminate(&mut self) {
        self.child.iter_mut().for_each(Child::terminate);
    }

    /// Ends the present cloud: asks, waits until `until`, then kills.
    pub fn end(mut self, until: Monotonic) {
        self.terminate();
        if let Some(child) = &mut self.child {
            while child.ended().is_none() && Monotonic::now() < until {
                std::thread::sleep(POLL);
            }
            child.kill();
        }
        self.hear_out();
    }
}

/// Prints every line with its origin, and tells when the cloud is ready.
fn forward(stderr: impl Read, ready: impl Fn()) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        telemetry::say!("cloud: {line}");
        if line.starts_with(READY) {
            ready();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn readiness_is_read_from_its_line_and_odd_bytes_do_not_matter() {
        let ready = Cell::new(0);
        forward(&b"thread listening on\n\xff\xfe\nlistening on 127.0.0.1:1\nrest"[..], || ready.set(ready.get() + 1));
        assert_eq!(ready.get(), 1);
    }
}
