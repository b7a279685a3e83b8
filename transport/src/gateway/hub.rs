//! What all connections share: who is here, what waits, which worker is free. Touched by one thread only, never across
//! an await.

mod lines;
mod tasks;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::traffic::TrafficLog;

use lines::Line;
use tasks::{Pending, WorkerSlot};

use super::admission::{Admission, Excess};
use super::execution::ExecutionTimes;
use super::menu_card::MenuCard;
use super::offence::Offence;
use super::refusals::Refusals;
use super::schedule::Scheduler;
use super::stats::GatewayStats;
use super::worker::WorkerPort;
use super::{Gateway, GatewayEvent, GatewayLimits, ServedFrame};
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

    fn count_tasks(&self) {
        self.stats.tasks.store(self.pending.len() as u64, Ordering::Relaxed);
        self.stats.waiting.store(self.scheduler.waiting() as u64, Ordering::Relaxed);
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

    pub(super) fn served(&mut self, entry: ServedFrame) {
        self.stats.answered(entry.status);
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
