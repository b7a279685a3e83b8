//! Log type 1, `client_queries_service{N}_temp{K}.csv`: on the car, one row per delivered box.

use std::sync::Arc;

use rt_core::detections::Detection;
use rt_core::trace::Hop;

use super::{Column, context_id, nullable, required, secs};
use crate::names::Names;
use crate::records::FrameRecord;
use crate::run_clock::RunClock;

/// One row: what the frame's rows share, and one box.
#[derive(Clone, Debug)]
pub struct QueryRow {
    frame: Arc<Frame>,
    detection: Option<Detection>,
}

#[derive(Debug)]
struct Frame {
    record: FrameRecord,
    start_time_unix: f64,
    allocated_model: Arc<str>,
    preprocessing_delay: f64,
    request_start_time: f64,
    response_listen_start_time: f64,
    response_listen_end_time: f64,
}

impl QueryRow {
    /// The rows of one decision: one per delivered box, or a single one without a box.
    ///
    /// Where nothing was sent, the request's instants are those at which the service came past the step and its
    /// delays are zero, as in the original for its local path.
    #[must_use]
    pub fn of(record: &FrameRecord, clock: &RunClock, names: &Names) -> Vec<Self> {
        let preprocessing = record.hops.get(Hop::Encode).unwrap_or_default();
        let request_start = record
            .request
            .map_or_else(|| record.start.plus(record.camera_obtain).plus(preprocessing), |request| request.start);
        let listen_start = record.request.map_or(request_start, |request| request.listen_start);
        let listen_end =
            record.response.map_or(record.decision, |response| response.received.plus(response.deserialization));
        let frame = Arc::new(Frame {
            start_time_unix: clock.unix_secs(record.start),
            allocated_model: names.get(record.config),
            preprocessing_delay: secs(preprocessing),
            request_start_time: request_start.as_secs_f64(),
            response_listen_start_time: listen_start.as_secs_f64(),
            response_listen_end_time: listen_end.as_secs_f64(),
            record: record.clone(),
        });
        if record.delivered.is_empty() {
            return vec![Self { frame, detection: None }];
        }
        record
            .delivered
            .iter()
            .map(|&detection| Self { frame: Arc::clone(&frame), detection: Some(detection) })
            .collect()
    }

    fn of_box(&self, get: impl Fn(&Detection) -> f32) -> Option<f64> {
        self.detection.as_ref().map(|detection| f64::from(get(detection)))
    }
}

/// Instants are `CLOCK_MONOTONIC` seconds, which is what the original's `perf_counter()` reads; delays are seconds.
#[must_use]
pub fn client_queries() -> Vec<Column<QueryRow>> {
    type Row = QueryRow;
    vec![
        required("service_id", "service (and camera) number, from 1", |row: &Row| {
            i32::from(row.frame.record.meta.service)
        }),
        required("context_id", "the frame's number, modulo 2^31", |row: &Row| context_id(row.frame.record.meta.seq)),
        required("start_time_unix", "Unix time at which the service began with the frame, s", |row: &Row| {
            row.frame.start_time_unix
        }),
        required("start_time", "the same instant, monotonic s", |row: &Row| row.frame.record.start.as_secs_f64()),
        required("camera_recv_latency", "time to obtain the frame, s", |row: &Row| {
            secs(row.frame.record.camera_obtain)
        }),
        required("camera_ack_latency", "time to return the frame's slot, s", |row: &Row| {
            secs(row.frame.record.camera_return)
        }),
        required("preprocessing_delay", "resizing and encoding, s", |row: &Row| row.frame.preprocessing_delay),
        required("request_start_time", "the request was begun, monotonic s", |row: &Row| row.frame.request_start_time),
        required("request_serialization_delay", "writing the request into its slot, s", |row: &Row| {
            row.frame.record.request.map_or(0.0, |request| secs(request.serialization))
        }),
        required("request_ack_latency", "handing the slot to the transport, s", |row: &Row| {
            row.frame.record.request.map_or(0.0, |request| secs(request.handover))
        }),
        required("response_listen_start_time", "the service began to wait for the result, monotonic s", |row: &Row| {
            row.frame.response_listen_start_time
        }),
        nullable("good_response_listen_delay", "from there to the matching result, s", |row: &Row| {
            let response = row.frame.record.response?;
            Some((response.received.as_secs_f64() - row.frame.response_listen_start_time).max(0.0))
        }),
        nullable("good_response_deserialization_latency", "reading the matching result, s", |row: &Row| {
            row.frame.record.response.map(|response| secs(response.deserialization))
        }),
        required("response_listen_end_time", "the wait ended, monotonic s", |row: &Row| {
            row.frame.response_listen_end_time
        }),
        required("response_overall_recv_delay", "from the request's begin to the end of the wait, s", |row: &Row| {
            (row.frame.response_listen_end_time - row.frame.request_start_time).max(0.0)
        }),
        required("end_time", "the service was done with the frame, monotonic s", |row: &Row| {
            row.frame.record.end.as_secs_f64()
        }),
        required(
            "total_latency",
            "end_time - start_time, s (image_age comes on top since the capture)",
            |row: &Row| secs(row.frame.record.end.saturating_since(row.frame.record.start)),
        ),
        required("allocated_model", "model configuration that the allocation asked for", |row: &Row| {
            Arc::clone(&row.frame.allocated_model)
        }),
        required("remote_request_received", "whether the cloud's result came before the decision", |row: &Row| {
            row.frame.record.response.is_some()
        }),
        nullable("[CameraBoxComponent].box.center.x", "px of the camera frame", |row: &Row| {
            row.of_box(|b| f32::midpoint(b.x_min, b.x_max))
        }),
        nullable("[CameraBoxComponent].box.center.y", "px", |row: &Row| {
            row.of_box(|b| f32::midpoint(b.y_min, b.y_max))
        }),
        nullable("[CameraBoxComponent].box.size.x", "px", |row: &Row| row.of_box(|b| b.x_max - b.x_min)),
        nullable("[CameraBoxComponent].box.size.y", "px", |row: &Row| row.of_box(|b| b.y_max - b.y_min)),
        nullable("[CameraBoxComponent].type", "class number, at most 127", |row: &Row| {
            row.detection.map(|detection| i8::try_from(detection.class).unwrap_or(i8::MAX))
        }),
        nullable("score", "confidence, 0 to 1", |row: &Row| row.of_box(|b| b.score)),
        required("frame_seq", "the frame's number, whole", |row: &Row| row.frame.record.meta.seq),
        required("capture_timestamp_ns", "the frame was captured, monotonic ns", |row: &Row| {
            row.frame.record.meta.capture.as_ns()
        }),
        required("image_age", "capture to start_time, s", |row: &Row| {
            secs(row.frame.record.start.saturating_since(row.frame.record.meta.capture))
        }),
        required("deadline_ns", "the decision was due, monotonic ns", |row: &Row| {
            row.frame.record.meta.deadline.instant().as_ns()
        }),
        required("source", "whose boxes these are: cloud, vehicle, none", |row: &Row| row.frame.record.source.name()),
        required("outcome", "what became of the request to the cloud", |row: &Row| row.frame.record.outcome.name()),
        required("uplink_bytes", "bytes of the frame given to the transport", |row: &Row| {
            row.frame.record.uplink_bytes
        }),
        required("stale_results_drained", "results of earlier frames thrown away meanwhile", |row: &Row| {
            row.frame.record.stale_results_drained
        }),
    ]
}
