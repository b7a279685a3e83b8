//! Engineering mode: a person drives one subsystem at a time, and never while the system is at work.

use super::{Cause, Refusal, Supervisor};
use crate::clock::Monotonic;
use crate::lifecycle::State;

/// What a person has a subsystem do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
}

impl Supervisor {
    /// Whether subsystems are driven by hand.
    #[must_use]
    pub const fn is_engineering(&self) -> bool {
        self.engineering
    }

    /// Enters or leaves engineering mode. On leaving it while the system is off or in fault, what was started by hand
    /// is stopped, so that off is off.
    ///
    /// # Errors
    /// [`Refusal::AtWork`], where the system is at work.
    pub fn set_engineering(&mut self, on: bool) -> Result<(), Refusal> {
        self.refuse_at_work()?;
        if on != self.engineering {
            self.engineering = on;
            let what = if on { "engineering mode: subsystems are driven by hand" } else { "engineering mode is over" };
            self.mention(Cause::Asked(what.to_owned()));
        }
        if !on && matches!(self.state, State::Off | State::Fault) {
            self.stop_all();
        }
        Ok(())
    }

    /// Starts or stops one subsystem by hand. A failure is a fault, as it is when the supervisor does it.
    ///
    /// # Errors
    /// [`Refusal`]: not in engineering mode, at work, no such subsystem, there already, or it did not start.
    pub fn drive(&mut self, name: &str, hand: Hand, now: Monotonic) -> Result<(), Refusal> {
        if !self.engineering {
            return Err(Refusal::NotEngineering);
        }
        self.refuse_at_work()?;
        let unknown = || Refusal::Unknown { name: name.to_owned(), known: self.names(|_| true) };
        let place = self.place(name).ok_or_else(unknown)?;
        let Some(unit) = self.units.get_mut(place) else { return Ok(()) };
        let up = hand == Hand::Start;
        if unit.up == up {
            return Err(Refusal::Already { name: name.to_owned(), up });
        }
        let subsystem = name.to_owned();
        match hand {
            Hand::Start => match unit.subsystem.start(&mut self.watch, now) {
                Ok(()) => unit.up = true,
                Err(reason) => {
                    self.fault(Cause::NotStarted { subsystem: subsystem.clone(), reason: reason.clone() });
                    return Err(Refusal::NotStarted { subsystem, reason });
                }
            },
            Hand::Stop => {
                unit.up = false;
                if let Err(reason) = unit.subsystem.stop(&mut self.watch) {
                    self.fault(Cause::NotStopped { subsystem, reason });
                    return Ok(());
                }
            }
        }
        self.mention(Cause::Asked(format!("{name} {} by hand", if up { "started" } else { "stopped" })));
        Ok(())
    }

    fn refuse_at_work(&self) -> Result<(), Refusal> {
        match self.state {
            State::Off | State::Ready | State::Fault => Ok(()),
            state @ (State::Initialising | State::Running | State::Degraded | State::Draining) => {
                Err(Refusal::AtWork { state })
            }
        }
    }
}
