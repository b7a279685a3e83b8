//! All answers of some of the services, listed once, so that the search of the others looks up what completes theirs
//! (meeting in the middle, Horowitz and Sahni, 1974).
//!
//! An answer whose key is not below the wanted leaves little of the capacities unused: what its parts pay at the prices
//! comes to the cost of both capacities, less what may still be lost. So the entries stand in classes of what they pay,
//! and of a long list a look-up sees a few.

use super::item::{Item, Limits, Sums};
use super::kin::{ANY, Kin, allows};
use super::prices::Prices;

/// Most entries of the list.
const MOST_ENTRIES: usize = 4096;
/// Most services in the list and most items of each: their places are packed into one number.
const MOST_MEMBERS: usize = 8;
const MOST_ITEMS: usize = 1 << PLACE_BITS;
const PLACE_BITS: usize = 8;
/// Classes of what the entries pay.
const CLASSES: usize = 256;

/// One answer of the listed services.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub sums: Sums,
    /// What it loses while the list grows, and what it pays at the prices when that is done.
    amount: f64,
    /// Where its items stand among those of their services, the first member's in the lowest bits.
    places: u64,
}

/// The list, with its storage.
#[derive(Debug)]
pub(crate) struct List {
    /// The services.
    members: Vec<usize>,
    entries: Vec<Entry>,
    next: Vec<Entry>,
    /// Where each class begins among the entries.
    starts: Vec<usize>,
    least_paid: f64,
    classes_per_unit: f64,
}

