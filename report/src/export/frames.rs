//! Frames of log type 1 and requests of log type 3, one by one, for the exports that show each.

use std::ops::ControlFlow;

use crate::logs::LogKind;
use crate::part::{Table, Wanted, read};
use crate::run::Run;

/// The stretch of the run that is exported, s from its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// From.
    pub from_secs: f64,
    /// Until.
    pub to_secs: f64,
}

impl Default for Window {
    fn default() -> Self {
        Self { from_secs: f64::NEG_INFINITY, to_secs: f64::INFINITY }
    }
}

impl Window {
    /// Whether a moment is in it.
    #[must_use]
    pub fn holds(&self, secs: f64) -> bool {
        secs >= self.from_secs && secs < self.to_secs
    }
}

/// A frame on the car; instants are monotonic seconds of the car.
#[derive(Clone, Debug, Default)]
pub(super) struct CarFrame {
    pub(super) service: u16,
    pub(super) seq: i64,
    pub(super) capture: f64,
    pub(super) start: f64,
    pub(super) obtained: f64,
    pub(super) preprocessing: f64,
    pub(super) request: f64,
    pub(super) sent: f64,
    pub(super) listen: f64,
    /// When the cloud's result came, where it did.
    pub(super) received: Option<f64>,
    pub(super) decided: f64,
    /// Unix less monotonic time at the start.
    pub(super) unix_offset: f64,
    pub(super) source: String,
    pub(super) outcome: String,
    pub(super) model: String,
}

/// A request in the cloud; instants are Unix seconds of the cloud.
#[derive(Clone, Debug, Default)]
pub(super) struct CloudFrame {
    pub(super) service: u16,
    pub(super) seq: i64,
    pub(super) arrived: f64,
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) prepare: f64,
    pub(super) inference: f64,
    pub(super) finish: f64,
    pub(super) worker: String,
    pub(super) batch: i64,
}

struct Floats(Vec<Option<Vec<f64>>>);

impl Floats {
    fn of(table: &Table, columns: &[&str]) -> Self {
        Self(columns.iter().map(|column| table.floats(column)).collect())
    }

    fn at(&self, column: usize, row: usize) -> f64 {
        self.0.get(column).and_then(Option::as_ref).and_then(|cells| cells.get(row)).copied().unwrap_or(f64::NAN)
    }
}

const CAR: [&str; 13] = [
    "start_time",
    "start_time_unix",
    "camera_recv_latency",
    "preprocessing_delay",
    "request_start_time",
    "request_serialization_delay",
    "request_ack_latency",
    "response_listen_start_time",
    "good_response_listen_delay",
    "good_response_deserialization_latency",
    "response_listen_end_time",
    "image_age",
    "end_time",
];

/// Calls `each` for every frame of every readable part, once for all its boxes; parts that cannot be read are left
/// out, as the report says.
pub(super) fn car_frames(run: &Run, mut each: impl FnMut(CarFrame) -> ControlFlow<()>) {
    let wanted = [&CAR[..], &["context_id", "frame_seq", "source", "outcome", "allocated_model"]].concat();
    for log in run.of(LogKind::ClientQueries) {
        for part in &log.parts {
            let Ok(table) = read(&part.path, Wanted::Only(&wanted)) else { continue };
            let floats = Floats::of(&table, &CAR);
            let numbers = table.integers("frame_seq").or_else(|| table.integers("context_id")).unwrap_or_default();
            let [sources, outcomes, models] =
                ["source", "outcome", "allocated_model"].map(|column| table.texts(column).unwrap_or_default());
            let text = |cells: &[&str], row: usize| cells.get(row).map_or_else(String::new, |cell| (*cell).to_owned());
            let mut before = None;
            for (row, number) in numbers.iter().enumerate() {
                let Some(seq) = number.filter(|_| before != Some(number)) else { continue };
                before = Some(number);
                let at = |column| floats.at(column, row);
                let start = at(0);
                let age = at(11);
                let listen_delay = at(8);
                let frame = CarFrame {
                    service: log.id.service.unwrap_or_default(),
                    seq,
                    capture: if age.is_finite() { start - age } else { start },
                    start,
                    obtained: start + at(2),
                    preprocessing: at(3),
                    request: at(4),
                    sent: at(4) + at(5) + at(6),
                    listen: at(7),
                    received: listen_delay.is_finite().then(|| at(7) + listen_delay),
                    decided: at(10),
                    unix_offset: at(1) - start,
                    source: text(&sources, row),
                    outcome: text(&outcomes, row),
                    model: text(&models, row),
                };
                if each(frame).is_break() {
                    return;
                }
            }
        }
    }
}

const CLOUD: [&str; 8] = [
    "timestamp_secs",
    "start_time_counter",
    "end_time_counter",
    "deserialization_polling_latency",
    "preprocessing_latency",
    "inference_latency",
    "serialization_latency",
    "ack_latency",
];

/// Calls `each` for every request of every readable part.
pub(super) fn cloud_frames(run: &Run, mut each: impl FnMut(CloudFrame)) {
    let wanted = [&CLOUD[..], &["context_id", "worker_id", "batch_size"]].concat();
    for log in run.of(LogKind::ServerResults) {
        for part in &log.parts {
            let Ok(table) = read(&part.path, Wanted::Only(&wanted)) else { continue };
            let floats = Floats::of(&table, &CLOUD);
            let numbers = table.integers("context_id").unwrap_or_default();
            let workers = table.texts("worker_id").unwrap_or_default();
            let batches = table.integers("batch_size").unwrap_or_default();
            for (row, seq) in numbers.iter().enumerate() {
                let Some(seq) = *seq else { continue };
                let at = |column| floats.at(column, row);
                let start = at(0);
                each(CloudFrame {
                    service: log.id.service.unwrap_or_default(),
                    seq,
                    arrived: start - at(3).max(0.0),
                    start,
                    end: start + (at(2) - at(1)),
                    prepare: at(4),
                    inference: at(5),
                    finish: at(6),
                    worker: workers.get(row).map_or_else(String::new, |worker| (*worker).to_owned()),
                    batch: batches.get(row).copied().flatten().unwrap_or(1),
                });
            }
        }
    }
}
