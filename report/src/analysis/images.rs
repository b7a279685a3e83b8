//! Log type 8: how long each step of the transport took, and how images ended.

use std::collections::{BTreeMap, HashMap};

use super::Times;
use super::queries::{bump, merge_counts};
use crate::logs::{Direction, Place};
use crate::part::{PartProblem, Table};
use crate::run::Log;

pub(super) const COLUMNS: &[&str] = &["image_context", "begin_time_secs", "end_time_secs", "record_type", "outcome"];

/// Which step of which way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// Which side.
    pub place: Place,
    /// Which way.
    pub direction: Option<Direction>,
    /// `record_type`.
    pub step: String,
}

/// All images that were looked at.
#[derive(Clone, Debug, Default)]
pub struct ImageStats {
    /// One part in so many was read; 1 is all of them.
    pub one_in: usize,
    /// Time of each step.
    pub steps: BTreeMap<StepKey, Times>,
    /// Ends of images on the car's way out, by outcome.
    pub outcomes: BTreeMap<String, u64>,
}

impl ImageStats {
    /// Adds a part of `log`.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table, log: &Log) -> Result<(), PartProblem> {
        let contexts = table.need_integers("image_context")?;
        let (begins, ends) = (table.need_floats("begin_time_secs")?, table.need_floats("end_time_secs")?);
        let steps = table.need_texts("record_type")?;
        let mut open: HashMap<(i64, &str), f64> = HashMap::new();
        // Seconds and not yet `Times`: a part may have fewer rows than a histogram has kilobytes.
        let mut secs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (((context, begin), end), step) in contexts.into_iter().zip(begins).zip(ends).zip(&steps) {
            let key = (context.unwrap_or(-1), *step);
            if begin.is_finite() {
                open.insert(key, begin);
            } else if let Some(begin) = open.remove(&key) {
                secs.entry(step).or_default().push(end - begin);
            }
        }
        for (step, secs) in secs {
            let key = StepKey { place: log.place, direction: log.id.direction, step: step.to_owned() };
            let times = self.steps.entry(key).or_default();
            secs.into_iter().for_each(|secs| times.add(secs));
        }
        if (log.place, log.id.direction) == (Place::Car, Some(Direction::Outgoing)) {
            let outcomes = table.texts("outcome").unwrap_or_default();
            outcomes
                .iter()
                .filter(|outcome| !outcome.is_empty())
                .for_each(|outcome| bump(&mut self.outcomes, outcome, 1));
        }
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.steps {
            self.steps.entry(key).or_default().merge(&theirs);
        }
        merge_counts(&mut self.outcomes, other.outcomes);
    }
}
