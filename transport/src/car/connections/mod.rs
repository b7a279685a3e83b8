//! Which connections there are, which one carries the frames, and when to try for another: the rules alone, with
//! neither socket nor clock.
//!
//! Every uplink (one, or one for each interface the car may use) wants one connection that works. It has none, or one
//! that is suspect ([`health`]) or has changed its address too often: then attempts begin ([`schedule`]), in parallel
//! with each other and with what still lives, and the first that is accepted takes over. What it replaces carries the
//! answers of the frames it has, begins no other, and is closed when they are done. A dead connection is not given up at
//! once but rests, with a ping of some 70 bytes ten times a second: when the path comes back, the first of them that is
//! acknowledged brings the car back in one round trip, without a handshake, and a fresh connection takes over from there
//! (the old one's round-trip times have the silence in them). Of the uplinks whose connections
//! work, one carries the frames ([`preference`]); the others stand by, with pings only.

mod health;
mod preference;
mod schedule;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use rt_core::clock::Monotonic;

use health::Health;
use preference::Preference;
use schedule::Schedule;

/// Names an attempt, and the connection that comes of it.
pub(super) type Id = u64;

/// A connection is left after this many changes of its address: the peer has room for five, and the fifth would end it
/// (`MAX_ALLOWED_PATHS` of the stack).
const MOST_PATH_CHANGES: u32 = 3;
/// A connection that was left is closed after this long, whatever it still waits for.
const RETIREMENT: Duration = Duration::from_secs(1);

/// A dead connection rests for this long; both ends keep it a little longer ([`crate::wire::IDLE`]).
const REST: Duration = Duration::from_secs(60);
/// A resting connection is pinged this often: where no other works, and where one does.
const PING: Duration = Duration::from_millis(100);
const CALM_PING: Duration = Duration::from_millis(500);

/// What is known of one connection at a moment; the first three are totals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Signs {
    pub(super) sent_bytes: u64,
    pub(super) acked_bytes: u64,
    /// Changes of this end's address, as the peer sees it.
    pub(super) path_changes: u32,
    pub(super) in_flight_bytes: u64,
    pub(super) probe_timeout: Duration,
    /// Smoothed round trip.
    pub(super) rtt: Duration,
    pub(super) min_rtt: Duration,
    /// Frames on it that are still to be answered.
    pub(super) frames: usize,
}

/// Why frames go another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There was no connection.
    First,
    /// The one before does not answer.
    Suspect,
    /// The one before has changed its address too often, or has rested.
    Worn,
    /// The other uplink is clearly better.
    Worse,
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// It has rested for too long.
    Dead,
    /// Another has taken over, and its last frame is done.
    Replaced,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Try to connect over this uplink.
    Attempt { id: Id, uplink: usize },
    /// Stop trying.
    Abandon { id: Id },
    /// Frames go over this connection from now on; `uplink` is its own.
    Use { id: Id, uplink: usize, why: Why },
    /// This connection does not answer any more: its frames are lost, but it is kept.
    Rest { id: Id },
    /// Ping it.
    Ping { id: Id },
    /// End this connection.
    Close { id: Id, why: Closing },
}

/// A connection on which the car was accepted.
#[derive(Clone, Copy, Debug)]
struct Live {
    id: Id,
    uplink: usize,
    health: Health,
    signs: Signs,
    /// Since when it rests, and when it is pinged next.
    rests: Option<(Monotonic, Monotonic)>,
    /// Its successor is wanted, though it works.
    worn: bool,
}

impl Live {
    fn works(&self, now: Monotonic, spare: bool) -> bool {
        self.rests.is_none() && !self.health.is_suspect(now, spare)
    }
}

#[derive(Debug)]
struct Uplink {
    schedule: Schedule,
    attempts: Vec<Id>,
    live: Option<Live>,
}

/// The rules.
#[derive(Debug)]
pub(super) struct Connections {
    uplinks: Vec<Uplink>,
    /// The connection that carries the frames.
    active: Option<Id>,
    /// Those that were replaced, and since when.
    retiring: Vec<(Live, Monotonic)>,
    preference: Preference,
    next_id: Id,
    todo: VecDeque<Step>,
}

