//! A worker dies in the midst of a task: another does it where there is one and time is left, and never a third.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod harness;

use std::time::Duration;

use harness::raw::{RawCar, header};
use harness::{CloudSide, Work, echo, localhost, pki};
use transport::gateway::worker::{Task, TaskResult};
use transport::gateway::{GatewayEvent, GatewayLimits};
use transport::wire::frame::FrameHeader;
use transport::wire::result::Status;

fn dies(_: &Task) -> TaskResult {
    std::panic::panic_any("a worker dies, as the test wants")
}

/// Dies when the task's time is over.
fn dies_late(task: &Task) -> TaskResult {
    while !task.deadline.passed_at(rt_core::clock::Monotonic::now()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    dies(task)
}

/// What becomes of a frame after another, with these workers; how often a task was given to a second one, how many died.
fn served_by(works: &[Work], budget: Duration, frames: u64) -> (Vec<Status>, u64, usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = pki(dir.path());
    let mut cloud = CloudSide::with_workers(
        pki.cloud(),
        localhost(),
        GatewayLimits { fleet_certificates: true, ..GatewayLimits::default() },
        works,
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let statuses = runtime.block_on(async {
        let mut raw = RawCar::join(&pki.car(), cloud.address, 1).await;
        let mut statuses = vec![];
        for seq in 0..frames {
            statuses.push(raw.frame(FrameHeader { seq, budget, ..header(1_000) }).await.status);
        }
        statuses
    });
    cloud.wait_idle();
    let again = cloud.stats.dispatched_again();
    let mut died = 0;
    while let Ok(event) = cloud.events.pop() {
        died += usize::from(matches!(event, GatewayEvent::WorkerDied { .. }));
    }
    cloud.end();
    (statuses, again, died)
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn another_worker_takes_over() {
    assert_eq!(served_by(&[dies, echo], LONG, 3), (vec![Status::Ok; 3], 1, 1));
}

#[test]
fn what_kills_two_workers_gets_no_third() {
    let expected = vec![Status::Error, Status::Ok];
    assert_eq!(served_by(&[dies, dies, echo], LONG, 2), (expected, 1, 2));
}

#[test]
fn without_another_worker_it_fails_at_once() {
    assert_eq!(served_by(&[dies], LONG, 2), (vec![Status::Error; 2], 0, 1));
}

#[test]
fn without_time_left_it_fails_at_once() {
    let (statuses, again, died) = served_by(&[dies_late, echo], Duration::from_secs(1), 1);
    assert_eq!((statuses, again, died), (vec![Status::Error], 0, 1));
}