impl List {
    pub(crate) fn new() -> Self {
        let room = || Vec::with_capacity(MOST_ENTRIES);
        let (members, starts) = (Vec::with_capacity(MOST_MEMBERS), Vec::with_capacity(CLASSES + 2));
        Self { members, entries: room(), next: room(), starts, least_paid: 0.0, classes_per_unit: 0.0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Begins with the one answer of no services.
    pub(crate) fn clear(&mut self) {
        self.members.clear();
        self.entries.clear();
        self.entries.push(Entry::default());
    }

    /// The services, the latest first.
    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        self.members.iter().rev().copied()
    }

    /// Adds a service, of which `cores` has the items by rising loss, to every entry that then fits `limits` and loses
    /// at most `reach`, and beside its kin's items those that may stand there. Where there is no room the list stays as
    /// it was, and the answer is `false`.
    pub(crate) fn extend(
        &mut self,
        (service, items): (usize, &[Item]),
        kin: Option<(usize, &Kin)>,
        limits: Limits,
        reach: f64,
    ) -> bool {
        if self.members.len() == MOST_MEMBERS || items.len() > MOST_ITEMS {
            return false;
        }
        let kin = kin.and_then(|(other, kin)| Some((self.members.iter().position(|&member| member == other)?, kin)));
        let shift = self.members.len() * PLACE_BITS;
        self.next.clear();
        for entry in &self.entries {
            if self.next.len() + items.len() > MOST_ENTRIES {
                return false;
            }
            let beside = kin.map_or(ANY, |(member, kin)| kin.beside(service, entry.place(member)));
            for (place, item) in items.iter().enumerate() {
                let amount = entry.amount + item.loss;
                if amount > reach {
                    break;
                }
                let sums = entry.sums.plus(item.sums);
                if allows(beside, place) && sums.fits(limits) {
                    self.next.push(Entry { sums, amount, places: entry.places | (place as u64) << shift });
                }
            }
        }
        self.members.push(service);
        std::mem::swap(&mut self.entries, &mut self.next);
        true
    }

    /// Puts the entries into classes, each of which begins where those before it end (counting sort).
    pub(crate) fn classify(&mut self, prices: Prices) {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for entry in &mut self.entries {
            let paid = prices.of(&entry.sums);
            entry.amount = paid;
            least = if paid < least { paid } else { least };
            most = if paid > most { paid } else { most };
        }
        self.least_paid = least;
        self.classes_per_unit = if most > least { CLASSES as f64 / (most - least) } else { 0.0 };
        // Two places further on, so that filling a class moves the begin of the next one to where it is.
        self.starts.clear();
        self.starts.resize(CLASSES + 2, 0);
        for entry in &self.entries {
            let class = self.class_of(entry.amount);
            if let Some(count) = self.starts.get_mut(class + 2) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        self.next.resize(self.entries.len(), Entry::default());
        for entry in &self.entries {
            let class = self.class_of(entry.amount);
            let Some(at) = self.starts.get_mut(class + 1) else { continue };
            if let Some(slot) = self.next.get_mut(*at) {
                *slot = *entry;
            }
            *at += 1;
        }
        std::mem::swap(&mut self.entries, &mut self.next);
    }

    /// The conversion saturates.
    fn class_of(&self, paid: f64) -> usize {
        (((paid - self.least_paid) * self.classes_per_unit) as i32).clamp(0, CLASSES as i32 - 1) as usize
    }

    /// The answers that pay from `least` to `most` at the prices, and maybe others.
    pub(crate) fn paying(&self, least: f64, most: f64) -> &[Entry] {
        let from = self.starts.get(self.class_of(least)).copied().unwrap_or_default();
        let to = self.starts.get(self.class_of(most) + 1).copied().unwrap_or_default();
        self.entries.get(from..to).unwrap_or_default()
    }

    /// Writes where an entry's items stand to the places of their services.
    pub(crate) fn write_places(&self, entry: &Entry, path: &mut [usize]) {
        for (member, &service) in self.members.iter().enumerate() {
            if let Some(slot) = path.get_mut(service) {
                *slot = entry.place(member);
            }
        }
    }
}

impl Entry {
    fn place(&self, member: usize) -> usize {
        (self.places >> (member * PLACE_BITS)) as usize & (MOST_ITEMS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Limits = Limits { uplink: f64::INFINITY, cloud: f64::INFINITY };

    fn core(raw: Vec<(u16, u16, u16)>) -> Vec<Item> {
        let items = raw.into_iter().enumerate().map(|(rank, (loss, rate, cloud))| {
            let sums = Sums { key: 0.0, rate: rate.into(), cloud: cloud.into() };
            Item { sums, loss: loss.into(), rank }
        });
        let mut items: Vec<Item> = items.collect();
        items.sort_by(|a, b| a.loss.total_cmp(&b.loss));
        items
    }

    proptest! {
        #[test]
        fn everything_in_reach_is_listed_and_found_by_what_it_pays(
            raw in prop::collection::vec(prop::collection::vec((0..9_u16, 0..99_u16, 0..99_u16), 1..7), 1..5),
            reach in 0.0..20.0_f64,
            rate in 0.0..2.0_f64,
            cloud in 0.0..2.0_f64,
            from in -10.0..500.0_f64,
            width in 0.0..100.0_f64,
        ) {
            let cores: Vec<Vec<Item>> = raw.into_iter().map(core).collect();
            let prices = Prices { rate, cloud, ..Prices::default() };
            let mut list = List::new();
            list.clear();
            let mut every = vec![(Vec::new(), Sums::default(), 0.0)];
            for (service, items) in cores.iter().enumerate() {
                prop_assert!(list.extend((service, items), None, ALL, reach));
                let with = |(path, sums, loss): &(Vec<usize>, Sums, f64), place: usize, item: &Item| {
                    ([path.as_slice(), &[place]].concat(), sums.plus(item.sums), loss + item.loss)
                };
                let longer = every.iter().flat_map(|way| items.iter().enumerate().map(move |(at, item)| with(way, at, item)));
                every = longer.filter(|(.., loss)| *loss <= reach).collect();
            }
            list.classify(prices);
            prop_assert_eq!(list.len(), every.len());
            let mut path = vec![0; cores.len()];
            let found: Vec<Vec<usize>> = list.paying(from, from + width).iter().map(|entry| {
                list.write_places(entry, &mut path);
                path.clone()
            }).collect();
            for (way, sums, _) in &every {
                let pays = prices.of(sums);
                prop_assert!(!(from..=from + width).contains(&pays) || found.contains(way), "{way:?} pays {pays}");
            }
        }
    }

    #[test]
    fn a_service_without_room_leaves_the_list_as_it_was() {
        let items = core((0..65).map(|rank| (0, rank, rank)).collect());
        let mut list = List::new();
        list.clear();
        assert!(list.extend((0, &items), None, ALL, 0.0));
        assert!(!list.extend((1, &items), None, ALL, 0.0));
        assert_eq!((list.len(), list.members().collect::<Vec<_>>()), (65, vec![0]));
    }
}
