//! Services that need the same for the same choice, as cameras with one menu do: their choices can be swapped.
//!
//! An answer that a swap between two of them improves, by the order that answers are compared in, is not the best one.
//! Leaving those out keeps the many orders of what alike services choose from being looked at one by one.

use super::item::Item;

/// Services of more items than a mask has bits are not compared.
const MOST_ITEMS: usize = u64::BITS as usize;

/// Which items may stand beside which, with its storage.
#[derive(Debug)]
pub(crate) struct Kin {
    /// For each service, by the place of its kin's item: one bit for each of its own that no swap improves.
    beside: Vec<Vec<u64>>,
    leads: Vec<f64>,
}

impl Kin {
    pub(crate) fn new(max_services: usize) -> Self {
        let beside = (0..max_services).map(|_| Vec::with_capacity(MOST_ITEMS)).collect();
        Self { beside, leads: Vec::with_capacity(MOST_ITEMS) }
    }

    /// The first of `others` that is kin to `service`, with what may stand beside its items from then on. `cores` are
    /// the items that are looked at.
    pub(crate) fn find(
        &mut self,
        services: &[Vec<Item>],
        cores: &[Vec<Item>],
        service: usize,
        mut others: impl Iterator<Item = usize>,
    ) -> Option<usize> {
        let (items, core) = (services.get(service)?, cores.get(service)?);
        let other = others.find(|&other| services.get(other).is_some_and(|theirs| need_the_same(theirs, items)))?;
        let (theirs, their_core) = (services.get(other)?, cores.get(other)?);
        if core.len() > MOST_ITEMS || their_core.len() > MOST_ITEMS {
            return None;
        }
        // How much more a choice is worth to the other one: who gains more by the better choice shall have it.
        let lead = |rank: usize| key_of(theirs, rank) - key_of(items, rank);
        self.leads.clear();
        self.leads.extend(core.iter().map(|item| lead(item.rank)));
        let beside = self.beside.get_mut(service)?;
        beside.clear();
        beside.extend(their_core.iter().map(|their| {
            let their_lead = lead(their.rank);
            let fits = |(item, &lead): (&Item, &f64)| {
                let first_wins = if other < service { their.rank <= item.rank } else { item.rank <= their.rank };
                their_lead > lead || (their_lead == lead && first_wins)
            };
            let bits = core.iter().zip(&self.leads).map(fits).enumerate();
            bits.fold(0, |mask, (place, fits)| mask | u64::from(fits) << place)
        }));
        Some(other)
    }

    /// Which items of `service` may stand beside the one that its kin has at `place`.
    pub(crate) fn beside(&self, service: usize, place: usize) -> u64 {
        self.beside.get(service).and_then(|masks| masks.get(place)).copied().unwrap_or(ANY)
    }
}

/// Any item may stand beside.
pub(crate) const ANY: u64 = u64::MAX;

/// Whether a mask has the bit of a place; it has all beyond its end.
pub(crate) fn allows(mask: u64, place: usize) -> bool {
    place >= MOST_ITEMS || mask >> place & 1 == 1
}

fn need_the_same(a: &[Item], b: &[Item]) -> bool {
    let needs = |item: &Item| (item.rank, item.sums.rate, item.sums.cloud);
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| needs(a) == needs(b))
}

/// The items stand in the order of the menu.
fn key_of(items: &[Item], rank: usize) -> f64 {
    let at = items.binary_search_by_key(&rank, |item| item.rank).ok();
    at.and_then(|at| items.get(at)).map_or(0.0, |item| item.sums.key)
}
