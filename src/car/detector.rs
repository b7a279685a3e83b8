//! The on-vehicle detector's thread: every camera's newest frame, the most urgent first.

use std::time::Duration;

use inference::detector::Detector;
use inference::image::RgbView;
use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox;
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::wait::Waiter;

use super::messages::{LeasedFrame, VehicleResult};

/// One service as the detector sees it.
pub struct Lane {
    /// Frames of its camera.
    pub frames: mailbox::Receiver<LeasedFrame>,
    /// The frame that waits its turn.
    pub waiting: Option<LeasedFrame>,
    /// Results.
    pub results: ring::Producer<VehicleResult>,
    /// The service's bell.
    pub service_bell: Doorbell,
}

/// Detects until `halt` is set.
///
/// # Errors
/// Where the model cannot run at all.
pub fn run(
    mut detector: Detector,
    largest_frame: (u32, u32),
    mut lanes: Vec<Lane>,
    bell: &Doorbell,
    mut counters: ThreadCounters,
    waiter: &Waiter,
    halt: &StopToken,
) -> Result<(), String> {
    halt.wakes(bell);
    // After pinning: the engine's threads inherit this thread's cores.
    detector.warm_up(largest_frame).map_err(|error| format!("on-vehicle detector: {error}"))?;
    while !halt.is_set() {
        // Between two frames; with frames always waiting there is no other pause.
        waiter.beat();
        let seen = bell.count();
        counters.tick(Monotonic::now());
        for lane in &mut lanes {
            if let Some(newer) = lane.frames.take() {
                // An older frame still waiting could only be late; its service decides without it.
                counters.add(Counter::Drops, u64::from(lane.waiting.replace(newer).is_some()));
            }
        }
        let urgent = lanes
            .iter_mut()
            .filter(|lane| lane.waiting.is_some())
            .min_by_key(|lane| lane.waiting.as_ref().map(|frame| frame.meta.deadline));
        match urgent {
            Some(lane) => {
                detect(&mut detector, lane);
                counters.count(Counter::Items);
            }
            None => waiter.wait_counted(&mut counters, bell, seen, Monotonic::now().plus(Duration::from_secs(1))),
        }
    }
    Ok(())
}

fn detect(detector: &mut Detector, lane: &mut Lane) {
    let Some(frame) = lane.waiting.take() else { return };
    let begun = Monotonic::now();
    let mut detections = Detections::new();
    let found = RgbView::new(frame.lease.as_ref(), frame.meta.width, frame.meta.height)
        .is_ok_and(|view| detector.detect_frame(view, &mut detections).is_ok());
    let finished = Monotonic::now();
    // The ring is full only where the service has died.
    let _ = lane.results.push(VehicleResult {
        seq: frame.meta.seq,
        detections: found.then_some(detections),
        wait: begun.saturating_since(frame.meta.capture),
        inference: finished.saturating_since(begun),
        finished,
    });
    lane.service_bell.ring();
}
