//! One request as the cloud served it.

use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::names::NameId;

/// One inference in the cloud: log type 3. All durations are of this cloud's clock.
#[derive(Clone, Copy, Debug)]
pub struct ServedRecord {
    /// The car's service number.
    pub service: u16,
    /// The car's sequence number of the frame.
    pub seq: u64,
    /// Processing began: the request was complete and taken up.
    pub start: Monotonic,
    /// Processing ended, the result handed to the transport.
    pub end: Monotonic,
    /// Reading the request's header.
    pub deserialization: Duration,
    /// From the complete request to a worker having read it: its wait in the queue, and `deserialization`.
    pub deserialization_polling: Duration,
    /// Decoding, resizing, normalising.
    pub preprocessing: Duration,
    /// The model, on whatever device.
    pub inference: Duration,
    /// Turning raw outputs into boxes and writing the result.
    pub serialization: Duration,
    /// Handing the result to the transport.
    pub ack: Duration,
    /// The model configuration that the car asked for.
    pub config: NameId,
    /// The car's identity.
    pub car: NameId,
    /// The worker that served it.
    pub worker: NameId,
    /// Images in the batch it was part of.
    pub batch_size: u16,
    /// Copying inputs to the device; zero on a CPU.
    pub host_to_device: Duration,
    /// Computing on the device; the whole inference on a CPU.
    pub device: Duration,
    /// Copying outputs back; zero on a CPU.
    pub device_to_host: Duration,
    /// Requests of this car and service that were given up before inference since the last one that was served.
    pub expired_before_inference: u32,
}
