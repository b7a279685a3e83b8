//! Depth-first search of the services that are not listed, one level each, and the look into the list below them.

use std::cmp::Ordering;

use super::item::{Item, Limits, Sums};
use super::kin::{ANY, Kin, allows};
use super::list::{Entry, List};
use super::prices::Prices;
use super::round::Level;

/// Most nodes and listed answers one solve visits.
pub(crate) const VISIT_LIMIT: u32 = 1 << 23;

/// What the search knows beforehand.
pub(crate) struct Ground<'a> {
    /// Items per service, by rising loss.
    pub cores: &'a [Vec<Item>],
    pub kin: &'a Kin,
    pub list: &'a List,
    pub limits: Limits,
    pub prices: Prices,
}

/// The best answer so far, and the way to the present node.
#[derive(Debug, Default)]
pub(crate) struct Incumbent {
    pub sums: Sums,
    pub ranks: Vec<usize>,
    /// Where the items of the way stand among those that are looked at.
    pub path: Vec<usize>,
    /// The ranks of an answer that may be as good.
    pub rival: Vec<usize>,
    /// Answers that lose more than this off the root's bound are not looked for.
    pub reach: f64,
    pub visits: u32,
}

impl Ground<'_> {
    /// Tries every item of the last of `levels`, and what is below it.
    pub(crate) fn descend(&self, best: &mut Incumbent, levels: &[Level], sums: Sums, loss: f64) {
        let Some((level, below)) = levels.split_last() else { return self.look(best, sums, loss) };
        let items = self.cores.get(level.service).map(Vec::as_slice).unwrap_or_default();
        let beside = level.kin.and_then(|kin| best.path.get(kin));
        let beside = beside.map_or(ANY, |&place| self.kin.beside(level.service, place));
        for (place, item) in items.iter().enumerate() {
            let loss = loss + item.loss;
            // The items rise in loss: where one is out of reach, all after it are.
            if loss > best.reach || best.visits >= VISIT_LIMIT {
                return;
            }
            let sums = sums.plus(item.sums);
            if !allows(beside, place) || !sums.fits(level.limits) {
                continue;
            }
            best.visits += 1;
            if let Some(slot) = best.path.get_mut(level.service) {
                *slot = place;
            }
            if below.is_empty() { self.look(best, sums, loss) } else { self.descend(best, below, sums, loss) }
        }
    }

    /// Completes the answer by what the list has for it.
    #[inline(always)] // A third of a hard solve is spent here.
    fn look(&self, best: &mut Incumbent, sums: Sums, loss: f64) {
        let left = self.prices.budget - self.prices.of(&sums);
        let unpaid = best.reach - loss;
        let entries = self.list.paying(left - unpaid - self.prices.slack, left + self.prices.slack);
        best.visits = best.visits.saturating_add(entries.len() as u32);
        let (key, free) = (best.sums.key - sums.key, self.limits.less(sums));
        for entry in entries {
            if (entry.sums.key >= key) & entry.sums.fits(free) {
                self.take(best, sums.plus(entry.sums), entry);
            }
        }
    }

    /// Makes the answer the best so far, if it is.
    #[cold]
    fn take(&self, best: &mut Incumbent, sums: Sums, entry: &Entry) {
        let order = sums.cmp_best_first(&best.sums);
        if order == Ordering::Greater {
            return;
        }
        self.list.write_places(entry, &mut best.path);
        best.rival.clear();
        let picks = self.cores.iter().zip(&best.path).filter_map(|(items, &place)| items.get(place));
        best.rival.extend(picks.map(|item| item.rank));
        if order == Ordering::Less || best.rival < best.ranks {
            best.sums = sums;
            std::mem::swap(&mut best.ranks, &mut best.rival);
            best.reach = best.reach.min(self.prices.bound - sums.key);
        }
    }
}
