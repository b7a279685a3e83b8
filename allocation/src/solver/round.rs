//! One round of the search: the items that lose little at the prices (the core, Pisinger, 1995), and which services are
//! listed.

use super::item::{Item, Limits, Sums};
use super::kin::Kin;
use super::list::List;
use super::prices::Prices;
use super::search::{Ground, Incumbent};

/// Combinations of the listed services per combination of the searched ones: it takes less time to list one than to
/// come to one.
const LISTED_PER_SEARCHED: f64 = 2.0;

/// A service that is searched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// Index of the service.
    pub service: usize,
    /// What it needs at least.
    least: Sums,
    /// What the services up to this one may use, as those after it need the rest.
    pub limits: Limits,
    /// One before it that needs the same for the same choice.
    pub kin: Option<usize>,
}

/// A round, with its storage.
#[derive(Debug)]
pub(crate) struct Round {
    /// The items of each service that are looked at, by rising loss.
    cores: Vec<Vec<Item>>,
    /// How many those are, and the services: the most items first.
    order: Vec<(usize, usize)>,
    /// What is searched, from the last level to the first.
    searched: Vec<Level>,
    listed: Vec<Level>,
    list: List,
    kin: Kin,
}

impl Round {
    pub(crate) fn new(max_services: usize, max_items: usize) -> Self {
        let room = || Vec::with_capacity(max_services);
        Self {
            cores: (0..max_services).map(|_| Vec::with_capacity(max_items)).collect(),
            order: Vec::with_capacity(max_services),
            searched: room(),
            listed: room(),
            list: List::new(),
            kin: Kin::new(max_services),
        }
    }

    /// Looks at every answer that loses at most `reach`.
    pub(crate) fn run(
        &mut self,
        services: &[Vec<Item>],
        prices: Prices,
        limits: Limits,
        reach: f64,
        best: &mut Incumbent,
    ) {
        self.select(services, reach);
        let least = self.divide();
        self.list(services, limits.less(least), prices, reach);
        self.link(services, limits.less(least));
        best.path.clear();
        best.path.resize(services.len(), 0);
        best.reach = reach;
        best.visits = best.visits.saturating_add(self.list.len() as u32);
        let ground = Ground { cores: &self.cores, kin: &self.kin, list: &self.list, limits, prices };
        ground.descend(best, &self.searched, Sums::default(), 0.0);
    }

    /// Takes the items that lose at most `reach`.
    fn select(&mut self, services: &[Vec<Item>], reach: f64) {
        self.order.clear();
        for (service, (core, items)) in self.cores.iter_mut().zip(services).enumerate() {
            core.clear();
            core.extend(items.iter().filter(|item| item.loss <= reach));
            core.sort_unstable_by(|a, b| a.loss.total_cmp(&b.loss).then(a.rank.cmp(&b.rank)));
            self.order.push((core.len(), service));
        }
        self.order.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Divides the services into those that are listed and those that are searched, with about as many combinations on
    /// either side; returns what all need at least.
    fn divide(&mut self) -> Sums {
        self.searched.clear();
        self.listed.clear();
        let (mut searched, mut listed) = (1.0, 1.0);
        let mut all = Sums::default();
        for &(count, service) in &self.order {
            let items = self.cores.get(service).map(Vec::as_slice).unwrap_or_default();
            let level = Level { service, least: least(items), limits: Limits::default(), kin: None };
            all = all.plus(level.least);
            let list = count > 1 && listed <= searched * LISTED_PER_SEARCHED;
            let (levels, combinations) =
                if list { (&mut self.listed, &mut listed) } else { (&mut self.searched, &mut searched) };
            levels.push(level);
            *combinations *= count as f64;
        }
        all
    }

    /// Lists the services with the fewest items first; those that find no room are searched after all. `free` is what
    /// the least needs of all services leave.
    fn list(&mut self, services: &[Vec<Item>], mut free: Limits, prices: Prices, reach: f64) {
        self.list.clear();
        while let Some(level) = self.listed.last() {
            free = free.plus(level.least);
            let items = self.cores.get(level.service).map(Vec::as_slice).unwrap_or_default();
            let kin = self.kin.find(services, &self.cores, level.service, self.list.members());
            let kin = kin.map(|other| (other, &self.kin));
            if !self.list.extend((level.service, items), kin, free, reach) {
                break;
            }
            self.listed.pop();
        }
        self.searched.append(&mut self.listed);
        self.list.classify(prices);
    }

    /// Tells each searched service what it may use, and its kin.
    fn link(&mut self, services: &[Vec<Item>], mut free: Limits) {
        for at in (0..self.searched.len()).rev() {
            let (rest, before) = self.searched.split_at_mut(at + 1);
            let Some(level) = rest.last_mut() else { break };
            free = free.plus(level.least);
            level.limits = free;
            let before = before.iter().map(|level| level.service);
            level.kin = self.kin.find(services, &self.cores, level.service, before);
        }
    }
}

/// What any of the items needs at least.
fn least(items: &[Item]) -> Sums {
    let lower = |a: f64, b: f64| if b < a { b } else { a };
    let first = Sums { key: 0.0, rate: f64::INFINITY, cloud: f64::INFINITY };
    items.iter().fold(first, |least, Item { sums, .. }| Sums {
        rate: lower(least.rate, sums.rate),
        cloud: lower(least.cloud, sums.cloud),
        ..least
    })
}

/// Reckons what every item loses at the prices; returns what the second best of a service loses on average.
pub(crate) fn reckon_losses(services: &mut [Vec<Item>], prices: Prices) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for items in services {
        let (mut most, mut second) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for item in items.iter_mut() {
            let reduced = item.sums.reduced(prices.rate, prices.cloud);
            item.loss = -reduced;
            let lower = if reduced > most { most } else { reduced };
            most = if reduced > most { reduced } else { most };
            second = if lower > second { lower } else { second };
        }
        items.iter_mut().for_each(|item| item.loss += most);
        if items.len() > 1 {
            sum += most - second;
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}
