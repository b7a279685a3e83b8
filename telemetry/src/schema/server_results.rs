//! Log type 3, `server_results_service{N}_temp{K}`: in the cloud, one row per served request.

use std::sync::Arc;

use super::{Column, required, secs};
use crate::names::Names;
use crate::records::ServedRecord;
use crate::run_clock::RunClock;

/// One row.
#[derive(Clone, Debug)]
pub struct ServedRow {
    record: ServedRecord,
    timestamp_secs: f64,
    requested_processing: Arc<str>,
    car: Arc<str>,
    worker: Arc<str>,
}

impl ServedRow {
    /// The row of one served request.
    #[must_use]
    pub fn of(record: &ServedRecord, clock: &RunClock, names: &Names) -> Self {
        Self {
            record: *record,
            timestamp_secs: clock.unix_secs(record.start),
            requested_processing: names.get(record.config),
            car: names.get(record.car),
            worker: names.get(record.worker),
        }
    }
}

/// Instants are `CLOCK_MONOTONIC` seconds of the cloud's machine; latencies are seconds.
#[must_use]
pub fn server_results() -> Vec<Column<ServedRow>> {
    type Row = ServedRow;
    vec![
        required("service_id", "the car's service number", |row: &Row| row.record.service.to_string()),
        required("context_id", "the car's frame number", |row: &Row| row.record.seq.to_string()),
        required("timestamp_secs", "Unix time at which processing began, s", |row: &Row| row.timestamp_secs),
        required("deserialization_latency", "reading the request's header, s", |row: &Row| {
            secs(row.record.deserialization)
        }),
        required("deserialization_polling_latency", "the same and the wait in the queue, s", |row: &Row| {
            secs(row.record.deserialization_polling)
        }),
        required("preprocessing_latency", "decoding, resizing, normalising, s", |row: &Row| {
            secs(row.record.preprocessing)
        }),
        required("inference_latency", "the model, s", |row: &Row| secs(row.record.inference)),
        required("serialization_latency", "boxes from raw outputs, result written, s", |row: &Row| {
            secs(row.record.serialization)
        }),
        required("ack_latency", "handing the result to the transport, s", |row: &Row| secs(row.record.ack)),
        required("overall_response_latency_without_ack", "end - start - ack_latency, s", |row: &Row| {
            secs(row.record.end.saturating_since(row.record.start).saturating_sub(row.record.ack))
        }),
        required("start_time_counter", "processing began, monotonic s", |row: &Row| row.record.start.as_secs_f64()),
        required("end_time_counter", "processing ended, monotonic s", |row: &Row| row.record.end.as_secs_f64()),
        required("requested_processing", "model configuration that the car asked for", |row: &Row| {
            Arc::clone(&row.requested_processing)
        }),
        required("car_id", "the car's identity", |row: &Row| Arc::clone(&row.car)),
        required("worker_id", "the worker that served it", |row: &Row| Arc::clone(&row.worker)),
        required("batch_size", "images in its batch", |row: &Row| row.record.batch_size),
        required("host_to_device", "copying inputs to the device, s", |row: &Row| secs(row.record.host_to_device)),
        required("device", "computing on the device, s", |row: &Row| secs(row.record.device)),
        required("device_to_host", "copying outputs back, s", |row: &Row| secs(row.record.device_to_host)),
        required("expired_before_inference", "requests given up since the last served one", |row: &Row| {
            row.record.expired_before_inference
        }),
    ]
}
