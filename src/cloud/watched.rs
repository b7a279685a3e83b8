//! Gateway and workers, as snapshots show them.

use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use telemetry::collector::{Lately, Part};
use telemetry::subscribe::{GatewayPicture, Picture, WorkerPicture};
use transport::gateway::{GatewayStats, Offence, WorkerLoad};
use transport::wire::result::Status;

/// What the cloud's threads count, read whenever somebody looks.
pub(super) struct Watched {
    stats: Arc<GatewayStats>,
    workers: Vec<Worker>,
}

struct Worker {
    name: String,
    load: Arc<WorkerLoad>,
    busy: Lately<(Monotonic, Duration)>,
}

impl Watched {
    /// A gateway and its workers, each with its name.
    pub(super) fn new(stats: &Arc<GatewayStats>, workers: Vec<(String, Arc<WorkerLoad>)>) -> Self {
        let worker = |(name, load)| Worker { name, load, busy: Lately::default() };
        Self { stats: Arc::clone(stats), workers: workers.into_iter().map(worker).collect() }
    }
}

impl Part for Watched {
    fn tick(&mut self, now: Monotonic) {
        self.workers.iter_mut().for_each(|worker| worker.busy.tick((now, worker.load.busy(now))));
    }

    fn show(&mut self, now: Monotonic, picture: &mut Picture) {
        picture.gateway = Some(gateway(&self.stats));
        picture.workers = self.workers.iter().map(|worker| worker.picture(now)).collect();
    }
}

fn gateway(stats: &GatewayStats) -> GatewayPicture {
    let refused = Offence::ALL.map(|offence| (offence.name().to_owned(), stats.offences(offence)));
    let (waiting, tasks) = (stats.waiting(), stats.tasks());
    GatewayPicture {
        cars: stats.cars(),
        connections: stats.connections(),
        frames: stats.frames(),
        waiting,
        running: tasks.saturating_sub(waiting),
        held_bytes: stats.held_bytes(),
        served: stats.answers(Status::Ok),
        expired: stats.answers(Status::Expired),
        superseded: stats.answers(Status::Superseded),
        overload: stats.answers(Status::Overload),
        failed: stats.answers(Status::Error),
        given_up: stats.resets(),
        refused: refused.iter().map(|(_, count)| count).sum(),
        refused_by: refused.into_iter().filter(|(_, count)| *count > 0).collect(),
    }
}

impl Worker {
    fn picture(&self, now: Monotonic) -> WorkerPicture {
        let busy = self.load.busy(now);
        let part = |(since, before): (Monotonic, Duration)| {
            let time = now.saturating_since(since).as_secs_f64();
            (time > 0.0).then(|| (busy.saturating_sub(before).as_secs_f64() / time).min(1.0))
        };
        WorkerPicture {
            worker: self.name.clone(),
            alive: self.load.is_alive(),
            tasks: self.load.tasks(),
            busy_s: busy.as_secs_f64(),
            busy: self.busy.before().and_then(part),
        }
    }
}
