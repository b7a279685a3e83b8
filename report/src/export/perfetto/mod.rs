//! A trace that ui.perfetto.dev opens: frames as slices on the car, in the network and in the cloud, each joined by a
//! flow, all on the car's clock; and what was allocated and estimated as counters.
//!
//! The form is Chrome's JSON trace events: the simplest that has processes, threads, flows and counters, and a text
//! that anybody can look into.

mod counters;
mod event;
mod offset;
mod tracks;

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use super::Window;
use super::frames::{CarFrame, CloudFrame, car_frames, cloud_frames};
use crate::logs::Place;
use crate::run::Run;
use event::Sink;
use tracks::{Process, Tracks};

/// Frames at most; viewers take about this many.
const MOST_FRAMES: usize = 200_000;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written {
    /// Frames in the trace.
    pub frames: usize,
    /// Of them, those whose way through the cloud is shown.
    pub in_cloud: usize,
    /// Whether the window holds more frames than a trace may.
    pub cut: bool,
    /// By how much the cloud's clock was moved so that no result comes before its request, s.
    pub cloud_clock_moved_secs: f64,
}

/// Writes the trace of a stretch of the run.
///
/// # Errors
/// Those of `out`.
pub fn write(run: &Run, window: Window, out: impl Write) -> io::Result<Written> {
    let mut cars: Vec<CarFrame> = Vec::new();
    let first = run.info(Place::Car).map(|info| info.start.monotonic_ns as f64 * 1e-9);
    let mut origin = first;
    let mut cut = false;
    car_frames(run, |frame| {
        // Without the run's start its first frame is it; services come one after the other, so it is nearly that.
        let zero = *origin.get_or_insert(frame.capture);
        if window.holds(frame.capture - zero) {
            if cars.len() >= MOST_FRAMES {
                cut = true;
                return ControlFlow::Break(());
            }
            cars.push(frame);
        }
        ControlFlow::Continue(())
    });
    let zero = origin.unwrap_or(0.0);
    cars.sort_by(|a, b| a.capture.total_cmp(&b.capture));
    let index: HashMap<(u16, i64), usize> =
        cars.iter().enumerate().map(|(place, frame)| ((frame.service, frame.seq), place)).collect();
    let mut clouds: HashMap<usize, CloudFrame> = HashMap::new();
    cloud_frames(run, |frame| {
        if let Some(place) = index.get(&(frame.service, frame.seq)) {
            clouds.insert(*place, frame);
        }
    });
    let moved = offset::estimate(&cars, &clouds);
    let mut sink = Sink::new(out, zero)?;
    let mut tracks = Tracks::default();
    for (place, frame) in cars.iter().enumerate() {
        let cloud = clouds.get(&place).map(|cloud| on_car_clock(cloud, frame.unix_offset - moved));
        one(&mut sink, &mut tracks, frame, cloud.as_ref())?;
    }
    tracks.name(&mut sink)?;
    counters::write(run, window, &mut sink)?;
    sink.finish()?;
    Ok(Written { frames: cars.len(), in_cloud: clouds.len(), cut, cloud_clock_moved_secs: moved })
}

fn on_car_clock(cloud: &CloudFrame, unix_offset: f64) -> CloudFrame {
    CloudFrame {
        arrived: cloud.arrived - unix_offset,
        start: cloud.start - unix_offset,
        end: cloud.end - unix_offset,
        ..cloud.clone()
    }
}

/// A frame's slices and the flow through them.
fn one<W: Write>(
    sink: &mut Sink<W>,
    tracks: &mut Tracks,
    car: &CarFrame,
    cloud: Option<&CloudFrame>,
) -> io::Result<()> {
    let name = format!("frame {}", car.seq);
    let flow = (u64::from(car.service) << 40) | car.seq.unsigned_abs();
    let end = car.decided.max(car.start);
    let track = tracks.lane(Process::Car, car.service, car.capture, end);
    let arguments = serde_json::json!({
        "source": car.source, "outcome": car.outcome, "model": car.model, "service": car.service, "seq": car.seq,
    });
    sink.slice(track, &name, car.capture, end, &arguments)?;
    let mut steps = vec![
        ("wait for the service", car.capture, car.start),
        ("obtain", car.start, car.obtained),
        ("preprocess", car.request - car.preprocessing, car.request),
        ("request", car.request, car.sent),
    ];
    match car.received {
        Some(received) => steps.extend([("wait for the cloud", car.listen, received), ("read result", received, end)]),
        None => steps.push(("wait", car.listen, end)),
    }
    inside(sink, track, &steps, car.capture, end)?;
    if car.outcome == "local_only" {
        return Ok(());
    }
    let sent = car.sent.clamp(car.capture, end);
    let Some(cloud) = cloud else {
        // Without the cloud's log nobody knows where in between the frame was.
        if let Some(received) = car.received {
            let network = tracks.lane(Process::Network, car.service, sent, received);
            sink.slice(network, &format!("{name}: network and cloud"), sent, received, &serde_json::json!({}))?;
            sink.flow("s", track, sent, flow)?;
            sink.flow("t", network, sent, flow)?;
            sink.flow("f", track, received.min(end), flow)?;
        }
        return Ok(());
    };
    let uplink = tracks.lane(Process::Network, car.service, sent, cloud.arrived.max(sent));
    sink.slice(uplink, &format!("{name}: uplink"), sent, cloud.arrived.max(sent), &serde_json::json!({}))?;
    let processing = tracks.lane(Process::Cloud, cloud.service, cloud.arrived, cloud.end);
    let arguments =
        serde_json::json!({ "worker": cloud.worker, "batch": cloud.batch, "service": cloud.service, "seq": cloud.seq });
    sink.slice(processing, &name, cloud.arrived, cloud.end, &arguments)?;
    let prepared = cloud.start + cloud.prepare;
    let inferred = prepared + cloud.inference;
    let steps = [
        ("queue", cloud.arrived, cloud.start),
        ("prepare", cloud.start, prepared),
        ("inference", prepared, inferred),
        ("finish", inferred, inferred + cloud.finish),
    ];
    inside(sink, processing, &steps, cloud.arrived, cloud.end)?;
    sink.flow("s", track, sent, flow)?;
    sink.flow("t", uplink, sent, flow)?;
    let Some(received) = car.received else { return sink.flow("f", processing, cloud.arrived, flow) };
    sink.flow("t", processing, cloud.arrived, flow)?;
    let back = received.max(cloud.end);
    let downlink = tracks.lane(Process::Network, car.service, cloud.end, back);
    sink.slice(downlink, &format!("{name}: downlink"), cloud.end, back, &serde_json::json!({}))?;
    sink.flow("t", downlink, cloud.end, flow)?;
    sink.flow("f", track, received.clamp(car.capture, end), flow)
}

/// Slices one after the other within their parent: whatever a rounding or a missing column made of them, they nest.
fn inside<W: Write>(
    sink: &mut Sink<W>,
    track: tracks::Track,
    steps: &[(&str, f64, f64)],
    from: f64,
    to: f64,
) -> io::Result<()> {
    let mut at = from;
    for (name, begin, end) in steps {
        if !(begin.is_finite() && end.is_finite()) {
            continue;
        }
        let begin = begin.max(at).min(to);
        let end = end.max(begin).min(to);
        if end > begin {
            sink.slice(track, name, begin, end, &serde_json::json!({}))?;
        }
        at = end;
    }
    Ok(())
}
