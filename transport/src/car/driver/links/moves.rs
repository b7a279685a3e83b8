//! From one connection to another, and the end of each.

use rt_core::clock::Monotonic;

use super::{Driver, Link, Standing};
use crate::car::LinkEvent;
use crate::car::connections::{Id, Why};
use crate::car::gate::Feed;
use crate::car::metrics::RoundTrips;
use crate::wire::code;

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// Lets the frames go over connection `id` from now on; the one before is kept for the answers still to come.
    pub(super) fn switch_to(&mut self, id: Id, uplink: usize, why: Why, now: Monotonic) {
        let Some(next) = self.links.take(id) else { return };
        self.finish_begun(now);
        let before = std::mem::replace(&mut self.link, Link::Up { session: next.session, control: next.control });
        let moved = if let Link::Up { session, control } = before {
            self.links.standing.push(Standing {
                id: self.epoch,
                uplink: self.links.uplink,
                session,
                control,
                told: true,
            });
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
                    std::mem::swap(&mut self.min_rtt, &mut memory.min_rtt);
                }
            }
            self.links.uplink = uplink;
        }
        let Link::Up { session, .. } = &self.link else { return };
        self.flow = session.governor.flow();
        self.seen = RoundTrips::default();
        self.feed = Feed::default();
        self.min_rtt.reconnected(now);
        self.clocks.reconnected();
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
    pub(super) fn rest(&mut self, id: Id) {
        self.lose(id);
        let reason = "no answer any more".to_owned();
        if id != self.epoch || matches!(self.link, Link::Down) {
            return self.standby_lost(id, reason);
        }
        if let Link::Up { session, control } = std::mem::replace(&mut self.link, Link::Down) {
            self.links.standing.push(Standing { id, uplink: self.links.uplink, session, control, told: true });
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
    pub(in crate::car::driver) fn ended(&mut self, id: Id, reason: String) {
        self.links.rules.lost(id);
        self.close(id, &reason, code::DONE);
    }

    pub(super) fn close(&mut self, id: Id, reason: &str, code: u32) {
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
    pub(in crate::car::driver) fn close_links(&mut self) {
        for trial in std::mem::take(&mut self.links.trials) {
            trial.task.abort();
        }
        let others: Vec<Id> = self.links.standing.iter().map(|standing| standing.id).collect();
        for id in others.into_iter().chain([self.epoch]) {
            self.close(id, "the car stops", code::DONE);
        }
    }
}
