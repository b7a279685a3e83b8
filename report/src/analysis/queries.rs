//! Log type 1: the decisions of one service.

use std::collections::BTreeMap;

use super::{Bins, Times};
use crate::part::{PartProblem, Table};

pub(super) const COLUMNS: &[&str] = &[
    "start_time",
    "start_time_unix",
    "camera_recv_latency",
    "preprocessing_delay",
    "request_serialization_delay",
    "request_ack_latency",
    "good_response_listen_delay",
    "good_response_deserialization_latency",
    "response_listen_end_time",
    "allocated_model",
    "score",
    "frame_seq",
    "capture_timestamp_ns",
    "image_age",
    "deadline_ns",
    "source",
    "outcome",
    "uplink_bytes",
];

/// What older versions lack, and what stands in for it.
pub(super) const MAY_LACK: &[&str] = &["frame_seq", "capture_timestamp_ns", "source", "outcome"];
pub(super) const INSTEAD: &[&str] = &["context_id", "total_latency", "remote_request_received"];

/// A stretch of a frame's way that log type 1 has a column for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Capture until the service began with the frame.
    ImageAge,
    /// Obtaining the frame.
    CameraReceive,
    /// Resizing and encoding.
    Preprocess,
    /// Writing the request.
    Serialize,
    /// Handing it to the transport.
    HandOver,
    /// Waiting for the cloud's result: network both ways and cloud.
    CloudWait,
    /// Reading the result.
    Deserialize,
}

impl Stage {
    /// All, in the order of a frame's way, with the column each is read from.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::ImageAge, "image_age"),
        (Self::CameraReceive, "camera_recv_latency"),
        (Self::Preprocess, "preprocessing_delay"),
        (Self::Serialize, "request_serialization_delay"),
        (Self::HandOver, "request_ack_latency"),
        (Self::CloudWait, "good_response_listen_delay"),
        (Self::Deserialize, "good_response_deserialization_latency"),
    ];
}

/// What a bin of [`QueryStats::series`] sums: frames, those on time, latency in seconds, bytes, frames for which the
/// allocation wanted the cloud, those of them with the cloud's result on time, frames without a result on time.
pub const SERIES: usize = 7;

/// Everything that one service decided.
#[derive(Clone, Debug, Default)]
pub struct QueryStats {
    /// Frames with a decision in the log.
    pub frames: u64,
    /// Boxes delivered.
    pub boxes: u64,
    /// Decisions with a result, made by the deadline.
    pub on_time: u64,
    /// Decisions made after the deadline.
    pub late: u64,
    /// Decisions by source.
    pub sources: BTreeMap<String, u64>,
    /// Requests by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Frames by the model configuration that was allocated.
    pub models: BTreeMap<String, u64>,
    /// Bytes given to the transport.
    pub uplink_bytes: u64,
    /// Capture to decision.
    pub latency: Times,
    /// Capture to deadline; of one length as a rule.
    pub objective: Times,
    /// Every stage, in the order of [`Stage::ALL`].
    pub stages: [Times; Stage::ALL.len()],
    /// Over time from the run's start; see [`SERIES`].
    pub series: Bins<SERIES>,
    /// The highest frame number.
    pub last_seq: Option<i64>,
}

/// Counts `name`, without making a `String` of a name that is known.
pub(super) fn bump(counts: &mut BTreeMap<String, u64>, name: &str, by: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += by,
        None => drop(counts.insert(name.to_owned(), by)),
    }
}

pub(super) fn merge_counts(mine: &mut BTreeMap<String, u64>, theirs: BTreeMap<String, u64>) {
    for (name, count) in theirs {
        bump(mine, &name, count);
    }
}

/// Cells of a column that an older version may lack.
struct Cells<T>(Option<Vec<T>>);

impl<T: Copy> Cells<T> {
    fn at(&self, row: usize) -> Option<T> {
        self.0.as_ref()?.get(row).copied()
    }
}

