//! What a supervisor tells, for people: a line on standard error each, and the reasons of a fault kept for the end.

use std::cell::RefCell;
use std::rc::Rc;

use rt_core::lifecycle::{Cause, Report, State};

use crate::failure::Failure;

/// Prints each report and keeps why the system is in fault.
#[derive(Clone, Default)]
pub struct StateLog(Rc<RefCell<Vec<String>>>);

impl StateLog {
    /// What to give a supervisor.
    pub fn teller(&self) -> impl FnMut(&Report) + use<> {
        let log = self.clone();
        move |report| log.tell(report)
    }

    fn tell(&self, report: &Report) {
        eprintln!("state: {report}");
        match report {
            Report::Changed { to: State::Fault, cause, .. }
            | Report::Stays { state: State::Fault, cause: cause @ Cause::NotStopped { .. }, .. } => {
                self.0.borrow_mut().push(cause.to_string());
            }
            Report::Changed { .. } | Report::Stays { .. } => {}
        }
    }

    /// How a run that has ended in `state` comes out.
    ///
    /// # Errors
    /// [`Failure::Run`] with every reason, where that is a fault.
    pub fn outcome(&self, state: State) -> Result<(), Failure> {
        if state == State::Fault { Err(Failure::Run(self.0.borrow().join("\n"))) } else { Ok(()) }
    }
}
