//! What all connections share: who is here, what waits, which worker is free. Touched by one thread only, never across
//! an await.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::Detections;
use rt_core::trace::counters::{Counter, ThreadCounters};
use s2n_quic::connection::Handle;
use tokio::sync::oneshot;

use super::cars::Cars;
use super::execution::ExecutionTimes;
use super::peer::PeerMetrics;
use super::schedule::{Entry, Owner, Scheduler, Verdict};
use super::worker::{Task, TaskResult, TaskStatus, WorkerPort};
use super::{GatewayEvent, GatewayLimits, ServedFrame};
use crate::wire::frame::FrameHeader;
use crate::wire::identity::Identity;
use crate::wire::menu::CloudMenu;
use crate::wire::result::{CloudTimes, Status};

/// What became of a submitted task.
pub(super) struct Outcome {
    pub(super) status: Status,
    pub(super) times: CloudTimes,
    pub(super) detections: Detections,
}

struct Pending {
    connection: u64,
    model: u16,
    deadline: Deadline,
    received_at: Monotonic,
    dispatched_at: Option<Monotonic>,
    /// Taken when it is dispatched.
    task: Option<Task>,
    reply: oneshot::Sender<Outcome>,
}

struct WorkerSlot {
    port: WorkerPort,
    /// The task it works on.
    running: Option<u64>,
    alive: bool,
}

pub(super) struct Hub {
    pub(super) limits: GatewayLimits,
    pub(super) counters: ThreadCounters,
    menu: CloudMenu,
    times: Vec<ExecutionTimes>,
    cars: Cars,
    /// Bytes held per connection.
    held: HashMap<u64, u64>,
    scheduler: Scheduler,
    pending: HashMap<u64, Pending>,
    workers: Vec<WorkerSlot>,
    next_task: u64,
    served: Option<rtrb::Producer<ServedFrame>>,
    events: Option<rtrb::Producer<GatewayEvent>>,
}

impl Hub {
    pub(super) fn new(
        limits: GatewayLimits,
        menu: CloudMenu,
        workers: Vec<WorkerPort>,
        served: Option<rtrb::Producer<ServedFrame>>,
        events: Option<rtrb::Producer<GatewayEvent>>,
        counters: ThreadCounters,
    ) -> Self {
        let mut hub = Self {
            limits,
            counters,
            times: menu.models.iter().map(ExecutionTimes::new).collect(),
            menu,
            cars: Cars::default(),
            held: HashMap::new(),
            scheduler: Scheduler::default(),
            pending: HashMap::new(),
            workers: workers.into_iter().map(|port| WorkerSlot { port, running: None, alive: true }).collect(),
            next_task: 0,
            served,
            events,
        };
        hub.refresh_menu(crate::reactor::now());
        hub
    }

    /// The menu with the times measured until `now`.
    pub(super) fn menu(&mut self, now: Monotonic) -> CloudMenu {
        self.refresh_menu(now);
        self.menu.clone()
    }

    fn refresh_menu(&mut self, now: Monotonic) {
        let alive = self.workers.iter().filter(|worker| worker.alive).count();
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        for (model, times) in self.menu.models.iter_mut().zip(&mut self.times) {
            let (p50, p95) = times.percentiles(now);
            (model.p50_us, model.p95_us) = (micros(p50), micros(p95));
            model.workers = u16::try_from(alive).unwrap_or(u16::MAX);
        }
    }

    pub(super) fn has_model(&self, model: u16) -> bool {
        usize::from(model) < self.menu.models.len()
    }

    /// Admits a car's connection, which gets a number, or says why it is refused.
    pub(super) fn join(
        &mut self,
        car: (&Identity, u64),
        connection: (Handle, Arc<PeerMetrics>),
        now: Monotonic,
    ) -> Result<u64, String> {
        self.cars.join(car, connection, self.limits.max_cars, now)
    }

    /// Closes all connections.
    pub(super) fn close(&self) {
        self.cars.close();
    }

    /// Frees everything a connection held.
    pub(super) fn leave(&mut self, identity: &Identity, connection: u64) {
        self.cars.leave(identity, connection);
        self.held.remove(&connection);
        let gone = |pending: &Pending| pending.connection == connection && pending.dispatched_at.is_none();
        let ids: Vec<u64> = self.pending.iter().filter(|(_, p)| gone(p)).map(|(id, _)| *id).collect();
        for id in ids {
            self.scheduler.cancel(id);
            self.pending.remove(&id);
        }
    }

