//! The driver's connections: carries out what the rules ([`crate::car::connections`]) say, and tells them what happens.

use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Driver, Link, Told, read_control};
use crate::car::connections::{Closing, Connections, Id, Signs, Step, Why};
use crate::car::gate::Feed;
use crate::car::metrics::RoundTrips;
use crate::car::session::{self, AttemptError, Dialler, Introduction, Session};
use crate::car::{CarEndpoint, CarError, LinkEvent, Uplink};
use crate::certs::TlsFiles;
use crate::estimate::{LossEstimator, RateEstimator};
use crate::wire::code;
use crate::wire::menu::CloudMenu;
use crate::wire::stream::ControlReader;

/// Failures with the same reason are told no more often than this.
const FAILURE_PERIOD: Duration = Duration::from_secs(1);

/// An attempt under way.
struct Trial {
    id: Id,
    uplink: usize,
    dialler: Arc<Dialler>,
    task: JoinHandle<()>,
    heard: bool,
}

/// A connection that does not carry the frames: it stands by, or its last answers are awaited.
struct Standing {
    id: Id,
    uplink: usize,
    session: Box<Session>,
    control: JoinHandle<()>,
}

/// What is remembered of an uplink that does not carry the frames.
struct Memory {
    estimator: RateEstimator,
    loss: LossEstimator,
}

/// All connections but the one that carries the frames, which is the driver's.
pub(super) struct Links {
    pub(super) rules: Connections,
    introduction: Introduction,
    tls: TlsFiles,
    wake: Arc<Notify>,
    uplinks: Vec<Uplink>,
    /// One for each uplink; that of the uplink in use is the driver's own.
    memories: Vec<Memory>,
    /// The uplink in use.
    uplink: usize,
    trials: Vec<Trial>,
    standing: Vec<Standing>,
    /// Endpoints whose attempt ended in silence, and their uplinks.
    idle: Vec<(usize, Dialler)>,
    suspected: bool,
    told: Option<(String, Monotonic)>,
}

