//! The main thread's rounds: what happens to the link is told, every thread is watched, and the end is brought about.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::{State, Supervisor};
use rt_core::stop::StopToken;
use telemetry::subscribe::{Hub, NoteKind};
use transport::car::LinkEvent;
use transport::certs::{Car, Credentials};

use super::notices::NoticeTeller;
use crate::credentials;
use crate::signals::Hangup;

/// The longest time between two rounds; a short heartbeat limit shortens it.
const PERIOD: Duration = Duration::from_millis(100);

/// What the rounds go by.
pub struct Rounds<'a> {
    /// Set by a signal.
    pub stop: StopToken,
    /// Rung by `stop`, and by a thread that ends.
    pub bell: Doorbell,
    /// How long the car is to work; without limit where nothing is said.
    pub run_for: Option<Duration>,
    /// What happens to the link.
    pub link: LinkTeller,
    /// What the allocator changes and notices.
    pub allocator: &'a mut NoticeTeller,
    /// SIGHUP.
    pub hangup: Hangup,
    /// What it has read again, for the connections to come.
    pub credentials: Option<Credentials<Car>>,
}

impl Rounds<'_> {
    /// Makes rounds until the time is up, the stop token is set or the system is in fault; it is stopped then. Returns
    /// where that leaves it.
    pub fn make(mut self, supervisor: &mut Supervisor) -> State {
        let end = self.run_for.map(|length| Monotonic::now().plus(length));
        loop {
            let seen = self.bell.count();
            self.link.tell();
            self.allocator.tell();
            if self.hangup.take()
                && let Some(credentials) = &self.credentials
            {
                credentials::renew(credentials, &self.link.hub);
            }
            let now = Monotonic::now();
            if supervisor.observe(now) == State::Fault {
                return State::Fault;
            }
            if self.stop.is_set() {
                return supervisor.drain("a signal came");
            }
            if end.is_some_and(|end| now >= end) {
                return supervisor.drain("its time is up");
            }
            let period = supervisor.watch().period().map_or(PERIOD, |period| period.min(PERIOD));
            let next = now.plus(period);
            self.bell.wait_until(seen, end.map_or(next, |end| end.min(next)));
        }
    }
}

/// Tells on standard error, and to subscribers, what happens to the link.
pub struct LinkTeller {
    events: Option<rtrb::Consumer<LinkEvent>>,
    last_failure: Option<String>,
    hub: Hub,
}

impl LinkTeller {
    /// For a car with a cloud, or without.
    pub const fn new(events: Option<rtrb::Consumer<LinkEvent>>, hub: Hub) -> Self {
        Self { events, last_failure: None, hub }
    }

    fn tell(&mut self) {
        while let Some(event) = self.events.as_mut().and_then(|events| events.pop().ok()) {
            if let Some((kind, line)) = self.line(event) {
                self.hub.say(kind, &format!("link: {line}"));
            }
        }
    }

    fn line(&mut self, event: LinkEvent) -> Option<(NoteKind, String)> {
        Some(match event {
            LinkEvent::Connected => (NoteKind::Connected, "connected to the cloud".to_owned()),
            LinkEvent::Suspected => (NoteKind::Disconnected, "no answer; trying for another connection".to_owned()),
            LinkEvent::Moved { uplink, reason } => {
                (NoteKind::Connected, format!("moved to another connection over {uplink}: {reason}"))
            }
            LinkEvent::StandsBy { uplink } => (NoteKind::Connected, format!("a connection over {uplink} stands by")),
            LinkEvent::StandbyLost { uplink, reason } => {
                (NoteKind::Disconnected, format!("the one over {uplink} is lost: {reason}"))
            }
            LinkEvent::Lost { reason } => (NoteKind::Disconnected, format!("lost: {reason}; the car decides alone")),
            LinkEvent::Refused { reason } => (NoteKind::Rejected, format!("the cloud refuses this car: {reason}")),
            // Attempts go on for ever; the same reason is told once.
            LinkEvent::Failed { reason } if self.last_failure.as_ref() == Some(&reason) => return None,
            LinkEvent::Failed { reason } => {
                let line = format!("no connection: {reason}; trying on, the car decides alone");
                self.last_failure = Some(reason);
                (NoteKind::Disconnected, line)
            }
            LinkEvent::RepliesDropped { count } => {
                (NoteKind::Loss, format!("{count} results had no room in their ring"))
            }
        })
    }
}
