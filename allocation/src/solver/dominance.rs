//! Drops the choices of a service that another one replaces in any answer.

use std::cmp::Ordering;

use super::item::{Item, preference};

/// Which of the shared capacities the services can exceed together. One that they cannot takes no part in the
/// comparison, which leaves far fewer items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scarce {
    pub uplink: bool,
    pub cloud: bool,
}

/// Removes every item that `champion` may stand in for: it is preferred and needs no more of what is scarce, so that
/// swapping it in keeps an answer feasible and improves it, by the very order that answers are compared in.
pub(crate) fn drop_beaten_by(champion: &Item, items: &mut Vec<Item>, scarce: Scarce) {
    // Written without a branch on what is kept, which no processor could foresee.
    let mut kept = 0;
    for at in 0..items.len() {
        let Some(&item) = items.get(at) else { break };
        if let Some(slot) = items.get_mut(kept) {
            *slot = item;
        }
        kept += usize::from(!replaces(champion, &item, scarce));
    }
    items.truncate(kept);
}

/// Removes every item that any other may stand in for.
pub(crate) fn drop_dominated(items: &mut Vec<Item>, scarce: Scarce) {
    let mut at = 0;
    while let Some(champion) = items.get(at).copied() {
        drop_beaten_by(&champion, items, scarce);
        // What stood before it may be gone, so its place is looked for again.
        at = items.iter().position(|item| item.rank == champion.rank).map_or(at, |place| place + 1);
    }
}

fn replaces(a: &Item, b: &Item, scarce: Scarce) -> bool {
    (!scarce.uplink | (a.sums.rate <= b.sums.rate))
        & (!scarce.cloud | (a.sums.cloud <= b.sums.cloud))
        & (a.sums.key >= b.sums.key)
        && preference(a, b) == Ordering::Less
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::item::Sums;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_what_something_replaces_is_dropped(
            raw in prop::collection::vec((0..6u8, 0..6u8, 0..4u8), 1..20),
            uplink in any::<bool>(),
            cloud in any::<bool>(),
        ) {
            let scarce = Scarce { uplink, cloud };
            let all: Vec<Item> = raw
                .iter()
                .enumerate()
                .map(|(rank, &(key, rate, cloud))| {
                    let sums = Sums { key: key.into(), rate: rate.into(), cloud: cloud.into() };
                    Item { sums, rank, loss: 0.0 }
                })
                .collect();
            let mut kept = all.clone();
            drop_dominated(&mut kept, scarce);
            for item in &all {
                prop_assert_eq!(kept.contains(item), !all.iter().any(|other| replaces(other, item, scarce)));
            }
            prop_assert!(kept.iter().zip(kept.iter().skip(1)).all(|(a, b)| a.rank < b.rank));
        }
    }
}
