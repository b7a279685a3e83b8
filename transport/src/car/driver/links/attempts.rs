//! Attempts to connect: begun, accepted, failed.

use std::sync::Arc;

use rt_core::clock::Monotonic;

use super::tend::signs;
use super::{Driver, FAILURE_PERIOD, Standing, Told, Trial};
use crate::car::LinkEvent;
use crate::car::connections::Id;
use crate::car::driver::carriers::read_results;
use crate::car::driver::read_control;
use crate::car::session::{self, AttemptError, Dialler, Session};
use crate::wire::code;
use crate::wire::stream::ControlReader;

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    pub(super) fn attempt(&mut self, id: Id, uplink: usize, now: Monotonic) {
        let dialler = match self.links.dialler(uplink) {
            Ok(dialler) => Arc::new(dialler),
            Err(error) => {
                self.links.rules.failed(id, false, now);
                return self.failed(error.to_string(), now);
            }
        };
        let (own, told, introduction) = (Arc::clone(&dialler), self.told.0.clone(), self.links.introduction.clone());
        let task = tokio::task::spawn_local(async move {
            let outcome = session::attempt(own, introduction).await;
            let _ = told.send(Told::Attempt { id, outcome: outcome.map(Box::new) });
        });
        self.links.trials.push(Trial { id, uplink, dialler, task, heard: false });
    }

    /// An attempt came to its end.
    pub(in crate::car::driver) fn attempted(
        &mut self,
        id: Id,
        outcome: Result<(Session, ControlReader), AttemptError>,
        now: Monotonic,
    ) {
        let Some(index) = self.links.trials.iter().position(|trial| trial.id == id) else {
            // Abandoned while its last word was on the way.
            if let Ok((session, _)) = outcome {
                session.handle.close(code::DONE.into());
            }
            return;
        };
        let trial = self.links.trials.swap_remove(index);
        match outcome {
            Ok((mut session, control)) => {
                if !self.links.rules.accepted(id, signs(&session, 0), now) {
                    session.handle.close(code::DONE.into());
                    return;
                }
                let results = read_results(session.results.take(), self.told.0.clone());
                let control = read_control(control, id, self.told.0.clone());
                let control = tokio::task::spawn_local(async move {
                    // The results' reader ends with its connection, which the control stream's end tells.
                    tokio::select! {
                        biased;
                        () = control => {}
                        never = results => match never {},
                    }
                });
                self.links.standing.push(Standing {
                    id,
                    uplink: trial.uplink,
                    session: Box::new(session),
                    control,
                    told: false,
                });
            }
            Err(error) => {
                let silent = matches!(error, AttemptError::Silent(_));
                self.links.rules.failed(id, silent, now);
                if silent && let Some(again) = Arc::into_inner(trial.dialler).and_then(Dialler::again) {
                    self.links.idle.push((trial.uplink, again));
                }
                match error {
                    AttemptError::Refused(reason) => self.log(LinkEvent::Refused { reason }),
                    AttemptError::Failed(reason) | AttemptError::Silent(reason) => self.failed(reason, now),
                }
            }
        }
    }

    fn failed(&mut self, reason: String, now: Monotonic) {
        let told = self.links.told.as_ref();
        if told.is_none_or(|(last, at)| *last != reason || now.saturating_since(*at) >= FAILURE_PERIOD) {
            self.links.told = Some((reason.clone(), now));
            self.log(LinkEvent::Failed { reason });
        }
    }
}