impl Connections {
    /// No connection yet over any of `uplinks`; the seed spreads attempts.
    pub(super) fn new(uplinks: usize, seed: u64) -> Self {
        let uplink = |index: usize| {
            let schedule = Schedule::new(seed.wrapping_add(index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            Uplink { schedule, attempts: Vec::new(), live: None }
        };
        Self {
            uplinks: (0..uplinks.max(1)).map(uplink).collect(),
            active: None,
            retiring: Vec::new(),
            preference: Preference::default(),
            next_id: 1,
            todo: VecDeque::new(),
        }
    }

    /// The cloud answered an attempt; whether it accepts it is not known yet.
    pub(super) fn heard(&mut self, id: Id, now: Monotonic) {
        if let Some(uplink) = self.uplink_of_attempt(id) {
            uplink.schedule.heard(now);
        }
    }

    /// An attempt failed: `silent` where nobody answered at all.
    pub(super) fn failed(&mut self, id: Id, silent: bool, now: Monotonic) {
        if let Some(uplink) = self.uplink_of_attempt(id) {
            uplink.attempts.retain(|attempt| *attempt != id);
            if !silent {
                uplink.schedule.refused(now);
            }
        }
    }

    /// An attempt was accepted. `false` where it had been abandoned: the connection is not wanted.
    pub(super) fn accepted(&mut self, id: Id, signs: Signs, now: Monotonic) -> bool {
        let Some(index) = self.uplinks.iter().position(|uplink| uplink.attempts.contains(&id)) else { return false };
        let Some(uplink) = self.uplinks.get_mut(index) else { return false };
        uplink.attempts.retain(|attempt| *attempt != id);
        let health = Health::new(&signs);
        let before = uplink.live.replace(Live { id, uplink: index, health, signs, rests: None, worn: false });
        let why = match before {
            Some(old) if old.works(now, false) => Why::Worn,
            Some(old) if old.rests.is_none() => Why::Suspect,
            _ => Why::First,
        };
        if let Some(old) = before {
            self.retiring.push((old, now));
        }
        if self.active.is_none() || before.is_some_and(|old| self.active == Some(old.id)) {
            self.make_active(id, index, why, now);
        }
        true
    }

    /// A connection ended by itself.
    pub(super) fn lost(&mut self, id: Id) {
        self.retiring.retain(|(live, _)| live.id != id);
        for uplink in &mut self.uplinks {
            uplink.live = uplink.live.filter(|live| live.id != id);
        }
        if self.active == Some(id) {
            self.active = None;
        }
    }

    /// What is known of a connection now.
    pub(super) fn observe(&mut self, id: Id, signs: Signs, now: Monotonic) {
        let retiring = self.retiring.iter_mut().map(|(live, _)| live);
        let standing = self.uplinks.iter_mut().filter_map(|uplink| uplink.live.as_mut());
        for live in standing.chain(retiring).filter(|live| live.id == id) {
            live.health.observe(now, &signs);
            live.signs = signs;
            live.worn |= signs.path_changes >= MOST_PATH_CHANGES;
        }
    }

    /// Whether the connection that carries the frames does not answer: what is begun on it now is likely lost.
    pub(super) fn is_suspect(&self, now: Monotonic) -> bool {
        self.live(self.active).is_some_and(|live| !live.works(now, self.has_spare(live.id, now)))
    }

    /// The next thing to do, until there is none.
    pub(super) fn step(&mut self, now: Monotonic) -> Option<Step> {
        self.lay_to_rest(now);
        self.bury(now);
        self.choose(now);
        self.want(now);
        self.todo.pop_front()
    }

    /// When the rules say something new although nothing was heard.
    pub(super) fn due(&self, now: Monotonic) -> Option<Monotonic> {
        let attempts = self.uplinks.iter().filter_map(|uplink| uplink.schedule.due());
        let standing = self.uplinks.iter().filter_map(|uplink| uplink.live);
        let turns = standing.flat_map(|live| {
            let suspect_at = |spare| live.health.suspect_at(spare).filter(|_| live.rests.is_none());
            let rest = live.rests.map_or(live.health.dead_at(), |(_, ping)| Some(ping));
            [suspect_at(self.has_spare(live.id, now)), suspect_at(false), rest]
        });
        let retiring = self.retiring.iter().map(|(_, since)| since.plus(RETIREMENT));
        attempts.chain(turns.flatten().filter(|at| *at > now)).chain(retiring).chain(self.preference.due()).min()
    }

    /// Lets the dead rest, pings those that do, and wakes those that answer.
    fn lay_to_rest(&mut self, now: Monotonic) {
        let calm = self.works(now).iter().any(|works| *works);
        let every = if calm { CALM_PING } else { PING };
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
    fn bury(&mut self, now: Monotonic) {
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
    fn choose(&mut self, now: Monotonic) {
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
    fn want(&mut self, now: Monotonic) {
        let works = self.works(now);
        for (index, uplink) in self.uplinks.iter_mut().enumerate() {
            let worn = uplink.live.is_some_and(|live| live.worn);
            let own = works.get(index).copied().unwrap_or(false);
            let rests = uplink.live.is_some_and(|live| live.rests.is_some());
            let calm = rests || works.iter().enumerate().any(|(other, works)| other != index && *works);
            uplink.schedule.want(now, !own || worn);
            if own && !worn {
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

    fn make_active(&mut self, id: Id, uplink: usize, why: Why, now: Monotonic) {
        self.active = Some(id);
        if why != Why::First {
            self.preference.moved(now);
        }
        self.todo.push_back(Step::Use { id, uplink, why });
    }

    fn live(&self, id: Option<Id>) -> Option<Live> {
        self.uplinks.iter().filter_map(|uplink| uplink.live).find(|live| Some(live.id) == id)
    }

    /// Of each uplink, whether its connection works.
    fn works(&self, now: Monotonic) -> Vec<bool> {
        self.uplinks.iter().map(|uplink| uplink.live.is_some_and(|live| live.works(now, false))).collect()
    }

    /// Whether a connection other than `id` could take over now.
    fn has_spare(&self, id: Id, now: Monotonic) -> bool {
        let others = self.uplinks.iter().filter_map(|uplink| uplink.live).filter(|live| live.id != id);
        others.into_iter().any(|live| live.works(now, true))
    }

    fn uplink_of_attempt(&mut self, id: Id) -> Option<&mut Uplink> {
        self.uplinks.iter_mut().find(|uplink| uplink.attempts.contains(&id))
    }
}
