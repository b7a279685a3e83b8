//! The car's subsystems, in the order in which they start: those that others send to go first, cameras last. Stopping
//! is the reverse: cameras first, then every frame they captured gets its decision, then the rest.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use config::car::CarProfile;
use config::threads::Role;
use inference::detector::Detector;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::{Member, Subsystem};
use telemetry::collector::{Collector, CollectorReport};

use super::detector;
use super::wiring::{Threads, largest_frame};
use crate::core_map::Crew;
use crate::failure::Failure;

/// How long a subsystem may take to stop, beyond the longest objective: that long a frame may be waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes every subsystem, one per thread and of its name; `report` gets the collector's last word.
///
/// # Errors
/// [`Failure::Config`] for a core map that no kernel could grant.
pub fn make(
    profile: &CarProfile,
    threads: Threads,
    detector: Detector,
    collector: Collector,
    report: SyncSender<CollectorReport>,
    bell: &Doorbell,
) -> Result<Vec<Box<dyn Subsystem>>, Failure> {
    let entries = &profile.threads;
    let mut crew = Crew::new(entries.mode, profile.memory.lock);
    let mut members: Vec<Member> = Vec::new();
    let seat = crew.enter(&entries.collector, Role::Collector, "collector");
    members.push(
        seat.does(move |waiter, stop| report.send(collector.run_by(stop, waiter)).map_err(|error| error.to_string())),
    );
    if let Some((mut endpoint, bell)) = threads.endpoint {
        let seat = crew.enter(&entries.transport, Role::Transport, "transport");
        members.push(seat.does(move |waiter, stop| {
            endpoint.heartbeat = waiter.heartbeat().clone();
            transport::car::run_car(endpoint, stop, bell).map_err(|error| error.to_string())
        }));
    }
    if let Some(ping) = threads.ping {
        // As little real-time as the collector, and at home where it is.
        let seat = crew.enter(&entries.collector, Role::Collector, "ping");
        members.push(seat.does(move |waiter, stop| ping.run(waiter, stop)));
    }
    let allocator = threads.allocator;
    let seat = crew.enter(&entries.allocator, Role::Allocator, "allocator");
    members.push(seat.does(move |waiter, stop| allocator.run(waiter, stop)));
    let largest = largest_frame(&threads.capture);
    let (lanes, detector_bell) = (threads.detector_lanes, threads.detector_bell);
    let seat = crew.enter(&entries.detector, Role::Detector, "detector");
    let counters = threads.detector_counters;
    members.push(
        seat.does(move |waiter, stop| detector::run(detector, largest, lanes, &detector_bell, counters, waiter, stop)),
    );
    for (encoder, number) in threads.encoders.into_iter().zip(1..) {
        let seat = crew.enter(&entries.encoder, Role::Encoder, format!("encoder-{number}"));
        members.push(seat.does(move |waiter, stop| encoder.run(waiter, stop)));
    }
    for (service, number) in threads.services.into_iter().zip(1..) {
        let seat = crew.enter(&entries.service, Role::Service, format!("service-{number}"));
        members.push(seat.does(move |waiter, stop| service.run(waiter, stop)));
    }
    for (camera, number) in threads.capture.into_iter().zip(1..) {
        let seat = crew.enter(&entries.capture, Role::Capture, format!("capture-{number}"));
        members.push(seat.does(move |waiter, stop| camera.run(waiter, stop)));
    }
    let longest_slo_ms = profile.services.iter().map(|service| service.slo_ms).fold(0.0, f64::max);
    let groups = crew.checked(bell, PATIENCE + Duration::from_secs_f64(longest_slo_ms * 1e-3))?;
    let subsystem =
        |member: Member| -> Box<dyn Subsystem> { Box::new(groups.group(member.thread.clone()).with(member)) };
    Ok(members.into_iter().map(subsystem).collect())
}
