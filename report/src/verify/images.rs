//! Log type 8: every begin has its end, every image ends once.

use std::collections::{HashMap, HashSet};

use super::pairs::Pairs;
use super::{Check, Rows};
use crate::logs::Place;
use crate::part::Table;
use crate::run::Log;

const STEPS: &[&str] = &["IMAGE", "SHM_COPY", "ENQUEUE_MSG", "FLUSH", "TX_RX", "INTERMEDIATE"];
/// The step that is the image's whole way.
const WHOLE: &str = "IMAGE";
/// What its end row says where the image arrived.
const DELIVERED: &str = "delivered";
const ROUNDING_SECS: f64 = 1e-6;

pub(super) struct Images {
    /// Whether image numbers are of one car alone. Those of a cloud's log are not: every car begins at 0, and again with
    /// each start, and the log has no column that tells them apart.
    of_one_car: bool,
    /// Images whose whole way has its begin and its end.
    matched: HashSet<i64>,
    /// Those of them that arrived; all of them in a log without outcomes.
    delivered: HashSet<i64>,
}

impl Images {
    pub(super) fn new(log: &Log) -> Self {
        Self { of_one_car: log.place == Place::Car, matched: HashSet::new(), delivered: HashSet::new() }
    }
}

impl Rows for Images {
    fn part(&mut self, table: &Table, check: &mut Check<'_>) {
        let contexts = table.integers("image_context").unwrap_or_default();
        let [begins, ends, normalized, delays] =
            ["begin_time_secs", "end_time_secs", "end_time_secs_normalized", "ack_delay_secs"]
                .map(|column| table.floats(column).unwrap_or_default());
        let sizes = table.integers("image_size_bytes").unwrap_or_default();
        let steps = table.texts("record_type").unwrap_or_default();
        let outcomes = table.texts("outcome");
        let mut open: HashMap<(i64, &str), (usize, f64)> = HashMap::new();
        let cells = contexts.iter().zip(&steps).zip(begins.iter().zip(&ends)).zip(normalized.iter().zip(&delays));
        for (row, (((context, step), (begin, end)), (normalized, delay))) in cells.enumerate() {
            let Some(context) = *context else { continue };
            if !STEPS.contains(step) {
                check.error(
                    "unknown steps",
                    Some(row),
                    format!("record_type is {step:?}; it is one of {}", STEPS.join(", ")),
                );
            }
            let size = sizes.get(row).copied().flatten();
            match (begin.is_nan(), end.is_nan()) {
                (false, true) => {
                    if size.is_none_or(|size| size < 0) {
                        check.error("sizes", Some(row), format!("a begin row has a size; it says {size:?}"));
                    }
                    if open.insert((context, step), (row, *begin)).is_some() {
                        check.error("begins without end", Some(row), format!("{step} of image {context} begins twice"));
                    }
                }
                (true, false) => {
                    if size != Some(-1) {
                        check.error(
                            "sizes",
                            Some(row),
                            format!("image_size_bytes is -1 on end rows; it says {size:?}"),
                        );
                    }
                    let differs = (end - delay - normalized).abs();
                    if differs.is_nan() || differs > ROUNDING_SECS {
                        let text = "end_time_secs_normalized is not end_time_secs - ack_delay_secs".to_owned();
                        check.error("spans that do not add up", Some(row), text);
                    }
                    match open.remove(&(context, *step)) {
                        None => {
                            let text = format!("{step} of image {context} ends without having begun");
                            check.error("ends without begin", Some(row), text);
                        }
                        Some((_, begin)) if *end < begin => {
                            let text =
                                format!("{step} of image {context} ends at {end} s, before its begin at {begin} s");
                            check.error("ends before begins", Some(row), text);
                        }
                        Some(_) => {}
                    }
                    if *step == WHOLE {
                        let outcome = outcomes.as_ref().and_then(|outcomes| outcomes.get(row)).copied();
                        if outcome == Some("") {
                            check.error(
                                "ends without outcome",
                                Some(row),
                                format!("image {context} ends without an outcome"),
                            );
                        }
                        self.end_image(context, outcome, row, check);
                    }
                }
                _ => {
                    let text = "a row is a begin or an end: one of begin_time_secs and end_time_secs is NaN".to_owned();
                    check.error("rows that are neither", Some(row), text);
                }
            }
        }
        let mut open: Vec<_> = open.into_iter().collect();
        open.sort_by_key(|(_, (row, _))| *row);
        for ((context, step), (row, _)) in open {
            let text = format!("{step} of image {context} begins and has no end in its part");
            check.error("begins without end", Some(row), text);
        }
    }

    fn end(self: Box<Self>, log: &Log, pairs: &mut Pairs) {
        let key = (log.place, log.id.direction, log.id.service.unwrap_or_default());
        pairs.images.insert(key, (self.matched, self.delivered));
    }
}

impl Images {
    fn end_image(&mut self, context: i64, outcome: Option<&str>, row: usize, check: &mut Check<'_>) {
        if !self.matched.insert(context) && self.of_one_car {
            check.error("images that end twice", Some(row), format!("image {context} ends a second time"));
        }
        if outcome.is_none_or(|outcome| outcome == DELIVERED) {
            self.delivered.insert(context);
        }
    }
}
