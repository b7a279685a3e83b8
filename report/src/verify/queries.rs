//! Log type 1: a row per box, every frame once, columns that agree with each other.

use std::collections::HashSet;

use telemetry::records::{Outcome, Source};

use super::decided::Decided;
use super::pairs::Pairs;
use super::{Check, Rows};
use crate::part::Table;
use crate::run::Log;

/// What all rows of a frame share; enough of the columns to tell frames apart that were mixed up.
const SHARED: &[&str] = &["start_time", "end_time", "total_latency", "response_listen_end_time", "image_age"];
const BOX: &[&str] = &[
    "[CameraBoxComponent].box.center.x",
    "[CameraBoxComponent].box.center.y",
    "[CameraBoxComponent].box.size.x",
    "[CameraBoxComponent].box.size.y",
    "[CameraBoxComponent].type",
    "score",
];
/// Rounding of instants in seconds as f64.
const ROUNDING_SECS: f64 = 1e-6;

pub(super) struct Queries {
    service: u16,
    decided: Decided,
    delivered: HashSet<i64>,
}

impl Queries {
    pub(super) fn new(log: &Log) -> Self {
        Self { service: log.id.service.unwrap_or_default(), decided: Decided::default(), delivered: HashSet::new() }
    }
}

impl Rows for Queries {
    fn part(&mut self, table: &Table, check: &mut Check<'_>) {
        let contexts = table.integers("context_id").unwrap_or_default();
        let seqs = table.integers("frame_seq");
        for (row, frame) in seqs.as_ref().unwrap_or(&contexts).iter().enumerate() {
            if let Some(frame) = *frame {
                self.decided.row(frame, row, check);
            }
        }
        if let Some(seqs) = &seqs {
            let differ =
                contexts.iter().zip(seqs).position(|(context, seq)| *context != seq.map(|seq| seq & 0x7fff_ffff));
            differ.into_iter().for_each(|row| {
                check.error("numbers that differ", Some(row), "context_id is not frame_seq modulo 2^31".to_owned());
            });
        }
        check.owner("service_id", table.integers("service_id"), self.service);
        check.unix("start_time_unix", table.floats("start_time_unix"));
        boxes(&contexts, table, check);
        shared(&contexts, table, check);
        words(table, check);
        durations(table, check);
        let remote = table.booleans("remote_request_received").unwrap_or_default();
        self.delivered
            .extend(contexts.iter().zip(remote).filter(|(_, remote)| *remote).filter_map(|(context, _)| *context));
    }

    fn last(&mut self, check: &mut Check<'_>) {
        self.decided.end(check);
    }

    fn end(self: Box<Self>, _log: &Log, pairs: &mut Pairs) {
        pairs.delivered.insert(self.service, self.delivered);
    }
}

/// One row per box, or a single one without.
fn boxes(contexts: &[Option<i64>], table: &Table, check: &mut Check<'_>) {
    let cells: Vec<Vec<bool>> = BOX.iter().filter_map(|column| table.nulls(column)).collect();
    let Some(empty) = cells.first() else { return };
    for (row, none) in empty.iter().enumerate() {
        if cells.iter().any(|cells| cells.get(row) != Some(none)) {
            check.error("half boxes", Some(row), "some of the box's columns are null and some are not".to_owned());
        }
        let frame = contexts.get(row);
        let alone = (row == 0 || contexts.get(row - 1) != frame) && contexts.get(row + 1) != frame;
        if *none && !alone {
            let text = "a row without a box beside others of its frame; only a frame without boxes has one".to_owned();
            check.error("empty rows", Some(row), text);
        }
    }
    check.each(
        "scores out of range",
        table.floats("score"),
        |score| score.is_nan() || (0.0..=1.0).contains(&score),
        |score| format!("score is {score}; it is from 0 to 1"),
    );
}

fn shared(contexts: &[Option<i64>], table: &Table, check: &mut Check<'_>) {
    for column in SHARED {
        let Some(cells) = table.floats(column) else { continue };
        let pairs = contexts.iter().zip(&cells).zip(contexts.iter().zip(&cells).skip(1));
        let differ = pairs.enumerate().find(|(_, ((frame, a), (next, b)))| frame == next && a != b);
        if let Some((row, ((_, a), (_, b)))) = differ {
            let text = format!("{column} is {b}, and {a} in the row before of the same frame");
            check.error("rows of a frame that differ", Some(row + 1), text);
        }
    }
}

fn words(table: &Table, check: &mut Check<'_>) {
    let sources: Vec<&str> = Source::ALL.iter().map(|source| source.name()).collect();
    let outcomes: Vec<&str> = Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
    for (column, known) in [("source", &sources), ("outcome", &outcomes)] {
        let cells = table.texts(column).unwrap_or_default();
        if let Some((row, cell)) = cells.iter().enumerate().find(|(_, cell)| !known.contains(cell)) {
            let text = format!("{column} is {cell:?}; it is one of {}", known.join(", "));
            check.error("unknown words", Some(row), text);
        }
    }
    let remote = table.booleans("remote_request_received").unwrap_or_default();
    let (sources, nulls) = (table.texts("source"), table.nulls("good_response_listen_delay").unwrap_or_default());
    for (row, (remote, null)) in remote.iter().zip(nulls).enumerate() {
        let cloud = sources.as_ref().and_then(|sources| sources.get(row)).is_some_and(|source| *source == "cloud");
        let wrong = match (*remote, null) {
            (true, true) => "the cloud's result came, but good_response_listen_delay is null",
            (false, false) => "no result came, but good_response_listen_delay has a value",
            (false, true) if cloud => "source is cloud, but no result of the cloud came",
            _ => continue,
        };
        check.error("results that contradict", Some(row), wrong.to_owned());
    }
}

fn durations(table: &Table, check: &mut Check<'_>) {
    let columns = ["start_time", "end_time", "total_latency"].map(|column| table.floats(column).unwrap_or_default());
    let [start, end, total] = columns;
    let differ = start.iter().zip(&end).zip(&total).position(|((start, end), total)| {
        let span = end - start;
        span < 0.0 || (span - total).abs() > ROUNDING_SECS
    });
    if let Some(row) = differ {
        check.error("spans that do not add up", Some(row), "total_latency is not end_time - start_time".to_owned());
    }
}
