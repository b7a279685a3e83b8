//! Where in a script one is.

use rt_core::clock::Monotonic;

use super::Script;
use crate::link::command::Command;

/// Plays a script from an instant on; reads no clock and never allocates.
#[derive(Clone, Debug)]
pub struct Player {
    script: Script,
    /// When the present round began.
    round_start: Monotonic,
    next: usize,
}

impl Player {
    /// At the start of `script`, which begins at `origin`.
    #[must_use]
    pub const fn new(script: Script, origin: Monotonic) -> Self {
        Self { script, round_start: origin, next: 0 }
    }

    /// When the next command is due; `None` after the last.
    #[must_use]
    pub fn next_event(&self) -> Option<Monotonic> {
        Some(self.round_start.plus(self.script.events().get(self.next)?.at))
    }

    /// The next command that is due by `now`, and when it was.
    pub fn take(&mut self, now: Monotonic) -> Option<(Monotonic, Command)> {
        let event = self.script.events().get(self.next)?;
        let at = self.round_start.plus(event.at);
        if at > now {
            return None;
        }
        let command = event.command.clone();
        self.next += 1;
        if let Some(period) = self.script.period().filter(|_| self.next == self.script.events().len()) {
            self.next = 0;
            self.round_start = self.round_start.plus(period);
        }
        Some((at, command))
    }
}
