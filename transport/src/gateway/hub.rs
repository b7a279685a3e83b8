//! What all connections share: who is here, what waits, which worker is free. Touched by one thread only, never across
//! an await.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::Detections;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::traffic::TrafficLog;
use s2n_quic::connection::Handle;
use tokio::sync::oneshot;

use super::admission::{Admission, Excess, Opening, PeerCertificate};
use super::execution::ExecutionTimes;
use super::menu_card::MenuCard;
use super::offence::Offence;
use super::peer::PeerMetrics;
use super::refusals::Refusals;
use super::schedule::{Entry, Owner, Scheduler, Verdict};
use super::stats::GatewayStats;
use super::worker::{Task, TaskResult, TaskStatus, WorkerPort};
use super::{Gateway, GatewayEvent, GatewayLimits, ServedFrame};
use crate::wire::code;
use crate::wire::frame::FrameHeader;
use crate::wire::identity::Identity;
use crate::wire::menu::CloudMenu;
use crate::wire::result::{CloudTimes, Status};

/// What became of a submitted task.
pub(super) struct Outcome {
    pub(super) status: Status,
    pub(super) times: CloudTimes,
    pub(super) detections: Detections,
    /// When a worker got it; `None` where none did.
    pub(super) dispatched_at: Option<Monotonic>,
}

struct Pending {
    owner: Owner,
    connection: u64,
    model: u16,
    deadline: Deadline,
    received_at: Monotonic,
    dispatched_at: Option<Monotonic>,
    /// Kept while a worker has a copy, whose payload is the same bytes: another may have to do it again.
    task: Task,
    /// Whether its first worker died.
    again: bool,
    reply: oneshot::Sender<Outcome>,
}

struct WorkerSlot {
    port: WorkerPort,
    /// The task it works on.
    running: Option<u64>,
    alive: bool,
}

/// How a car's connection is known to be dead, and ended.
struct Line {
    handle: Handle,
    metrics: Arc<PeerMetrics>,
}

/// A connection silent for this long may have to make room for another that is let in.
const SILENT: Duration = Duration::from_secs(5);
/// One silent for this long is ended where its car has another that is alive: a tunnel of this length costs a car with a
/// second uplink a handshake.
const LEFT_BEHIND: Duration = Duration::from_secs(20);
/// Between two looks for such.
const LOOK: Duration = Duration::from_secs(1);

impl Line {
    /// Whether it was opened with this certificate.
    fn is_of(&self, certificate: &PeerCertificate) -> bool {
        self.metrics.certificate().der == certificate.der
    }

    /// Ends it where it has been silent for `least`, once.
    fn give_up(&self, now: Monotonic, least: Duration) -> bool {
        let over = silence(now)(&self) >= least && self.metrics.give_up();
        if over {
            self.handle.close(code::REPLACED.into());
        }
        over
    }
}

/// How long nothing was heard on a line; nothing of one that has been given up already.
fn silence(now: Monotonic) -> impl Fn(&&Line) -> Duration {
    move |line| if line.metrics.is_given_up() { Duration::ZERO } else { now.saturating_since(line.metrics.heard_at()) }
}

/// How many workers are alive.
fn alive(workers: &[WorkerSlot]) -> u16 {
    u16::try_from(workers.iter().filter(|worker| worker.alive).count()).unwrap_or(u16::MAX)
}

pub(super) struct Hub {
    pub(super) limits: GatewayLimits,
    pub(super) counters: ThreadCounters,
    pub(super) books: TrafficLog,
    card: MenuCard,
    times: Vec<ExecutionTimes>,
    admission: Admission<Line>,
    silent_looked_at: Monotonic,
    refusals: Refusals,
    scheduler: Scheduler,
    pending: HashMap<u64, Pending>,
    workers: Vec<WorkerSlot>,
    next_task: u64,
    served: Option<rtrb::Producer<ServedFrame>>,
    events: Option<rtrb::Producer<GatewayEvent>>,
    pub(super) stats: Arc<GatewayStats>,
}

impl Hub {
    pub(super) fn new(config: Gateway, workers: Vec<WorkerPort>, refusals: Refusals) -> Self {
        let Gateway { limits, menu, served, events, counters, stats, mut books, .. } = config;
        books.traffic.connected(Some(crate::reactor::now()));
        Self {
            limits,
            counters,
            books,
            times: menu.models.iter().map(ExecutionTimes::new).collect(),
            card: MenuCard::new(menu),
            silent_looked_at: Monotonic::ZERO,
            admission: Admission::default(),
            refusals,
            scheduler: Scheduler::default(),
            pending: HashMap::new(),
            workers: workers.into_iter().map(|port| WorkerSlot { port, running: None, alive: true }).collect(),
            next_task: 0,
            served,
            events,
            stats,
        }
    }

    /// The menu with the times measured until `now`, and its edition.
    pub(super) fn menu(&mut self, now: Monotonic) -> (CloudMenu, u64) {
        (self.card.menu(&mut self.times, alive(&self.workers), now).clone(), self.card.edition())
    }

    /// The message that brings a car with that edition up to date, where there is a newer one.
    pub(super) fn menu_since(&mut self, edition: u64, now: Monotonic) -> Option<(Bytes, u64)> {
        self.card.menu(&mut self.times, alive(&self.workers), now);
        (self.card.edition() != edition).then(|| (self.card.message(), self.card.edition()))
    }

    pub(super) fn has_model(&self, model: u16) -> bool {
        usize::from(model) < self.times.len()
    }

