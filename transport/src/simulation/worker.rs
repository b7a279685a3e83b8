//! A worker in virtual time: it takes as long as it is told to.

use std::time::Duration;

use rt_core::detections::Detections;

use super::world::WorldBell;
use crate::gateway::worker::{Task, TaskResult, TaskStatus, WorkerEnd};
use crate::reactor;

/// How long a task takes a worker, and what it finds.
pub type Work = Box<dyn Fn(&Task) -> (Duration, Detections)>;

/// Works until the gateway is gone.
pub(super) async fn run(mut end: WorkerEnd, bell: WorldBell, work: Work) {
    while !end.is_closed() {
        let Some(task) = end.take() else {
            bell.rung().await;
            continue;
        };
        let late = task.deadline.passed_at(reactor::now());
        let (time, detections) = if late { (Duration::ZERO, Detections::new()) } else { work(&task) };
        reactor::sleep(time).await;
        end.finish(TaskResult {
            id: task.id,
            status: if late { TaskStatus::Expired } else { TaskStatus::Ok },
            detections,
            prepare: Duration::ZERO,
            inference: time,
            finish: Duration::ZERO,
        });
    }
}
