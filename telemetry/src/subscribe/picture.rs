//! The state of everything at one moment, as `turbo top` shows it and its JSON has it.

use std::collections::BTreeMap;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::trace::counters::CounterSnapshot;
use rt_core::trace::{HopHistograms, LatencyHistogram, Quantiles};
use serde::{Deserialize, Serialize};

use super::{Note, Who};

/// One process at one moment. Counts are of the whole run and never fall; quantiles are of the last `window_s`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// `snapshot`.
    pub r#type: String,
    /// Which process.
    pub who: Who,
    /// When, Unix time.
    pub at_unix_s: f64,
    /// The same instant, monotonic.
    pub at_ns: u64,
    /// Since the process began.
    pub since_start_s: f64,
    /// What quantiles are of.
    pub window_s: f64,
    /// The supervisor's state.
    pub state: String,
    /// A car's services.
    pub services: Vec<ServicePicture>,
    /// The division of the uplink in force.
    pub allocation: Option<AllocationPicture>,
    /// The uplink.
    pub link: Option<LinkPicture>,
    /// Every hop that a frame took within the window, in the order of the way.
    pub hops: Vec<HopPicture>,
    /// The rings from each thread to the collector.
    pub rings: Vec<RingPicture>,
    /// Every thread of the process.
    pub threads: Vec<ThreadPicture>,
    /// Requests that a cloud has served.
    pub served: u64,
    /// What is not in the logs, or not yet.
    pub losses: LossPicture,
    /// Who listens now.
    pub subscribers: usize,
    /// Records that slow subscribers have lost.
    pub subscribers_lost: u64,
    /// The last things that were said, oldest first.
    pub notes: Vec<NotePicture>,
}

/// One service of a car.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServicePicture {
    /// Its number, from 1.
    pub service: u16,
    /// Its name.
    pub name: String,
    /// The model configuration it was given.
    pub config: String,
    /// How much its accuracy counts.
    pub weight: Option<f64>,
    /// Its share of the uplink.
    pub allocated_mbps: Option<f64>,
    /// Decisions made.
    pub decisions: u64,
    /// Those made after their deadline.
    pub decisions_late: u64,
    /// Decisions with the cloud's result.
    pub from_cloud: u64,
    /// Decisions with the on-vehicle detector's.
    pub from_vehicle: u64,
    /// Decisions without any.
    pub none: u64,
    /// Given to the transport.
    pub uplink_bytes: u64,
    /// Capture to decision: the median.
    pub p50_ms: Option<f64>,
    /// Its 95th percentile.
    pub p95_ms: Option<f64>,
    /// Its 99th percentile.
    pub p99_ms: Option<f64>,
}

/// A division of the uplink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationPicture {
    /// How long ago it was made.
    pub age_s: f64,
    /// By which policy.
    pub policy: String,
    /// What there was to divide.
    pub available_mbps: f64,
    /// Weighted sum of the utilities expected of it.
    pub expected_utility: f64,
    /// The same with the on-vehicle detector alone.
    pub on_vehicle_utility: f64,
    /// Time the solver took.
    pub solve_us: f64,
}

/// The uplink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkPicture {
    /// How long ago this was known; there is no connection where it is more than a second or two.
    pub age_s: f64,
    /// Estimated capacity.
    pub estimate_mbps: f64,
    /// Of the estimates of the last 10 s, one in ten was below this.
    pub estimate_p10_mbps: f64,
    /// Their median.
    pub estimate_p50_mbps: f64,
    /// Smoothed round trip.
    pub rtt_ms: f64,
    /// Part of the packets that is lost, 0 to 1.
    pub loss: f64,
    /// Connections that the cloud has accepted: the one that carries the frames, and those that stand by.
    pub connections: u32,
    /// Congestion window.
    pub cwnd_bytes: u32,
    /// What acknowledgements showed of the rate.
    pub delivery_mbps: f64,
    /// Whether little was sent, so that `delivery_mbps` says little.
    pub app_limited: bool,
}

/// One hop's times within the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HopPicture {
    /// Its name.
    pub hop: String,
    /// How many frames took it.
    pub count: u64,
    /// The median.
    pub p50_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
}

/// One ring to the collector, in records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RingPicture {
    /// Its name, as in the event log.
    pub ring: String,
    /// Its room.
    pub capacity: u64,
    /// What waits in it now.
    pub waiting: u64,
    /// The most that ever waited when the collector came.
    pub most_waiting: u64,
    /// Lost, as it was full.
    pub dropped: u64,
}

/// One thread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ThreadPicture {
    /// Its name.
    pub thread: String,
    /// The kernel's number; none where it has ended.
    pub tid: Option<u32>,
    /// The kernel's letter: R runs, S sleeps, D waits for a device.
    pub run_state: Option<String>,
    /// The core it last ran on.
    pub core: Option<u32>,
    /// The cores it may run on, such as `0-3,6`.
    pub cores: Option<String>,
    /// Its scheduling policy, with what goes with it.
    pub policy: Option<String>,
    /// Processor time so far.
    pub cpu_ms: Option<u64>,
    /// What it counts, by name; none where it counts nothing.
    pub counters: Option<BTreeMap<String, u64>>,
}

