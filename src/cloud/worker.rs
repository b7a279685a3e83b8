//! A worker thread: takes a task, detects, hands the result back.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use allocation::model_config::Payload;
use config::cloud::ModelFile;
use inference::detector::DetectTimes;
use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::frame::FrameId;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::{Hop, Stamper};
use rt_core::wait::Waiter;
use transport::gateway::worker::{Task, TaskResult, TaskStatus, WorkerEnd};
use transport::wire::menu::ModelEntry;

use super::models::{Models, Outcome};
use crate::failure::Failure;

/// How long an idle worker sleeps before it looks whether the gateway is still there.
const IDLE: Duration = Duration::from_secs(1);

/// What a worker thread is given.
pub(super) struct Worker {
    /// Its number, from 1.
    pub(super) number: u16,
    pub(super) files: Vec<ModelFile>,
    /// Threads of one inference.
    pub(super) threads: usize,
    pub(super) end: WorkerEnd,
    /// What it worked on, for the log; a full ring loses the newest.
    pub(super) done: rtrb::Producer<Work>,
    /// Gets the menu as measured, or why there is none, once.
    pub(super) ready: SyncSender<Result<Vec<ModelEntry>, Failure>>,
    /// What this thread counts.
    pub(super) counters: ThreadCounters,
    /// The hops it carries out.
    pub(super) stamper: Stamper,
}

/// One task that a worker took up.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) car: Arc<str>,
    pub(super) service: u16,
    pub(super) seq: u64,
    pub(super) payload: Payload,
    /// The worker's number.
    pub(super) worker: u16,
    /// When the frame was complete.
    pub(super) received_at: Monotonic,
    pub(super) taken_at: Monotonic,
    pub(super) finished_at: Monotonic,
    /// Why it failed, where it did.
    pub(super) error: Option<String>,
}

impl Worker {
    /// Loads, measures, then works until `stop`.
    pub(super) fn run(mut self, waiter: &Waiter, stop: &StopToken) -> Result<(), String> {
        let mut models = match self.prepare() {
            Ok((models, menu)) => {
                // Whoever started this thread may have gone on to end the process.
                let _ = self.ready.send(Ok(menu));
                models
            }
            Err(failure) => {
                let _ = self.ready.send(Err(failure));
                return Ok(());
            }
        };
        stop.wakes(self.end.bell());
        while !stop.is_set() && !self.end.is_closed() {
            // Between two tasks; with tasks always waiting there is no other pause.
            waiter.beat();
            let seen = self.end.bell().count();
            self.counters.tick(Monotonic::now());
            match self.end.take() {
                Some(task) => self.serve(&mut models, &task),
                None => waiter.wait_counted(&mut self.counters, self.end.bell(), seen, Monotonic::now().plus(IDLE)),
            }
        }
        Ok(())
    }

    fn prepare(&self) -> Result<(Models, Vec<ModelEntry>), Failure> {
        let mut models = Models::load(&self.files, self.threads).map_err(Failure::config)?;
        let menu = models.measure().map_err(Failure::config)?;
        if self.number == 1 {
            models.notes().iter().for_each(|note| telemetry::say!("{note}"));
        }
        Ok((models, menu))
    }

    fn serve(&mut self, models: &mut Models, task: &Task) {
        let taken_at = Monotonic::now();
        let mut detections = Detections::new();
        let outcome = if task.deadline.passed_at(taken_at) {
            Ok(Outcome::Expired)
        } else {
            models.detect(&task.header, &task.payload, task.deadline, &mut detections)
        };
        let (status, times, error) = match outcome {
            Ok(Outcome::Detected(times)) => (TaskStatus::Ok, times, None),
            Ok(Outcome::Expired) => (TaskStatus::Expired, DetectTimes::default(), None),
            Err(error) => (TaskStatus::Error, DetectTimes::default(), Some(error.to_string())),
        };
        if status == TaskStatus::Ok {
            self.counters.count(Counter::Items);
            self.stamp(task, taken_at, &times);
        } else {
            self.counters.count(Counter::Drops);
            detections.clear();
        }
        let work = Work {
            car: Arc::clone(&task.car),
            service: task.header.service,
            seq: task.header.seq,
            payload: task.header.payload,
            worker: self.number,
            received_at: task.received_at,
            taken_at,
            finished_at: Monotonic::now(),
            error,
        };
        // Before the result, so that whoever sees the frame served finds it.
        let _ = self.done.push(work);
        let DetectTimes { prepare, inference, finish } = times;
        self.end.finish(TaskResult { id: task.id, status, detections, prepare, inference, finish });
    }

    /// The hops of a frame that was detected on; each begins where the one before it ended.
    fn stamp(&mut self, task: &Task, taken_at: Monotonic, times: &DetectTimes) {
        let frame = FrameId { service: task.header.service, seq: task.header.seq };
        self.stamper.stamp(Hop::CloudQueue, frame, task.received_at, taken_at);
        let steps = [
            (Hop::CloudPrepare, times.prepare),
            (Hop::CloudInference, times.inference),
            (Hop::CloudFinish, times.finish),
        ];
        let mut start = taken_at;
        for (hop, time) in steps {
            let end = start.plus(time);
            self.stamper.stamp(hop, frame, start, end);
            start = end;
        }
    }
}
