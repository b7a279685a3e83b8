//! Log type 8, `image_context_log_{outgoing|incoming}_service{N}_part{K}`: on both sides, two rows for every step of
//! every image.

use rt_core::clock::Monotonic;

use super::{Column, required, secs};
use crate::records::ImageRecord;
use crate::run_clock::RunClock;
use rt_core::trace::images::ImageStep;

/// What the size column of an end row holds, as in the original.
const NO_SIZE: i32 = -1;

/// One row: a step's begin or its end. What the row is not is NaN.
#[derive(Clone, Copy, Debug)]
pub struct ImageRow {
    image_context: i32,
    at: Monotonic,
    begin_secs: f64,
    begin_epoch_secs: f64,
    end_secs: f64,
    end_normalized_secs: f64,
    end_epoch_secs: f64,
    ack_delay_secs: f64,
    size_bytes: i32,
    record_type: &'static str,
    outcome: &'static str,
}

impl ImageRow {
    /// The rows of one image in the order of time: its whole way is around all of its steps.
    #[must_use]
    pub fn of(record: &ImageRecord, clock: &RunClock) -> Vec<Self> {
        let size_bytes = i32::try_from(record.bytes).unwrap_or(i32::MAX);
        let context = super::context_id(record.seq);
        let mut rows: Vec<Self> = Vec::with_capacity(2 * ImageStep::ALL.len());
        let mut last = None;
        for (step, begin, end) in record.steps() {
            let acknowledged = matches!(step, ImageStep::Image | ImageStep::Flush);
            let ack_delay_secs = if acknowledged { secs(record.ack_delay()) } else { 0.0 };
            let end_secs = clock.since_start_secs(end);
            let end_row = Self {
                image_context: context,
                at: end,
                begin_secs: f64::NAN,
                begin_epoch_secs: f64::NAN,
                end_secs,
                end_normalized_secs: end_secs - ack_delay_secs,
                end_epoch_secs: clock.unix_secs(end),
                ack_delay_secs,
                size_bytes: NO_SIZE,
                record_type: step.name(),
                outcome: if step == ImageStep::Image { record.outcome } else { "" },
            };
            rows.push(Self {
                image_context: context,
                at: begin,
                begin_secs: clock.since_start_secs(begin),
                begin_epoch_secs: clock.unix_secs(begin),
                end_secs: f64::NAN,
                end_normalized_secs: f64::NAN,
                end_epoch_secs: f64::NAN,
                ack_delay_secs: f64::NAN,
                size_bytes,
                record_type: step.name(),
                outcome: "",
            });
            // The whole's end comes last of all, also of those at its instant.
            match step {
                ImageStep::Image => last = Some(end_row),
                _ => rows.push(end_row),
            }
        }
        rows.extend(last);
        // Stable: at one instant a step's begin stays before its end.
        rows.sort_by_key(|row| row.at);
        rows
    }
}

/// The columns, in order.
#[must_use]
pub fn image_context() -> Vec<Column<ImageRow>> {
    type Row = ImageRow;
    vec![
        required("image_context", "the frame's number, modulo 2^31", |row: &Row| row.image_context),
        required("begin_time_secs", "the step began, s since the run's start; NaN on end rows", |row: &Row| {
            row.begin_secs
        }),
        required("end_time_secs", "the step ended, s since the run's start; NaN on begin rows", |row: &Row| {
            row.end_secs
        }),
        required("end_time_secs_normalized", "end_time_secs less ack_delay_secs", |row: &Row| row.end_normalized_secs),
        required("begin_time_epoch_secs", "the step began, Unix s; NaN on end rows", |row: &Row| row.begin_epoch_secs),
        required("end_time_epoch_secs", "the step ended, Unix s; NaN on begin rows", |row: &Row| row.end_epoch_secs),
        required(
            "ack_delay_secs",
            "of it, waiting for the other side's word (IMAGE and FLUSH; else 0), s; NaN on begin rows",
            |row: &Row| row.ack_delay_secs,
        ),
        required("image_size_bytes", "size of the image or result, bytes; -1 on end rows", |row: &Row| row.size_bytes),
        required("record_type", "which step", |row: &Row| row.record_type),
        required(
            "outcome",
            "on the end row of IMAGE `delivered`, or the reason why it was not; else empty",
            |row: &Row| row.outcome,
        ),
    ]
}
