//! `turbo simulate --like RUN`: a live run over the emulated link simulated again, and the two side by side.
//!
//! Everything that the simulator needs is taken from the run: its services, its table, with the sizes and times that were
//! measured meanwhile in place of the table's, the cloud's workers, and the link that `turbo demo` emulated, from the
//! instant of its trace at which the first frame was captured.

mod live;
mod measured;
mod record;

use std::path::Path;
use std::time::Duration;

use allocation::problem::Demand;
use allocation::simulate::{Discipline, Frames, Scenario, Service, run};
use config::car::Carrier;
use serde::Serialize;
use transport::link::Trace;

use super::link::{CarEstimator, TraceUplink};
use crate::emulated::EmulatedLink;
use crate::failure::Failure;
use crate::verbs::link::uplink_trace;
use live::Live;
use record::Record;

/// What came of frames, live or simulated.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Came {
    /// Frames captured.
    pub frames: u64,
    /// Frames for the cloud, probes included.
    pub sent: u64,
    /// Of these, results in time.
    pub in_time: u64,
    /// `in_time / sent`; 1 where nothing was sent.
    pub on_time: f64,
    /// Mean accuracy of the decisions by the table, weighted.
    pub utility: f64,
}

/// A live run beside what the simulator makes of it.
#[derive(Debug, Serialize)]
pub struct Likeness {
    /// The run's directory.
    pub run: String,
    /// The trace's file, or `generated:SEED`.
    pub trace: String,
    /// Who divided.
    pub policy: String,
    /// Mean of the scaled trace.
    pub mean_mbps: f64,
    /// Round trip of the idle link.
    pub rtt_ms: f64,
    /// Probability that a packet is lost.
    pub loss: f64,
    /// The first frame was captured so far into the trace.
    pub trace_from_s: f64,
    /// As it was.
    pub live: Came,
    /// As it is simulated.
    pub simulated: Came,
    /// Simulated less live, in shares.
    pub on_time_difference: f64,
    /// Simulated less live.
    pub utility_difference: f64,
}

/// Simulates the run in `dir` again; `seed` draws what was not measured frame by frame.
///
/// # Errors
/// [`Failure::Config`] where `dir` is no run over the emulated link, or something of it cannot be read.
pub fn compare(dir: &Path, seed: u64) -> Result<Likeness, Failure> {
    let record = Record::read(dir)?;
    let live = Live::read(dir, &record)?;
    let EmulatedLink { trace, mean_mbps, rtt_ms, loss, seed: link_seed, began_monotonic_ns } = &record.link;
    let recorded: Trace = uplink_trace(trace.as_deref(), *mean_mbps, *link_seed)?;
    let first = live.first_capture_ns().unwrap_or(*began_monotonic_ns);
    let from = Duration::from_nanos(first.saturating_sub(*began_monotonic_ns));
    let scenario = scenario(&record, &live, seed)?;
    let frames = Frames::draw(&scenario, live.length());
    let (services, choices) = (scenario.services().len(), scenario.most_choices());
    let allocation = &record.car.allocation;
    let mut policy = allocation.policy.build(services, choices, allocation.hysteresis).map_err(Failure::config)?;
    let uplink = TraceUplink::new(&recorded, from);
    let outcome = run(&scenario, &frames, &uplink, &mut CarEstimator::default(), policy.as_mut());
    let outcome = outcome.map_err(Failure::config)?;
    let (sent, in_time) = (outcome.sent + outcome.probes, outcome.in_time + outcome.probes_in_time);
    let simulated = came(outcome.frames, sent, in_time, outcome.utility);
    let live = live.came(&record);
    Ok(Likeness {
        run: dir.display().to_string(),
        trace: record.link.trace_name(),
        policy: allocation.policy.to_string(),
        mean_mbps: (recorded.mean_bps() / 1e3).round() / 1e3,
        rtt_ms: *rtt_ms,
        loss: *loss,
        trace_from_s: from.as_secs_f64(),
        live,
        simulated,
        on_time_difference: simulated.on_time - live.on_time,
        utility_difference: simulated.utility - live.utility,
    })
}

fn came(frames: u64, sent: u64, in_time: u64, utility: f64) -> Came {
    let on_time = if sent == 0 { 1.0 } else { in_time as f64 / sent as f64 };
    Came { frames, sent, in_time, on_time, utility }
}

fn scenario(record: &Record, live: &Live, seed: u64) -> Result<Scenario, Failure> {
    let menu = live.menu(record)?;
    let services = record.car.services.iter().map(|service| {
        let demand = Demand {
            weight: service.weight,
            slo_s: service.slo_ms * 1e-3,
            fps: service.fps,
            margin_s: record.car.decision.margin_ms * 1e-3,
            floor_accuracy: record.table.vehicle.accuracy,
        };
        Service { demand, menu: menu.clone() }
    });
    let rtt = Duration::from_secs_f64(record.link.rtt_ms * 1e-3);
    // Cameras take turns within a period.
    let scenario = Scenario::new(services.collect(), rtt, record.link.loss, seed).map_err(Failure::config)?.staggered();
    let prototype = record.car.cloud.as_ref().is_some_and(|cloud| cloud.carrier == Carrier::Prototype);
    let scenario = scenario.with_cost_per_mb(record.car.allocation.cost_per_mb).map_err(Failure::config)?;
    let scenario = if prototype { scenario.with_discipline(Discipline::Fifo) } else { scenario };
    match record.workers {
        Some(workers) => scenario.with_workers(workers).map_err(Failure::config),
        None => Ok(scenario),
    }
}

/// The comparison for a person.
#[must_use]
pub fn text(likeness: &Likeness) -> String {
    let Likeness { trace, policy, mean_mbps, rtt_ms, loss, trace_from_s, live, simulated, .. } = likeness;
    let row = |name: &str, came: &Came| {
        let Came { frames, sent, in_time, on_time, utility } = came;
        format!("{name:<10} {frames:>7} {sent:>7} {in_time:>8} {:>8.1}% {utility:>9.4}\n", on_time * 100.0)
    };
    format!(
        "{policy} on {trace}, {mean_mbps} Mbit/s, round trip {rtt_ms} ms, loss {loss}, from {trace_from_s:.1} s on\n\
         {:<10} {:>7} {:>7} {:>8} {:>9} {:>9}\n{}{}{:<10} {:>33.1} points {:>+9.4}\n",
        "",
        "frames",
        "sent",
        "in time",
        "on time",
        "utility",
        row("live", live),
        row("simulated", simulated),
        "difference",
        likeness.on_time_difference * 100.0,
        likeness.utility_difference
    )
}
