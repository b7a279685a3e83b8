//! Frames on their way to a worker and their results on the way back: each is answered once, whoever dies.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::Detections;
use tokio::sync::oneshot;

use super::{Hub, Outcome};
use crate::gateway::GatewayEvent;
use crate::gateway::schedule::{Entry, Owner, Verdict};
use crate::gateway::worker::{Task, TaskResult, TaskStatus, WorkerPort};
use crate::wire::frame::FrameHeader;
use crate::wire::result::{CloudTimes, Status};

pub(super) struct Pending {
    pub(super) owner: Owner,
    pub(super) connection: u64,
    pub(super) model: u16,
    pub(super) deadline: Deadline,
    pub(super) received_at: Monotonic,
    pub(super) dispatched_at: Option<Monotonic>,
    /// Kept while a worker has a copy, whose payload is the same bytes: another may have to do it again.
    pub(super) task: Task,
    /// Whether its first worker died.
    pub(super) again: bool,
    pub(super) reply: oneshot::Sender<Outcome>,
}

pub(super) struct WorkerSlot {
    pub(super) port: WorkerPort,
    /// The task it works on.
    pub(super) running: Option<u64>,
    pub(super) alive: bool,
}

impl Hub {
    /// Queues a whole frame; its outcome comes over the channel, which closes without one where the car has left.
    pub(in crate::gateway) fn submit(
        &mut self,
        connection: u64,
        car: Arc<str>,
        header: FrameHeader,
        payload: Bytes,
        received_at: Monotonic,
        deadline: Deadline,
    ) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        let id = self.next_task;
        self.next_task += 1;
        let owner = Owner { car: self.admission.car_of(connection).unwrap_or(connection), service: header.service };
        let task = Task { id, car, header, payload, received_at, deadline };
        let model = header.model;
        self.pending.insert(
            id,
            Pending { owner, connection, model, deadline, received_at, dispatched_at: None, task, again: false, reply },
        );
        self.count_tasks();
        self.enqueue(Entry { id, owner, seq: header.seq, model, deadline: deadline.instant() });
        self.dispatch(crate::reactor::now());
        outcome
    }

    fn enqueue(&mut self, entry: Entry) {
        if let Some(older) = self.scheduler.submit(entry) {
            self.answer(older.id, Status::Superseded);
        }
    }

    /// Gives free workers their next tasks.
    pub(in crate::gateway) fn dispatch(&mut self, now: Monotonic) {
        let expected: Vec<Duration> = self.times.iter_mut().map(|times| times.percentiles(now).1).collect();
        let expected = |model: u16| expected.get(usize::from(model)).copied().unwrap_or_default();
        if !self.workers.iter().any(|worker| worker.alive) {
            let waiting: Vec<u64> =
                self.pending.iter().filter(|(_, p)| p.dispatched_at.is_none()).map(|(id, _)| *id).collect();
            for id in waiting {
                self.scheduler.cancel(id);
                self.answer(id, Status::Error);
            }
            return;
        }
        while let Some(free) = self.workers.iter().position(|worker| worker.alive && worker.running.is_none()) {
            match self.scheduler.next(now, expected) {
                None => break,
                Some(Verdict::Expired(entry)) => self.answer(entry.id, Status::Expired),
                Some(Verdict::Run(entry)) => self.start(free, entry.id, now),
            }
        }
        self.count_tasks();
    }

    fn start(&mut self, worker: usize, id: u64, now: Monotonic) {
        let task = self.pending.get_mut(&id).map(|pending| {
            pending.dispatched_at = Some(now);
            pending.task.clone()
        });
        let (Some(task), Some(slot)) = (task, self.workers.get_mut(worker)) else {
            self.scheduler.finished(id);
            return;
        };
        match slot.port.tasks.push(task) {
            Ok(()) => {
                slot.running = Some(id);
                slot.port.bell.ring();
            }
            Err(_) => {
                self.scheduler.finished(id);
                self.answer(id, Status::Error);
            }
        }
    }

    /// Takes what the workers have done, notices the dead, and hands out what waits.
    pub(in crate::gateway) fn hear_workers(&mut self, now: Monotonic) {
        for index in 0..self.workers.len() {
            while let Some(result) = self.workers.get_mut(index).and_then(|slot| slot.port.results.pop().ok()) {
                self.finished(index, result, now);
            }
            let Some(slot) = self.workers.get_mut(index) else { continue };
            // Abandoned first, emptied second: a last result pushed before the end is not lost.
            if slot.alive && slot.port.results.is_abandoned() && slot.port.results.is_empty() {
                slot.alive = false;
                let running = slot.running.take();
                self.log(GatewayEvent::WorkerDied { worker: index });
                if let Some(id) = running {
                    self.scheduler.finished(id);
                    self.orphaned(id, now);
                }
            }
        }
        self.dispatch(now);
    }

    /// A task's worker died. Another gets it where that can still be in time, but once only: what kills every worker it
    /// meets must not have them all.
    fn orphaned(&mut self, id: u64, now: Monotonic) {
        let Some(pending) = self.pending.get_mut(&id) else { return };
        let expected = self.times.get_mut(usize::from(pending.model)).map(|times| times.percentiles(now).1);
        let in_time = expected.is_some_and(|expected| now.plus(expected) <= pending.deadline.instant());
        let others = self.workers.iter().any(|worker| worker.alive);
        // Nobody waits for the frame of a car that has left.
        if pending.again || !in_time || !others || pending.reply.is_closed() {
            self.answer(id, Status::Error);
            return;
        }
        (pending.again, pending.dispatched_at) = (true, None);
        let (owner, model, deadline) = (pending.owner, pending.model, pending.deadline.instant());
        let seq = pending.task.header.seq;
        self.stats.dispatched_again.fetch_add(1, Ordering::Relaxed);
        self.enqueue(Entry { id, owner, seq, model, deadline });
    }

    fn finished(&mut self, worker: usize, result: TaskResult, now: Monotonic) {
        if let Some(slot) = self.workers.get_mut(worker)
            && slot.running == Some(result.id)
        {
            slot.running = None;
        }
        self.scheduler.finished(result.id);
        let Some(pending) = self.pending.remove(&result.id) else { return };
        self.count_tasks();
        let took = result.prepare + result.inference + result.finish;
        if result.status == TaskStatus::Ok
            && let Some(times) = self.times.get_mut(usize::from(pending.model))
        {
            times.record(now, took);
        }
        let status = match result.status {
            TaskStatus::Ok => Status::Ok,
            TaskStatus::Expired => Status::Expired,
            TaskStatus::Error => Status::Error,
        };
        let queue = pending.dispatched_at.map_or(Duration::ZERO, |at| at.saturating_since(pending.received_at));
        let times = CloudTimes {
            receive: Duration::ZERO,
            queue,
            prepare: result.prepare,
            inference: result.inference,
            finish: result.finish,
        };
        // The frame's task may be gone with its car; nobody waits then.
        let Pending { dispatched_at, reply, .. } = pending;
        let _ = reply.send(Outcome { status, times, detections: result.detections, dispatched_at });
    }

    fn answer(&mut self, id: u64, status: Status) {
        if let Some(pending) = self.pending.remove(&id) {
            let queue = crate::reactor::now().saturating_since(pending.received_at);
            let times = CloudTimes { queue, ..CloudTimes::default() };
            let Pending { dispatched_at, reply, .. } = pending;
            let _ = reply.send(Outcome { status, times, detections: Detections::new(), dispatched_at });
        }
        self.count_tasks();
    }

    /// When waiting tasks have to be looked at again though nothing happened.
    pub(in crate::gateway) fn next_change(&self, now: Monotonic) -> Option<Monotonic> {
        self.scheduler.next_change(now)
    }

    /// Answers waiting tasks whose deadline has passed while every worker is busy.
    pub(in crate::gateway) fn expire(&mut self, now: Monotonic) {
        while let Some(entry) = self.scheduler.expired(now) {
            self.answer(entry.id, Status::Expired);
        }
    }
}
