//! What the rules are told, and what they answer.

use std::collections::VecDeque;

use rt_core::clock::Monotonic;

use super::decide::RETIREMENT;
use super::health::Health;
use super::live::Live;
use super::preference::Preference;
use super::schedule::Schedule;
use super::{Id, Signs, Step, Why};

/// A connection is left after this many changes of its address: the peer has room for five, and the fifth would end it
/// (`MAX_ALLOWED_PATHS` of the stack).
const MOST_PATH_CHANGES: u32 = 3;

#[derive(Debug)]
pub(super) struct Uplink {
    pub(super) schedule: Schedule,
    pub(super) attempts: Vec<Id>,
    pub(super) live: Option<Live>,
}

/// The rules.
#[derive(Debug)]
pub(in crate::car) struct Connections {
    pub(super) uplinks: Vec<Uplink>,
    /// The connection that carries the frames.
    pub(super) active: Option<Id>,
    /// Those that were replaced, and since when.
    pub(super) retiring: Vec<(Live, Monotonic)>,
    pub(super) preference: Preference,
    pub(super) next_id: Id,
    pub(super) todo: VecDeque<Step>,
}

impl Connections {
    /// No connection yet over any of `uplinks`; the seed spreads attempts.
    pub(in crate::car) fn new(uplinks: usize, seed: u64) -> Self {
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
    pub(in crate::car) fn heard(&mut self, id: Id, now: Monotonic) {
        if let Some(uplink) = self.uplink_of_attempt(id) {
            uplink.schedule.heard(now);
        }
    }

    /// An attempt failed: `silent` where nobody answered at all.
    pub(in crate::car) fn failed(&mut self, id: Id, silent: bool, now: Monotonic) {
        if let Some(uplink) = self.uplink_of_attempt(id) {
            uplink.attempts.retain(|attempt| *attempt != id);
            if !silent {
                uplink.schedule.refused(now);
            }
        }
    }

    /// An attempt was accepted. `false` where it had been abandoned: the connection is not wanted.
    pub(in crate::car) fn accepted(&mut self, id: Id, signs: Signs, now: Monotonic) -> bool {
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
    pub(in crate::car) fn lost(&mut self, id: Id) {
        self.retiring.retain(|(live, _)| live.id != id);
        for uplink in &mut self.uplinks {
            uplink.live = uplink.live.filter(|live| live.id != id);
        }
        if self.active == Some(id) {
            self.active = None;
        }
    }

    /// What is known of a connection now.
    pub(in crate::car) fn observe(&mut self, id: Id, signs: Signs, now: Monotonic) {
        let retiring = self.retiring.iter_mut().map(|(live, _)| live);
        let standing = self.uplinks.iter_mut().filter_map(|uplink| uplink.live.as_mut());
        for live in standing.chain(retiring).filter(|live| live.id == id) {
            live.health.observe(now, &signs);
            live.signs = signs;
            live.worn |= signs.path_changes >= MOST_PATH_CHANGES;
        }
    }

    /// Whether the connection that carries the frames does not answer: what is begun on it now is likely lost.
    pub(in crate::car) fn is_suspect(&self, now: Monotonic) -> bool {
        self.live(self.active).is_some_and(|live| !live.works(now, self.has_spare(live.id, now)))
    }

    /// The next thing to do, until there is none.
    pub(in crate::car) fn step(&mut self, now: Monotonic) -> Option<Step> {
        self.lay_to_rest(now);
        self.bury(now);
        self.choose(now);
        self.want(now);
        self.todo.pop_front()
    }

    /// When the rules say something new although nothing was heard.
    pub(in crate::car) fn due(&self, now: Monotonic) -> Option<Monotonic> {
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
}
