//! Names as small numbers, so that records on the hot path carry no text.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A name in a [`Names`] table; the default is the empty name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u16);

impl NameId {
    /// The empty name.
    pub const EMPTY: Self = Self(0);
    /// Stands for every name that came after the table was full.
    pub const OTHER: Self = Self(1);
}

/// What [`NameId::OTHER`] is called in the logs.
const OTHER_NAME: &str = "(other)";
/// Names may come from a peer, so their number is bounded.
const CAPACITY: usize = u16::MAX as usize;

/// A table of names (model configurations, cars, workers, policies), shared by clones.
///
/// Interning locks and may allocate: it belongs to start-up and to the arrival of something new. Records carry only
/// the [`NameId`], and the collector turns it back.
///
/// ```
/// use telemetry::names::Names;
/// let names = Names::default();
/// let id = names.intern("edd4-imgcompNone-inpcomp50");
/// assert_eq!(names.intern("edd4-imgcompNone-inpcomp50"), id);
/// assert_eq!(&*names.get(id), "edd4-imgcompNone-inpcomp50");
/// ```
#[derive(Clone, Debug)]
pub struct Names(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    by_id: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, NameId>,
}

impl Default for Names {
    fn default() -> Self {
        let mut table = Table { by_id: Vec::new(), by_name: HashMap::new() };
        for name in ["", OTHER_NAME] {
            table.add(name);
        }
        Self(Arc::new(Mutex::new(table)))
    }
}

impl Table {
    fn add(&mut self, name: &str) -> NameId {
        let Some(id) = u16::try_from(self.by_id.len()).ok().filter(|_| self.by_id.len() < CAPACITY) else {
            return NameId::OTHER;
        };
        let name: Arc<str> = Arc::from(name);
        self.by_id.push(Arc::clone(&name));
        self.by_name.insert(name, NameId(id));
        NameId(id)
    }
}

impl Names {
    /// The number of `name`, new or known; [`NameId::OTHER`] once 65,535 names are known.
    #[must_use]
    pub fn intern(&self, name: &str) -> NameId {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.by_name.get(name) {
            Some(&id) => id,
            None => table.add(name),
        }
    }

    /// The text of `id`; `(other)` for a number that this table never gave out.
    #[must_use]
    pub fn get(&self, id: NameId) -> Arc<str> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.by_id.get(usize::from(id.0)).map_or_else(|| Arc::from(OTHER_NAME), Arc::clone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_id_is_the_empty_name() {
        assert_eq!(&*Names::default().get(NameId::default()), "");
    }

    #[test]
    fn a_full_table_says_other_and_keeps_what_it_knows() {
        let names = Names::default();
        let first = names.intern("first");
        for number in 0..CAPACITY {
            let _ = names.intern(&number.to_string());
        }
        assert_eq!(names.intern("one too many"), NameId::OTHER);
        assert_eq!(names.intern("first"), first);
        assert_eq!(&*names.get(NameId::OTHER), OTHER_NAME);
    }
}
