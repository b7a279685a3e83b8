//! Log type 3: what the cloud served of one service.

use std::collections::BTreeMap;

use super::Times;
use super::queries::{bump, merge_counts};
use crate::part::{PartProblem, Table};

pub(super) const COLUMNS: &[&str] = &[
    "deserialization_latency",
    "deserialization_polling_latency",
    "preprocessing_latency",
    "inference_latency",
    "serialization_latency",
    "ack_latency",
    "overall_response_latency_without_ack",
    "worker_id",
    "car_id",
    "batch_size",
    "host_to_device",
    "device",
    "device_to_host",
    "expired_before_inference",
];

/// A stretch of a request's way through the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedStage {
    /// Waiting for a worker, the header's reading included.
    Queue,
    /// Decoding, resizing, normalising.
    Prepare,
    /// The model.
    Inference,
    /// Boxes from raw outputs.
    Finish,
    /// Handing the result over.
    HandOver,
    /// Copying inputs to the device.
    HostToDevice,
    /// Computing there.
    Device,
    /// Copying outputs back.
    DeviceToHost,
    /// All of it but the last hand-over and the queue.
    Processing,
}

impl ServedStage {
    /// All, with the name in reports and the column each is read from.
    pub const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::Queue, "queue", "deserialization_polling_latency"),
        (Self::Prepare, "prepare", "preprocessing_latency"),
        (Self::Inference, "inference", "inference_latency"),
        (Self::Finish, "finish", "serialization_latency"),
        (Self::HandOver, "hand_over", "ack_latency"),
        (Self::HostToDevice, "host_to_device", "host_to_device"),
        (Self::Device, "device", "device"),
        (Self::DeviceToHost, "device_to_host", "device_to_host"),
        (Self::Processing, "processing", "overall_response_latency_without_ack"),
    ];
}

/// Everything that the cloud served of one service.
#[derive(Clone, Debug, Default)]
pub struct ServedStats {
    /// Requests served.
    pub requests: u64,
    /// Requests given up before inference.
    pub expired: u64,
    /// Sum of the batch sizes.
    pub batch_images: u64,
    /// Requests by worker.
    pub workers: BTreeMap<String, u64>,
    /// Requests by car.
    pub cars: BTreeMap<String, u64>,
    /// Every stage, in the order of [`ServedStage::ALL`].
    pub stages: [Times; ServedStage::ALL.len()],
}

fn sum(cells: Option<Vec<Option<i64>>>) -> u64 {
    cells.into_iter().flatten().flatten().filter_map(|count| u64::try_from(count).ok()).sum()
}

impl ServedStats {
    /// Adds a part.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table) -> Result<(), PartProblem> {
        table.need_floats("inference_latency")?;
        self.requests += table.rows() as u64;
        self.expired += sum(table.integers("expired_before_inference"));
        self.batch_images += sum(table.integers("batch_size"));
        for (counts, column) in [(&mut self.workers, "worker_id"), (&mut self.cars, "car_id")] {
            table.texts(column).into_iter().flatten().for_each(|name| bump(counts, name, 1));
        }
        for (times, (_, _, column)) in self.stages.iter_mut().zip(ServedStage::ALL) {
            table.floats(column).into_iter().flatten().for_each(|secs| times.add(secs));
        }
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.expired += other.expired;
        self.batch_images += other.batch_images;
        merge_counts(&mut self.workers, other.workers);
        merge_counts(&mut self.cars, other.cars);
        self.stages.iter_mut().zip(&other.stages).for_each(|(mine, theirs)| mine.merge(theirs));
    }
}