    /// Sets `bytes` aside for a frame; `false` where the car holds too much, over all of its connections.
    pub(super) fn hold(&mut self, connection: u64, bytes: u64) -> bool {
        let of = |connection: u64| self.held.get(&connection).copied().unwrap_or_default();
        let held: u64 = self.cars.siblings(connection).map(of).sum();
        let here = self.cars.car_of(connection).is_some();
        if !here || held.saturating_add(bytes) > self.limits.max_car_bytes {
            return false;
        }
        *self.held.entry(connection).or_default() += bytes;
        true
    }

    /// Gives back what [`Hub::hold`] set aside.
    pub(super) fn release(&mut self, connection: u64, bytes: u64) {
        if let Some(held) = self.held.get_mut(&connection) {
            *held = held.saturating_sub(bytes);
        }
    }

    /// Queues a whole frame; its outcome comes over the channel, which closes without one where the car has left.
    pub(super) fn submit(
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
        let owner = Owner { car: self.cars.car_of(connection).unwrap_or(connection), service: header.service };
        let task = Task { id, car, header, payload, received_at, deadline };
        let model = header.model;
        let task = Some(task);
        self.pending.insert(id, Pending { connection, model, deadline, received_at, dispatched_at: None, task, reply });
        if let Some(older) = self.scheduler.submit(Entry { id, owner, model, deadline: deadline.instant() }) {
            self.answer(older.id, Status::Superseded);
        }
        self.dispatch(crate::reactor::now());
        outcome
    }

    /// Gives free workers their next tasks.
    pub(super) fn dispatch(&mut self, now: Monotonic) {
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
                None => return,
                Some(Verdict::Expired(entry)) => self.answer(entry.id, Status::Expired),
                Some(Verdict::Run(entry)) => self.start(free, entry.id, now),
            }
        }
    }

    fn start(&mut self, worker: usize, id: u64, now: Monotonic) {
        let task = self.pending.get_mut(&id).and_then(|pending| {
            pending.dispatched_at = Some(now);
            pending.task.take()
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
    pub(super) fn hear_workers(&mut self, now: Monotonic) {
        for index in 0..self.workers.len() {
            while let Some(result) = self.workers.get_mut(index).and_then(|slot| slot.port.results.pop().ok()) {
                self.finished(index, result, now);
            }
            let Some(slot) = self.workers.get_mut(index) else { continue };
            // Abandoned first, emptied second: a last result pushed before the end is not lost.
            if slot.alive && slot.port.results.is_abandoned() && slot.port.results.is_empty() {
                slot.alive = false;
                if let Some(id) = slot.running.take() {
                    self.scheduler.finished(id);
                    self.answer(id, Status::Error);
                }
                self.log(GatewayEvent::WorkerDied { worker: index });
            }
        }
        self.dispatch(now);
    }

    fn finished(&mut self, worker: usize, result: TaskResult, now: Monotonic) {
        if let Some(slot) = self.workers.get_mut(worker)
            && slot.running == Some(result.id)
        {
            slot.running = None;
        }
        self.scheduler.finished(result.id);
        let Some(pending) = self.pending.remove(&result.id) else { return };
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
        let _ = pending.reply.send(Outcome { status, times, detections: result.detections });
    }

    fn answer(&mut self, id: u64, status: Status) {
        if let Some(pending) = self.pending.remove(&id) {
            let queue = crate::reactor::now().saturating_since(pending.received_at);
            let times = CloudTimes { queue, ..CloudTimes::default() };
            let _ = pending.reply.send(Outcome { status, times, detections: Detections::new() });
        }
    }

    /// When waiting tasks have to be looked at again though nothing happened.
    pub(super) fn next_change(&self, now: Monotonic) -> Option<Monotonic> {
        self.scheduler.next_change(now)
    }

    /// Answers waiting tasks whose deadline has passed while every worker is busy.
    pub(super) fn expire(&mut self, now: Monotonic) {
        let passed: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.dispatched_at.is_none() && pending.deadline.passed_at(now))
            .map(|(id, _)| *id)
            .collect();
        for id in passed {
            self.scheduler.cancel(id);
            self.answer(id, Status::Expired);
        }
    }

    pub(super) fn served(&mut self, entry: ServedFrame) {
        self.counters.count(Counter::Items);
        if let Some(served) = &mut self.served {
            let _ = served.push(entry);
        }
    }

    pub(super) fn log(&mut self, event: GatewayEvent) {
        if let Some(events) = &mut self.events {
            let _ = events.push(event);
        }
    }

    pub(super) fn refuse(&mut self, from: SocketAddr, reason: String) {
        self.log(GatewayEvent::Refused { from, reason });
    }
}
