//! What the rules decide: who rests, who is closed, which connection carries the frames, where an attempt begins.

use std::time::Duration;

use rt_core::clock::Monotonic;

use super::live::Live;
use super::rules::{Connections, Uplink};
use super::{Closing, Id, Step, Why};

/// A connection that was left is closed after this long, whatever it still waits for.
pub(super) const RETIREMENT: Duration = Duration::from_secs(1);
/// A dead connection rests for this long; both ends keep it a little longer ([`crate::wire::IDLE`]).
const REST: Duration = Duration::from_secs(60);
/// A resting connection is pinged this often: where no other works, and where one does.
const PING: Duration = Duration::from_millis(100);
const CALM_PING: Duration = Duration::from_millis(500);

impl Connections {
    /// Lets the dead rest, pings those that do, and wakes those that answer.
    pub(super) fn lay_to_rest(&mut self, now: Monotonic) {
        let every = if self.working(now) > 0 { CALM_PING } else { PING };
        for live in self.uplinks.iter_mut().filter_map(|uplink| uplink.live.as_mut()) {
            match &mut live.rests {
                None if live.health.is_dead(now) => {
                    live.rests = Some((now, now.plus(every)));
                    self.todo.push_back(Step::Rest { id: live.id });
                    if self.active == Some(live.id) {
                        self.active = None;
                    }
                }
                Some(_) if !live.health.is_dead(now) => (live.rests, live.worn) = (None, true),
                Some((_, ping)) if now >= *ping => {
                    *ping = now.plus(every);
                    self.todo.push_back(Step::Ping { id: live.id });
                }
                _ => {}
            }
        }
    }

    /// Closes what has rested for too long, or was replaced and is done.
    pub(super) fn bury(&mut self, now: Monotonic) {
        for uplink in &mut self.uplinks {
            let over = |live: &mut Live| live.rests.is_some_and(|(since, _)| now >= since.plus(REST));
            if let Some(dead) = uplink.live.take_if(over) {
                self.todo.push_back(Step::Close { id: dead.id, why: Closing::Dead });
            }
        }
        let todo = &mut self.todo;
        self.retiring.retain(|(live, since)| {
            let done = live.signs.frames == 0 || now >= since.plus(RETIREMENT);
            if done {
                todo.push_back(Step::Close { id: live.id, why: Closing::Replaced });
            }
            !done
        });
    }

    /// Sees to it that the best connection carries the frames.
    pub(super) fn choose(&mut self, now: Monotonic) {
        let healthy = |live: &Live| live.works(now, true);
        let others = self.uplinks.iter().filter_map(|uplink| uplink.live).filter(|live| Some(live.id) != self.active);
        let best = others.filter(healthy).min_by_key(|live| live.signs.rtt);
        let Some(active) = self.live(self.active) else {
            // Better one that answers late than none.
            let awake = |uplink: &Uplink| uplink.live.filter(|live| live.rests.is_none());
            let any = best.or_else(|| self.uplinks.iter().find_map(awake));
            if let Some(next) = any {
                self.make_active(next.id, next.uplink, Why::First, now);
            }
            return;
        };
        let Some(best) = best else {
            self.preference.alone();
            return;
        };
        if !healthy(&active) {
            self.make_active(best.id, best.uplink, Why::Suspect, now);
        } else if self.preference.compare(now, active.signs.rtt, best.signs.rtt) {
            self.make_active(best.id, best.uplink, Why::Worse, now);
        }
    }

    /// Begins attempts where a connection is wanted, and abandons them where one works.
    pub(super) fn want(&mut self, now: Monotonic) {
        let working = self.working(now);
        for (index, uplink) in self.uplinks.iter_mut().enumerate() {
            let (worn, rests) = uplink.live.map_or((false, false), |live| (live.worn, live.rests.is_some()));
            let works = uplink.live.is_some_and(|live| live.works(now, false));
            let calm = rests || working > usize::from(works);
            uplink.schedule.want(now, !works || worn);
            if works && !worn {
                self.todo.extend(uplink.attempts.drain(..).map(|id| Step::Abandon { id }));
            }
            if uplink.schedule.due().is_some_and(|due| now >= due) {
                let id = self.next_id;
                self.next_id += 1;
                uplink.attempts.push(id);
                uplink.schedule.begun(now, calm);
                self.todo.push_back(Step::Attempt { id, uplink: index });
            }
        }
    }

    pub(super) fn make_active(&mut self, id: Id, uplink: usize, why: Why, now: Monotonic) {
        self.active = Some(id);
        if why != Why::First {
            self.preference.moved(now);
        }
        self.todo.push_back(Step::Use { id, uplink, why });
    }

    pub(super) fn live(&self, id: Option<Id>) -> Option<Live> {
        self.uplinks.iter().filter_map(|uplink| uplink.live).find(|live| Some(live.id) == id)
    }

    /// How many uplinks have a connection that works.
    fn working(&self, now: Monotonic) -> usize {
        self.uplinks.iter().filter(|uplink| uplink.live.is_some_and(|live| live.works(now, false))).count()
    }

    /// Whether a connection other than `id` could take over now.
    pub(super) fn has_spare(&self, id: Id, now: Monotonic) -> bool {
        let others = self.uplinks.iter().filter_map(|uplink| uplink.live).filter(|live| live.id != id);
        others.into_iter().any(|live| live.works(now, true))
    }

    pub(super) fn uplink_of_attempt(&mut self, id: Id) -> Option<&mut Uplink> {
        self.uplinks.iter_mut().find(|uplink| uplink.attempts.contains(&id))
    }
}
