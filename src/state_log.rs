//! What a supervisor tells, for people: a line on standard error and a note to subscribers each, and the reasons of a
//! fault kept for the end.

use std::cell::RefCell;
use std::rc::Rc;

use rt_core::lifecycle::{Cause, Report, State};
use telemetry::subscribe::{Hub, NoteKind};

use crate::failure::Failure;

/// Tells each report and keeps why the system is in fault.
#[derive(Clone)]
pub struct StateLog {
    faults: Rc<RefCell<Vec<String>>>,
    hub: Hub,
}

impl StateLog {
    /// A log that `hub`'s subscribers hear.
    pub fn new(hub: &Hub) -> Self {
        Self { faults: Rc::default(), hub: hub.clone() }
    }

    /// What to give a supervisor.
    pub fn teller(&self) -> impl FnMut(&Report) + use<> {
        let log = self.clone();
        move |report| log.tell(report)
    }

    fn tell(&self, report: &Report) {
        let (state, kind) = match report {
            Report::Changed { to: State::Fault, .. } => (State::Fault, NoteKind::Fault),
            Report::Changed { to: State::Degraded, .. } => (State::Degraded, NoteKind::Degraded),
            Report::Changed { to, .. } => (*to, NoteKind::State),
            Report::Stays { state, .. } => (*state, NoteKind::State),
        };
        self.hub.set_state(&state.to_string());
        self.hub.say(kind, &format!("state: {report}"));
        match report {
            Report::Changed { to: State::Fault, cause, .. }
            | Report::Stays { state: State::Fault, cause: cause @ Cause::NotStopped { .. }, .. } => {
                self.faults.borrow_mut().push(cause.to_string());
            }
            Report::Changed { .. } | Report::Stays { .. } => {}
        }
    }

    /// How a run that has ended in `state` comes out.
    ///
    /// # Errors
    /// [`Failure::Run`] with every reason, where that is a fault.
    pub fn outcome(&self, state: State) -> Result<(), Failure> {
        if state == State::Fault { Err(Failure::Run(self.faults.borrow().join("\n"))) } else { Ok(()) }
    }
}