impl Links {
    pub(super) fn new<B>(config: &CarEndpoint<B>, wake: &Arc<Notify>, now: Monotonic) -> Result<Self, CarError> {
        let uplinks = if config.uplinks.is_empty() { vec![Uplink::Any] } else { config.uplinks.clone() };
        // Certificates that are no good are told at once; an uplink that is not there may come later.
        let mut idle = Vec::new();
        for (index, uplink) in uplinks.iter().enumerate() {
            match Dialler::new(config.server, &config.tls, uplink, index, Arc::clone(wake)) {
                Ok(dialler) => idle.push((index, dialler)),
                Err(CarError::Start { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let memory =
            |_: &Uplink| Memory { estimator: RateEstimator::new(config.estimator), loss: LossEstimator::default() };
        Ok(Self {
            rules: Connections::new(uplinks.len(), now.as_ns()),
            introduction: Introduction {
                server: config.server,
                name: config.server_name.clone(),
                identity: config.identity.clone(),
                process: random(),
            },
            tls: config.tls.clone(),
            wake: Arc::clone(wake),
            memories: uplinks.iter().map(memory).collect(),
            uplinks,
            uplink: 0,
            trials: Vec::new(),
            standing: Vec::new(),
            idle,
            suspected: false,
            told: None,
        })
    }

    /// A new menu over a connection that does not carry the frames.
    pub(super) fn menu(&mut self, id: Id, menu: CloudMenu) {
        if let Some(standing) = self.standing.iter_mut().find(|standing| standing.id == id) {
            standing.session.menu = menu;
        }
    }

    fn name(&self, uplink: usize) -> Uplink {
        self.uplinks.get(uplink).cloned().unwrap_or_default()
    }

    fn dialler(&mut self, uplink: usize) -> Result<Dialler, CarError> {
        if let Some(index) = self.idle.iter().position(|idle| idle.0 == uplink) {
            return Ok(self.idle.swap_remove(index).1);
        }
        Dialler::new(self.introduction.server, &self.tls, &self.name(uplink), uplink, Arc::clone(&self.wake))
    }

    fn take(&mut self, id: Id) -> Option<Standing> {
        let index = self.standing.iter().position(|standing| standing.id == id)?;
        Some(self.standing.swap_remove(index))
    }
}

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// Tells the rules what the connections are like, and does what they say.
    pub(super) fn tend_links(&mut self, now: Monotonic) {
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
                        // Where it fails the connection is over, and its control stream says so.
                        let _ = standing.session.handle.ping();
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
        let suspect = self.links.rules.is_suspect(now);
        if suspect && !self.links.suspected {
            self.log(LinkEvent::Suspected);
        }
        self.links.suspected = suspect;
        if matches!(self.link, Link::Down) {
            self.answer_waiting(now);
        }
    }

    fn attempt(&mut self, id: Id, uplink: usize, now: Monotonic) {
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
    pub(super) fn attempted(
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
            Ok((session, control)) => {
                if !self.links.rules.accepted(id, signs(&session, 0), now) {
                    session.handle.close(code::DONE.into());
                    return;
                }
                let control = tokio::task::spawn_local(read_control(control, id, self.told.0.clone()));
                self.links.standing.push(Standing { id, uplink: trial.uplink, session: Box::new(session), control });
                if trial.uplink != self.links.uplink && matches!(self.link, Link::Up { .. }) {
                    let uplink = self.links.name(trial.uplink);
                    self.log(LinkEvent::StandsBy { uplink });
                }
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

    /// Lets the frames go over connection `id` from now on; the one before is kept for the answers still to come.
    fn switch_to(&mut self, id: Id, uplink: usize, why: Why, now: Monotonic) {
        let Some(next) = self.links.take(id) else { return };
        self.finish_begun(now);
        let before = std::mem::replace(&mut self.link, Link::Up { session: next.session, control: next.control });
        let moved = if let Link::Up { session, control } = before {
            self.links.standing.push(Standing { id: self.epoch, uplink: self.links.uplink, session, control });
            true
        } else {
            false
        };
        self.epoch = id;
        if uplink != self.links.uplink {
            // Out with the one, in with the other: what an uplink is like is remembered for when it is used again.
            for place in [self.links.uplink, uplink] {
                if let Some(memory) = self.links.memories.get_mut(place) {
                    std::mem::swap(&mut self.estimator, &mut memory.estimator);
                    std::mem::swap(&mut self.loss, &mut memory.loss);
                }
            }
            self.links.uplink = uplink;
        }
        let Link::Up { session, .. } = &self.link else { return };
        self.flow = session.governor.flow();
        self.seen = RoundTrips::default();
        self.feed = Feed::default();
        self.estimator.reconnected();
        self.loss.reconnected(self.flow.sent_packets, self.flow.lost_packets, self.flow.loss_bursts);
        let menu = session.menu.clone();
        self.menu(menu);
        if !moved {
            return self.log(LinkEvent::Connected);
        }
        let reason = match why {
            Why::First => "there was none",
            Why::Suspect => "the one before does not answer",
            Why::Worn => "the one before has changed its address too often, or was silent",
            Why::Worse => "the one before is clearly worse",
        };
        let uplink = self.links.name(uplink);
        self.log(LinkEvent::Moved { uplink, reason });
    }

    /// Connection `id` does not answer any more; it is kept for the case that it will.
    fn rest(&mut self, id: Id) {
        self.lose(id);
        let reason = "no answer any more".to_owned();
        if id != self.epoch || matches!(self.link, Link::Down) {
            return self.standby_lost(id, reason);
        }
        if let Link::Up { session, control } = std::mem::replace(&mut self.link, Link::Down) {
            self.links.standing.push(Standing { id, uplink: self.links.uplink, session, control });
            self.log(LinkEvent::Lost { reason });
        }
        if let Some(standing) = self.links.standing.iter().find(|standing| standing.id == id) {
            // Pings must not wait for room that only an acknowledgement can make.
            standing.session.governor.set(u64::MAX, 0.0);
        }
    }

    fn standby_lost(&mut self, id: Id, reason: String) {
        let uplink = self.links.standing.iter().find(|standing| standing.id == id).map(|standing| standing.uplink);
        if let Some(uplink) = uplink.filter(|uplink| *uplink != self.links.uplink) {
            let uplink = self.links.name(uplink);
            self.log(LinkEvent::StandbyLost { uplink, reason });
        }
    }

    /// A connection ended by itself.
    pub(super) fn ended(&mut self, id: Id, reason: String) {
        self.links.rules.lost(id);
        self.close(id, &reason, code::DONE);
    }

    fn close(&mut self, id: Id, reason: &str, code: u32) {
        self.lose(id);
        if id == self.epoch
            && let Link::Up { session, control } = std::mem::replace(&mut self.link, Link::Down)
        {
            control.abort();
            session.handle.close(code.into());
            return self.log(LinkEvent::Lost { reason: reason.to_owned() });
        }
        if code == code::DONE {
            self.standby_lost(id, reason.to_owned());
        }
        let Some(standing) = self.links.take(id) else { return };
        standing.control.abort();
        standing.session.handle.close(code.into());
    }

    /// Ends everything.
    pub(super) fn close_links(&mut self) {
        for trial in std::mem::take(&mut self.links.trials) {
            trial.task.abort();
        }
        let others: Vec<Id> = self.links.standing.iter().map(|standing| standing.id).collect();
        for id in others.into_iter().chain([self.epoch]) {
            self.close(id, "the car stops", code::DONE);
        }
    }
}

fn signs(session: &Session, frames: usize) -> Signs {
    let (flow, rtt) = (session.governor.flow(), session.metrics.round_trips());
    Signs {
        sent_bytes: flow.sent_bytes,
        acked_bytes: flow.acked_bytes,
        path_changes: session.metrics.path_changes(),
        in_flight_bytes: flow.in_flight_bytes,
        probe_timeout: session.metrics.probe_timeout(),
        rtt: rtt.smoothed,
        min_rtt: rtt.min,
        frames,
    }
}

/// A number that no other process will have: the standard library's hash maps get their keys from the system.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
