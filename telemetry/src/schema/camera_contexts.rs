//! Log type 2, `camera_contexts_service{N}_temp{K}.csv`: on the car, one row per captured frame.

use super::{Column, required, secs};
use crate::records::CameraRecord;
use crate::run_clock::RunClock;

/// One row.
#[derive(Clone, Debug)]
pub struct CameraRow {
    service: u16,
    seq: u64,
    spawn_timestamp_secs: f64,
    image_age: f64,
    dropped_before: u32,
    path: String,
}

impl CameraRow {
    /// The row of one frame, whose raw bytes are at `path`; empty where they were not kept.
    #[must_use]
    pub fn of(record: &CameraRecord, path: &str, clock: &RunClock) -> Self {
        Self {
            service: record.service,
            seq: record.seq,
            spawn_timestamp_secs: clock.unix_secs(record.served),
            image_age: secs(record.age),
            dropped_before: record.dropped_before,
            path: path.to_owned(),
        }
    }
}

/// The columns, in order.
#[must_use]
pub fn camera_contexts() -> Vec<Column<CameraRow>> {
    type Row = CameraRow;
    vec![
        required("context_id", "the frame's number", |row: &Row| row.seq.to_string()),
        required("camera_id", "service (and camera) number", |row: &Row| row.service.to_string()),
        required("spawn_timestamp_secs", "Unix time at which the frame was handed on, s", |row: &Row| {
            row.spawn_timestamp_secs
        }),
        required("camera_image_path", "file of the raw frame; empty where it was not kept", |row: &Row| {
            row.path.clone()
        }),
        required("image_age", "capture to that hand-over, s", |row: &Row| row.image_age),
        required("frame_seq", "the frame's number", |row: &Row| row.seq),
        required("dropped_before", "frames due since the one before that nobody took in time", |row: &Row| {
            row.dropped_before
        }),
    ]
}
