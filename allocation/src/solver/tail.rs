//! All answers of the last services of the search, listed once.
//!
//! Where the search comes to them, it only looks through the list (meeting in the middle, Horowitz and Sahni, 1974). A
//! list is short, since only what the losses leave in reach of the incumbent is on it, and it stands in order of loss,
//! so that a look ends early.

use std::cmp::Ordering;

use super::item::{Item, Limits, Sums};
use super::prices::Prices;
use super::search::Level;

/// Most entries of the list. Longer ones cost more to make than they save.
const MOST_ENTRIES: usize = 256;
/// Most services in the list: their ranks are packed into one number.
const MOST_MEMBERS: usize = 8;
/// Bits of a rank in the pack.
const RANK_BITS: usize = 16;

/// One answer of the last services.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub sums: Sums,
    pub loss: f64,
    ranks: u128,
}

/// The list, with its storage.
#[derive(Debug)]
pub(crate) struct Tail {
    entries: Vec<Entry>,
    merged: Vec<Entry>,
    scratch: Vec<Entry>,
    /// Index of the service at each place of the pack, and the places in order of that index.
    members: Vec<(usize, usize)>,
}

impl Tail {
    pub(crate) fn new() -> Self {
        let room = || Vec::with_capacity(MOST_ENTRIES);
        Self { entries: room(), merged: room(), scratch: room(), members: Vec::with_capacity(MOST_MEMBERS) }
    }

    /// Lists the answers of as many of the last levels as there is room for; returns how many levels come before.
    /// What loses more than `gap` is left out.
    pub(crate) fn build(
        &mut self,
        services: &[Vec<Item>],
        levels: &[Level],
        prices: Prices,
        limits: Limits,
        gap: f64,
    ) -> usize {
        self.members.clear();
        self.entries.clear();
        self.entries.push(Entry::default());
        let head = head_length(services, levels);
        let mut most = 0.0;
        for level in levels.iter().skip(head).rev() {
            most += level.most;
            let left = Limits {
                uplink: limits.uplink - level.least_before.rate,
                cloud: limits.cloud - level.least_before.cloud,
            };
            let items = services.get(level.service).map(Vec::as_slice).unwrap_or_default();
            self.extend(level.service, items, |sums| {
                // From the sums alone, so that equal sums have equal losses.
                let loss = most - sums.reduced(prices.rate, prices.cloud);
                (loss <= gap && sums.fits(left)).then_some(loss)
            });
        }
        head
    }

    /// Adds a service to every entry; `loss` says what sums lose, where they are in reach.
    fn extend(&mut self, service: usize, items: &[Item], loss: impl Fn(&Sums) -> Option<f64>) {
        let place = self.members.len();
        self.members.push((service, place));
        self.members.sort_unstable();
        self.merged.clear();
        for item in items {
            let added = self.entries.iter().filter_map(|entry| {
                let sums = entry.sums.plus(item.sums);
                let ranks = entry.ranks | ((item.rank as u128) << (place * RANK_BITS));
                loss(&sums).map(|loss| Entry { sums, loss, ranks })
            });
            self.scratch.clear();
            merge(&mut self.scratch, &self.merged, added, &self.members);
            std::mem::swap(&mut self.merged, &mut self.scratch);
        }
        std::mem::swap(&mut self.entries, &mut self.merged);
    }

    /// The answers, by rising loss.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Writes an answer's ranks to the places of its services.
    pub(crate) fn write_ranks(&self, entry: &Entry, ranks: &mut [usize]) {
        for &(service, place) in &self.members {
            if let Some(slot) = ranks.get_mut(service) {
                *slot = rank_at(entry.ranks, place);
            }
        }
    }
}

/// The least number of levels above the list: the product of the menus below has room, and no service below has a twin
/// above, whose order the search would have to mind.
fn head_length(services: &[Vec<Item>], levels: &[Level]) -> usize {
    let (mut head, mut product) = (levels.len(), 1);
    for (depth, level) in levels.iter().enumerate().rev() {
        let items = services.get(level.service).map(Vec::as_slice).unwrap_or_default();
        product *= items.len();
        let packs = items.iter().all(|item| item.rank < 1 << RANK_BITS);
        if product > MOST_ENTRIES || levels.len() - depth > MOST_MEMBERS || !packs {
            break;
        }
        let above = levels.get(..depth).unwrap_or_default();
        let below = levels.get(depth..).unwrap_or_default();
        let twin_above = |level: &Level| above.iter().any(|other| Some(other.service) == level.twin);
        if !below.iter().any(twin_above) {
            head = depth;
        }
    }
    head
}

/// Merges two lists by rising loss; of equal answers only the one that wins ties stays.
fn merge(into: &mut Vec<Entry>, old: &[Entry], added: impl Iterator<Item = Entry>, members: &[(usize, usize)]) {
    let (mut old, mut added) = (old.iter().copied().peekable(), added.peekable());
    loop {
        let next = match (old.peek(), added.peek()) {
            (Some(a), Some(b)) if a.loss <= b.loss => old.next(),
            (_, Some(_)) => added.next(),
            (Some(_), None) => old.next(),
            (None, None) => return,
        };
        let Some(next) = next else { return };
        match into.last_mut().filter(|last| last.sums == next.sums) {
            Some(last) if cmp_ranks(members, next.ranks, last.ranks).is_lt() => *last = next,
            Some(_) => {}
            None => into.push(next),
        }
    }
}

fn rank_at(ranks: u128, place: usize) -> usize {
    (ranks >> (place * RANK_BITS)) as usize & ((1 << RANK_BITS) - 1)
}

/// Lowest ranks first, from the first service on.
fn cmp_ranks(members: &[(usize, usize)], a: u128, b: u128) -> Ordering {
    members
        .iter()
        .map(|&(_, place)| rank_at(a, place).cmp(&rank_at(b, place)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}