impl QueryStats {
    /// Adds a part. `start_secs` is the run's start on the monotonic clock.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`] where a column is missing that every version has.
    pub fn add(&mut self, table: &Table, start_secs: f64) -> Result<(), PartProblem> {
        let frame = match table.integers("frame_seq") {
            Some(seq) => seq,
            None => table.need_integers("context_id")?,
        };
        let decided = table.need_floats("response_listen_end_time")?;
        let models = table.need_texts("allocated_model")?;
        let remote = Cells(table.booleans("remote_request_received"));
        let total = Cells(table.floats("total_latency"));
        let (capture, deadline) = (Cells(table.integers("capture_timestamp_ns")), Cells(table.integers("deadline_ns")));
        let (sources, outcomes) = (Cells(table.texts("source")), Cells(table.texts("outcome")));
        let bytes = Cells(table.integers("uplink_bytes"));
        let stages = Stage::ALL.map(|(_, column)| Cells(table.floats(column)));
        self.boxes += (table.rows() - table.null_count("score").unwrap_or(0).min(table.rows())) as u64;

        let mut before = None;
        for (row, (&number, (&decided, &model))) in frame.iter().zip(decided.iter().zip(&models)).enumerate() {
            if before == Some(number) {
                // The same frame's next box.
                continue;
            }
            before = Some(number);
            self.last_seq = self.last_seq.max(number);
            for (times, cells) in self.stages.iter_mut().zip(&stages) {
                cells.at(row).into_iter().for_each(|secs| times.add(secs));
            }
            let capture = capture.at(row).flatten().map(|ns| ns as f64 * 1e-9);
            let deadline = deadline.at(row).flatten().map(|ns| ns as f64 * 1e-9);
            // Runs of the original know neither capture nor deadline: their latency begins with the service.
            let latency = capture.map(|capture| decided - capture).or_else(|| total.at(row)).unwrap_or(f64::NAN);
            let remote = remote.at(row).unwrap_or(false);
            let source = sources.at(row).unwrap_or(if remote { "cloud" } else { "vehicle" });
            let in_time = deadline.is_none_or(|deadline| decided <= deadline);
            let on_time = in_time && source != "none";
            let outcome = outcomes.at(row);
            let planned = outcome.map_or(remote, |outcome| outcome != "local_only");
            let sent = bytes.at(row).flatten().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);

            self.frames += 1;
            self.on_time += u64::from(on_time);
            self.late += u64::from(!in_time);
            self.uplink_bytes += sent;
            bump(&mut self.sources, source, 1);
            outcome.into_iter().for_each(|outcome| bump(&mut self.outcomes, outcome, 1));
            bump(&mut self.models, model, 1);
            self.latency.add(latency);
            deadline.zip(capture).into_iter().for_each(|(due, capture)| self.objective.add(due - capture));
            let share = |yes: bool| f64::from(u8::from(yes));
            let from_cloud = share(planned && on_time && source == "cloud");
            let values = [1.0, share(on_time), latency, sent as f64, share(planned), from_cloud, share(!on_time)];
            self.series.add(decided - start_secs, values);
        }
        Ok(())
    }

    /// Frames that have no decision in the log though later ones have: services number theirs from 0 without gaps.
    #[must_use]
    pub fn lost_frames(&self) -> u64 {
        let last = self.last_seq.and_then(|last| u64::try_from(last).ok());
        last.map_or(0, |last| (last + 1).saturating_sub(self.frames))
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        self.frames += other.frames;
        self.boxes += other.boxes;
        self.on_time += other.on_time;
        self.late += other.late;
        merge_counts(&mut self.sources, other.sources);
        merge_counts(&mut self.outcomes, other.outcomes);
        merge_counts(&mut self.models, other.models);
        self.uplink_bytes += other.uplink_bytes;
        self.latency.merge(&other.latency);
        self.objective.merge(&other.objective);
        self.stages.iter_mut().zip(&other.stages).for_each(|(mine, theirs)| mine.merge(theirs));
        self.series.merge(&other.series);
        self.last_seq = self.last_seq.max(other.last_seq);
    }
}
