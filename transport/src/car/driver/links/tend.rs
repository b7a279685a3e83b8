//! Between the rules and the connections.

use rt_core::clock::Monotonic;

use super::{Driver, Link};
use crate::car::LinkEvent;
use crate::car::connections::{Closing, Id, Signs, Step};
use crate::car::session::Session;
use crate::wire::code;

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// Tells the rules what the connections are like, and does what they say.
    pub(in crate::car::driver) fn tend_links(&mut self, now: Monotonic) {
        let frames = |id: Id| self.flights.iter().filter(|flight| flight.connection == id).count();
        let rules = &mut self.links.rules;
        if let Link::Up { session, .. } = &self.link {
            rules.observe(self.epoch, signs(session, frames(self.epoch)), now);
        }
        for standing in &self.links.standing {
            rules.observe(standing.id, signs(&standing.session, frames(standing.id)), now);
        }
        for trial in self.links.trials.iter_mut().filter(|trial| !trial.heard && trial.dialler.was_heard()) {
            trial.heard = true;
            rules.heard(trial.id, now);
        }
        while let Some(step) = self.links.rules.step(now) {
            match step {
                Step::Attempt { id, uplink } => self.attempt(id, uplink, now),
                Step::Abandon { id } => {
                    for trial in self.links.trials.extract_if(.., |trial| trial.id == id) {
                        trial.task.abort();
                    }
                }
                Step::Use { id, uplink, why } => self.switch_to(id, uplink, why, now),
                Step::Rest { id } => self.rest(id),
                Step::Ping { id } => {
                    if let Some(standing) = self.links.standing.iter_mut().find(|standing| standing.id == id) {
                        standing.session.ping();
                    }
                }
                Step::Close { id, why } => {
                    let (reason, code) = match why {
                        Closing::Dead => ("no answer for too long", code::DONE),
                        Closing::Replaced => ("another took over", code::REPLACED),
                    };
                    self.close(id, reason, code);
                }
            }
        }
        self.tell_standbys();
        let suspect = self.links.rules.is_suspect(now);
        if suspect && !self.links.suspected {
            self.log(LinkEvent::Suspected);
        }
        self.links.suspected = suspect;
        if matches!(self.link, Link::Down) {
            self.answer_waiting(now);
        }
    }

    /// Tells of new connections over uplinks that do not carry the frames.
    fn tell_standbys(&mut self) {
        if matches!(self.link, Link::Down) {
            return;
        }
        let used = self.links.uplink;
        while let Some(standing) = self.links.standing.iter_mut().find(|s| !s.told && s.uplink != used) {
            standing.told = true;
            let uplink = standing.uplink;
            let uplink = self.links.name(uplink);
            self.log(LinkEvent::StandsBy { uplink });
        }
    }
}

pub(super) fn signs(session: &Session, frames: usize) -> Signs {
    let (flow, rtt) = (session.governor.flow(), session.metrics.round_trips());
    Signs {
        sent_bytes: flow.sent_bytes,
        acked_bytes: flow.acked_bytes,
        path_changes: session.metrics.path_changes(),
        in_flight_bytes: flow.in_flight_bytes,
        probe_timeout: session.metrics.probe_timeout(),
        rtt: rtt.smoothed,
        min_rtt: session.metrics.min_rtt(),
        frames,
    }
}
