//! The rings between the gateway and a worker thread, what crosses them, and how busy the worker is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::depth::DepthWatch;
use rt_core::detections::Detections;
use rt_core::doorbell::Doorbell;
use rt_core::ring::{Consumer, Producer, watched};

use super::load::WorkerLoad;
use crate::wire::frame::FrameHeader;

/// Tasks a ring holds; the gateway hands a worker one at a time.
const RING: usize = 4;

/// One frame to detect.
#[derive(Clone, Debug)]
pub struct Task {
    /// Names the task for its result.
    pub id: u64,
    /// Whose frame it is.
    pub car: Arc<str>,
    /// What it is: model, coding, sizes.
    pub header: FrameHeader,
    /// The coded image.
    pub payload: Bytes,
    /// When the last byte came.
    pub received_at: Monotonic,
    /// When the result has to leave the cloud; check it right before inference.
    pub deadline: Deadline,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// Detected.
    Ok,
    /// Its deadline had passed before inference began.
    Expired,
    /// The image could not be decoded, or the engine failed.
    Error,
}

/// What a worker hands back.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// The task's id.
    pub id: u64,
    /// How it ended.
    pub status: TaskStatus,
    /// Boxes in pixels of the camera frame.
    pub detections: Detections,
    /// Image decoding, resizing, normalisation.
    pub prepare: Duration,
    /// The model.
    pub inference: Duration,
    /// Boxes from raw outputs.
    pub finish: Duration,
}

/// The gateway's end of one worker.
pub struct WorkerPort {
    pub(super) tasks: Producer<Task>,
    pub(super) results: Consumer<TaskResult>,
    pub(super) bell: Doorbell,
    watch: Option<WorkerWatch>,
}

/// What whoever watches a worker looks at.
#[derive(Debug)]
pub struct WorkerWatch {
    /// The tasks on their way to it.
    pub tasks: DepthWatch,
    /// The results on their way back.
    pub results: DepthWatch,
    /// How busy it is.
    pub load: Arc<WorkerLoad>,
}

impl WorkerPort {
    /// What tells how busy the worker is; there is one.
    pub fn watch(&mut self) -> Option<WorkerWatch> {
        self.watch.take()
    }
}

/// The worker thread's end. Dropping it, which a panic does too, tells the gateway that the worker is dead.
pub struct WorkerEnd {
    tasks: Option<Consumer<Task>>,
    results: Option<Producer<TaskResult>>,
    bell: Doorbell,
    gateway: Doorbell,
    load: Arc<WorkerLoad>,
}

/// Both ends of a worker; `gateway` is the doorbell that [`super::run_gateway`] waits on.
///
/// ```
/// use rt_core::doorbell::Doorbell;
/// use transport::gateway::worker::worker_channel;
/// let gateway_bell = Doorbell::eventfd()?;
/// let (port, mut end) = worker_channel(&gateway_bell);
/// assert!(end.take().is_none());
/// drop(port);
/// assert!(end.is_closed());
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn worker_channel(gateway: &Doorbell) -> (WorkerPort, WorkerEnd) {
    worker_channel_with(gateway, Doorbell::futex())
}

/// As [`worker_channel`], for a worker that sleeps otherwise than on a futex.
pub(crate) fn worker_channel_with(gateway: &Doorbell, bell: Doorbell) -> (WorkerPort, WorkerEnd) {
    let (task_sender, task_receiver, tasks) = watched(RING);
    let (result_sender, result_receiver, results) = watched(RING);
    let load = Arc::new(WorkerLoad::default());
    let watch = Some(WorkerWatch { tasks, results, load: Arc::clone(&load) });
    (
        WorkerPort { tasks: task_sender, results: result_receiver, bell: bell.clone(), watch },
        WorkerEnd { tasks: Some(task_receiver), results: Some(result_sender), bell, gateway: gateway.clone(), load },
    )
}

impl WorkerEnd {
    /// The worker's own bell: read its count, [`WorkerEnd::take`], and wait on it where there was nothing. Register it
    /// with the stop token.
    #[must_use]
    pub fn bell(&self) -> &Doorbell {
        &self.bell
    }

    /// The next task, where there is one.
    pub fn take(&mut self) -> Option<Task> {
        let task = self.tasks.as_mut()?.pop().ok()?;
        self.load.begun(crate::reactor::now());
        Some(task)
    }

    /// Hands a result back and wakes the gateway; `false` where the gateway is gone.
    pub fn finish(&mut self, result: TaskResult) -> bool {
        self.load.ended(crate::reactor::now());
        // The ring is as large as the task ring, so it has room for every task that was taken.
        let pushed = self.results.as_mut().is_some_and(|results| results.push(result).is_ok());
        self.gateway.ring();
        pushed && !self.is_closed()
    }

    /// Whether the gateway has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tasks.as_ref().is_none_or(Consumer::is_abandoned)
    }
}

impl Drop for WorkerEnd {
    fn drop(&mut self) {
        // The rings first, so that the gateway, once woken, finds them abandoned.
        self.tasks = None;
        self.results = None;
        self.load.gone(crate::reactor::now());
        self.gateway.ring();
    }
}

impl Drop for WorkerPort {
    fn drop(&mut self) {
        self.bell.ring();
    }
}