    /// A connection was opened with this certificate. One too many takes the place of the one of the same certificate that
    /// has been silent for longest, where there is one that long.
    pub(super) fn opened(&mut self, certificate: &PeerCertificate, now: Monotonic) -> Opening {
        let opening = self.admission.opened(certificate, &self.limits);
        if matches!(opening, Opening::Refused(_))
            && let Some(line) = self.admission.lines().filter(|line| line.is_of(certificate)).max_by_key(silence(now))
            && line.give_up(now, SILENT)
        {
            return Opening::Heard;
        }
        opening
    }

    /// Ends connections that a car has left behind: silent for long while another of the same car is alive. Looks once a
    /// second. The silent ones of a car that has no other are its way back, and stay.
    pub(super) fn bury_silent(&mut self, now: Monotonic) {
        if now.saturating_since(self.silent_looked_at) < LOOK {
            return;
        }
        self.silent_looked_at = now;
        for car in self.admission.lines_by_car() {
            if car.clone().any(|line| !line.metrics.is_dead(now)) {
                car.for_each(|line| {
                    line.give_up(now, LEFT_BEHIND);
                });
            }
        }
    }

    /// It ended.
    pub(super) fn closed(&mut self, certificate: &PeerCertificate) {
        self.admission.closed(certificate);
    }

    /// Admits a car; the number of its connection, or why it is refused.
    pub(super) fn join(
        &mut self,
        car: (&Identity, u64),
        connection: (Handle, Arc<PeerMetrics>),
        now: Monotonic,
    ) -> Result<u64, String> {
        let ((identity, process), (handle, metrics)) = (car, connection);
        metrics.certificate().may_be(identity, self.limits.fleet_certificates)?;
        // A full house has a place where somebody left without a word.
        if self.admission.is_full(identity, &self.limits)
            && let Some(silent) = self.admission.lines().max_by_key(silence(now))
            && silent.give_up(now, SILENT)
        {
            let connection = self.admission.connection_of(|line| Arc::ptr_eq(&line.metrics, &silent.metrics));
            connection.into_iter().for_each(|connection| self.leave(connection));
        }
        let line = Line { handle, metrics };
        let is_dead = |line: &Line| line.metrics.is_dead(now);
        let (connection, replaced) = self.admission.join((identity, process), line, &self.limits, now, is_dead)?;
        for dead in replaced {
            dead.handle.close(code::REPLACED.into());
        }
        self.stats.cars.store(self.admission.cars() as u64, Ordering::Relaxed);
        Ok(connection)
    }

    /// Closes all connections.
    pub(super) fn close(&self) {
        for line in self.admission.lines() {
            line.handle.close(code::DONE.into());
        }
    }

    /// Frees everything a connection held.
    pub(super) fn leave(&mut self, connection: u64) {
        self.admission.leave(connection);
        self.stats.cars.store(self.admission.cars() as u64, Ordering::Relaxed);
        let gone = |pending: &Pending| pending.connection == connection && pending.dispatched_at.is_none();
        let ids: Vec<u64> = self.pending.iter().filter(|(_, p)| gone(p)).map(|(id, _)| *id).collect();
        for id in ids {
            self.scheduler.cancel(id);
            self.pending.remove(&id);
        }
        self.count_tasks();
    }

    fn count_tasks(&self) {
        self.stats.tasks.store(self.pending.len() as u64, Ordering::Relaxed);
    }

    /// Sets `bytes` aside for a frame; why not, where that is more than its car may have.
    pub(super) fn hold(&mut self, connection: u64, bytes: u64) -> Result<(), String> {
        let limits = self.limits;
        match self.admission.hold(connection, bytes, &limits, crate::reactor::now()) {
            Ok(()) => {
                self.stats.held_bytes.fetch_add(bytes, Ordering::Relaxed);
                Ok(())
            }
            Err(Excess::Held) => Err(format!("its frames here would be more than {} bytes", limits.max_car_bytes)),
            Err(Excess::Rate) => Err(format!("it sends more than {} bytes a second", limits.max_car_bytes_per_s)),
        }
    }

    /// Gives back what [`Hub::hold`] set aside.
    pub(super) fn release(&mut self, connection: u64, bytes: u64) {
        self.stats.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.admission.release(connection, bytes);
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
    pub(super) fn hear_workers(&mut self, now: Monotonic) {
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
    pub(super) fn next_change(&self, now: Monotonic) -> Option<Monotonic> {
        self.scheduler.next_change(now)
    }

    /// Answers waiting tasks whose deadline has passed while every worker is busy.
    pub(super) fn expire(&mut self, now: Monotonic) {
        while let Some(entry) = self.scheduler.expired(now) {
            self.answer(entry.id, Status::Expired);
        }
    }

    pub(super) fn served(&mut self, entry: ServedFrame) {
        self.counters.count(Counter::Items);
        if let Some(served) = &mut self.served {
            let _ = served.push(entry);
        }
    }

    pub(super) fn log(&mut self, event: GatewayEvent) {
        if let Some(events) = &mut self.events
            && events.push(event).is_err()
        {
            self.stats.events_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a refusal and tells it, as long as they are not too many.
    pub(super) fn refuse(&mut self, from: SocketAddr, reason: String) {
        self.stats.count(Offence::Admission);
        self.refusals.count();
        if self.refusals.may_tell(crate::reactor::now()) {
            self.log(GatewayEvent::Refused { from, reason });
        }
    }

    /// Tells what the stack refused by itself, and how much it was in all.
    pub(super) fn hear_refusals(&mut self, now: Monotonic) {
        while let Some((from, reason)) = self.refusals.next_handshake() {
            self.refuse(from, reason);
        }
        if let Some(tally) = self.refusals.tally(now) {
            self.log(GatewayEvent::Tally(tally));
        }
    }
}
