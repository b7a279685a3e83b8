//! The links and loads that carriers are compared on.

use std::path::Path;
use std::time::Duration;

use super::Setup;
use super::oracle::{Job, most_on_time};
use super::scenario::{Camera, Change, FrameOutcome, Outcome, Scenario};
use crate::carrier::CarrierChoice;
use crate::link::{BurstLoss, PathConfig, Trace};

const MS: Duration = Duration::from_millis(1);
/// Cameras, and their frames per second.
const CAMERAS: u32 = 3;
const FPS: u32 = 10;
/// From capture to decision, all of it for the network.
const BUDGET: Duration = Duration::from_millis(200);
/// The bottleneck of the scenarios that have a constant one, bits per second.
const RATE_BPS: u64 = 10_000_000;

/// What a packet of 1,472 bytes of UDP payload carries of a frame, at most, and what else is in it.
const FRAME_BYTES_A_PACKET: usize = 1_443;
const QUIC_OVERHEAD_BYTES: u64 = 29;

/// A link, a load, and what is claimed of turbo's own carriers there.
#[derive(Clone)]
pub struct Case {
    /// Its name in rows.
    pub name: String,
    /// The uplink.
    pub up: PathConfig,
    /// The downlink.
    pub down: PathConfig,
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// How long frames count.
    pub duration: Duration,
    /// Times at which the uplink's rate changes, and to what, bits per second.
    pub steps: Vec<(Duration, u64)>,
    /// The share on time that `auto` is to have, 0 to 1.
    pub claimed: Option<f64>,
    /// Whether what an oracle delivers is a measure here: the trace is all that matters.
    pub oracle: bool,
}

impl Case {
    /// The scenario of one run.
    #[must_use]
    pub fn scenario(&self, seed: u64, warm_up: Duration, carrier: CarrierChoice) -> Scenario {
        let period = Duration::from_secs(1) / FPS;
        let camera = |index| Camera {
            period,
            // One after the other, as cameras that share a link are triggered.
            phase: period / CAMERAS * index,
            frame_bytes: self.frame_bytes,
            budget: BUDGET,
        };
        let change =
            |&(at, bps): &(Duration, u64)| -> Change { (warm_up + at, Box::new(move |link| link.set_up_rate(bps))) };
        Scenario {
            setup: Setup::new(seed, self.up.clone(), self.down.clone()),
            cameras: (0..CAMERAS).map(camera).collect(),
            warm_up,
            duration: self.duration,
            carrier,
            execution: Duration::ZERO,
            changes: self.steps.iter().map(change).collect(),
        }
    }

    /// A constant link of 10 Mbit/s, counted in bytes of UDP payload, with a queue of 125 KB (100 ms).
    #[must_use]
    pub fn constant(name: &str, load: f64, rtt: Duration, loss: f64, claimed: f64) -> Self {
        let up = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(RATE_BPS)) };
        let down = PathConfig { overhead_bytes: 0, ..PathConfig::fast() };
        Self {
            name: name.to_owned(),
            up: up.delayed(rtt / 2).lossy(loss),
            down: down.delayed(rtt / 2).lossy(loss),
            frame_bytes: frame_bytes(RATE_BPS as f64 * load),
            duration: Duration::from_secs(30),
            steps: vec![],
            claimed: Some(claimed),
            oracle: false,
        }
    }

    /// A recorded uplink, which counts bytes of IP packets, loaded with `load` of its mean.
    #[must_use]
    pub fn recorded(name: &str, trace: Trace, load: f64) -> Self {
        let rtt = 50 * MS;
        let duration = Duration::from_secs(60);
        // The mean of what is played, not of the whole record.
        let mean_bps = trace.bits_by(duration) as f64 / duration.as_secs_f64();
        Self {
            name: format!("{name}, {load} x mean"),
            frame_bytes: frame_bytes(mean_bps * load),
            up: PathConfig::shaped(trace).delayed(rtt / 2),
            down: PathConfig::fast().delayed(rtt / 2),
            duration,
            steps: vec![],
            claimed: None,
            oracle: true,
        }
    }
}

impl Case {
    /// The share of what a clairvoyant sender would have had on time; what a packet takes on the wire beside the frame's
    /// bytes counts for both.
    #[must_use]
    pub fn of_oracle(&self, outcome: &Outcome) -> f64 {
        let away = self.up.delay + self.down.delay;
        let job = |frame: &FrameOutcome| {
            let packets = frame.bytes.div_ceil(FRAME_BYTES_A_PACKET);
            let overhead = u64::from(self.up.overhead_bytes) + QUIC_OVERHEAD_BYTES;
            Job {
                release: outcome.began + frame.captured,
                due: (outcome.began + frame.captured + frame.budget).saturating_sub(away),
                bits: (frame.bytes as u64 + packets as u64 * overhead) * 8,
            }
        };
        let jobs: Vec<Job> = outcome.frames.iter().map(job).collect();
        let on_time = outcome.frames.iter().filter(|frame| frame.on_time()).count();
        on_time as f64 / most_on_time(&self.up.trace, &jobs).max(1) as f64
    }
}

fn frame_bytes(bits_per_s: f64) -> usize {
    (bits_per_s / 8.0 / f64::from(CAMERAS * FPS)) as usize
}

/// The cases that need no files.
#[must_use]
pub fn built_in() -> Vec<Case> {
    let dips = (0..3).flat_map(|dip| {
        let start = Duration::from_secs(5 + 10 * dip);
        [(start, 3_000_000), (start + Duration::from_secs(1), RATE_BPS)]
    });
    let bursts = Case::constant("10 Mbit/s, 50 ms, 2 % loss in bursts of 5, 0.75 x", 0.75, 50 * MS, 0.0, 0.95);
    vec![
        Case::constant("10 Mbit/s, 50 ms, 1 % loss, 0.75 x", 0.75, 50 * MS, 0.01, 0.97),
        Case::constant("10 Mbit/s, 50 ms, 1 % loss, 1 x", 1.0, 50 * MS, 0.01, 0.90),
        Case::constant("10 Mbit/s, 50 ms, 1 % loss, 2 x", 2.0, 50 * MS, 0.01, 0.45),
        Case::constant("10 Mbit/s, 150 ms, 1 % loss, 0.2 x", 0.2, 150 * MS, 0.01, 0.97),
        Case { up: bursts.up.clone().lossy(0.0).bursty(BurstLoss { loss: 0.02, mean_packets: 5.0 }), ..bursts },
        Case {
            steps: dips.collect(),
            ..Case::constant("10 Mbit/s with dips to 3, 50 ms, 1 % loss, 0.75 x", 0.75, 50 * MS, 0.01, 0.88)
        },
    ]
}

/// A case for each trace in `folder`, at two loads; empty where there is none.
#[must_use]
pub fn recorded(folder: &Path) -> Vec<Case> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "up"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match Trace::load(&file) {
            Ok(trace) => cases.extend([0.5, 0.75].map(|load| Case::recorded(&name, trace.clone(), load))),
            Err(error) => eprintln!("SKIPPED: {name}: {error}"),
        }
    }
    cases
}