/// What is not in the logs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossPicture {
    /// Records that found their ring full.
    pub records_dropped: u64,
    /// Log rows that the file system refused.
    pub rows_lost: u64,
    /// Log rows that a crash before their part would have lost.
    pub rows_unprotected: u64,
    /// Log rows that wait in the flight recorder, as their part could not be written.
    pub rows_waiting: u64,
    /// Raw frames that were to be kept and are not.
    pub frames_lost: u64,
    /// Events that the file system refused.
    pub events_lost: u64,
    /// Events that came after their place in the order had been written.
    pub events_late: u64,
    /// Events removed with the oldest files, for the quota.
    pub events_expired: u64,
    /// The file system's last words.
    pub last_error: Option<String>,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotePicture {
    /// When, Unix time.
    pub at_unix_s: f64,
    /// The same instant, monotonic.
    pub at_ns: u64,
    /// How much it matters.
    pub severity: String,
    /// Which part of the program said it.
    pub subsystem: String,
    /// What it is about.
    pub topic: String,
    /// The words.
    pub text: String,
}

impl From<&Note> for NotePicture {
    fn from(note: &Note) -> Self {
        Self {
            at_unix_s: 0.0,
            at_ns: note.at.as_ns(),
            severity: note.kind.severity().name().to_owned(),
            subsystem: note.kind.subsystem().to_owned(),
            topic: note.kind.topic().to_owned(),
            text: note.text.clone(),
        }
    }
}

impl Picture {
    /// A picture of nothing yet.
    pub(crate) fn at(at: Monotonic) -> Self {
        let who = Who {
            program: String::new(),
            pid: 0,
            version: String::new(),
            started_unix_s: 0,
            run_dir: None,
            services: Vec::new(),
        };
        Self {
            r#type: "snapshot".to_owned(),
            who,
            at_unix_s: 0.0,
            at_ns: at.as_ns(),
            since_start_s: 0.0,
            window_s: 0.0,
            state: String::new(),
            services: Vec::new(),
            allocation: None,
            link: None,
            hops: Vec::new(),
            rings: Vec::new(),
            threads: Vec::new(),
            served: 0,
            losses: LossPicture::default(),
            subscribers: 0,
            subscribers_lost: 0,
            notes: Vec::new(),
        }
    }
}

impl ThreadPicture {
    /// A thread of which only its own counters are known.
    pub(crate) fn counting(thread: &str, counters: &CounterSnapshot) -> Self {
        let counters = counters.iter().map(|(name, count)| (name.to_owned(), count)).collect();
        Self { thread: thread.to_owned(), counters: Some(counters), ..Self::default() }
    }
}

impl HopPicture {
    /// What `hops` has beyond `before`; hops that no frame took are left out.
    pub(crate) fn all(hops: &HopHistograms, before: Option<&HopHistograms>) -> Vec<Self> {
        let windowed = |(hop, times): (rt_core::trace::Hop, &LatencyHistogram)| {
            let earlier = before.and_then(|before| before.get(hop));
            let count = times.count() - earlier.map_or(0, LatencyHistogram::count);
            if count == 0 {
                return None;
            }
            let Quantiles { p50, p95, p99, .. } = since(times, earlier)?;
            let (p50_ms, p95_ms, p99_ms) = (millis(p50), millis(p95), millis(p99));
            Some(Self { hop: hop.name().to_owned(), count, p50_ms, p95_ms, p99_ms })
        };
        hops.iter().filter_map(windowed).collect()
    }
}

/// The quantiles of what was added to `times` since they were `earlier`.
fn since(times: &LatencyHistogram, earlier: Option<&LatencyHistogram>) -> Option<Quantiles> {
    match earlier {
        Some(earlier) => times.since(earlier).quantiles(),
        None => times.quantiles(),
    }
}

/// What had been measured when a window began.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// When.
    pub(crate) at: Monotonic,
    /// Every hop.
    pub(crate) hops: HopHistograms,
    /// Capture to decision of each service.
    pub(crate) totals: BTreeMap<u16, LatencyHistogram>,
}

impl Base {
    /// The beginning of the first window, at the start of the run: nothing had been measured.
    pub(crate) fn beginning(at: Monotonic) -> Self {
        Self { at, hops: HopHistograms::default(), totals: BTreeMap::new() }
    }

    /// The quantiles of what `service` has decided since, of all its decisions' `times`.
    pub(crate) fn quantiles(base: Option<&Self>, service: u16, times: &LatencyHistogram) -> Option<Quantiles> {
        since(times, base.and_then(|base| base.totals.get(&service)))
    }
}

/// Milliseconds, as a number.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_nanos() as f64 * 1e-6
}
