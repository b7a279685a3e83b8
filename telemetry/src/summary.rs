//! The end of a run: one object for machines, one table for people.

use std::time::Duration;

use rt_core::trace::counters::{CounterSnapshot, ThreadWatch};
use rt_core::trace::{Hop, HopHistograms};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::collector::CollectorReport;
use crate::records::Source;
use crate::stats::ServiceStats;

mod table;

/// What the summary needs that the collector does not know.
#[derive(Clone, Debug, Default)]
pub struct SummaryContext {
    /// Frames captured, by all services; every one of them ought to have a decision.
    pub frames: u64,
    /// The service level objective, capture to decision.
    pub slo: Duration,
    /// Accuracy against ground truth, where it is known.
    pub accuracy: Accuracy,
    /// Where the logs are.
    pub run_dir: String,
}

/// Accuracy against ground truth, 0 to 1; `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Accuracy {
    /// Of what was delivered.
    pub delivered: Option<f64>,
    /// Of what the on-vehicle detector alone would have delivered.
    pub on_vehicle_only: Option<f64>,
}

/// Capture-to-decision times, milliseconds; `None` where there was no decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct LatencyMs {
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The longest, exactly.
    pub max: Option<f64>,
}

/// One hop's times, microseconds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct HopUs {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// Every hop that any frame went through, in the order of the way; a JSON object by hop name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HopsUs(pub Vec<(&'static str, HopUs)>);

impl Serialize for HopsUs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, times) in &self.0 {
            map.serialize_entry(name, times)?;
        }
        map.end()
    }
}

/// One service's part of the run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ServiceSummary {
    /// The service's number.
    pub service: u16,
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
    /// Capture to decision.
    pub latency_ms: LatencyMs,
    /// Given to the transport, Mbit/s.
    pub uplink_mbps: f64,
}

/// One thread's counters; a JSON object of its name under `thread` and of every counter under the counter's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSummary {
    /// The thread's name.
    pub thread: String,
    /// Its counters as they are now.
    pub counters: CounterSnapshot,
}

impl Serialize for ThreadSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("thread", &self.thread)?;
        for (name, count) in self.counters.iter() {
            map.serialize_entry(name, &count)?;
        }
        map.end()
    }
}

/// The run as `--json` prints it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Frames captured.
    pub frames: u64,
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
    /// The objective, milliseconds.
    pub slo_ms: f64,
    /// Capture to decision.
    pub latency_ms: LatencyMs,
    /// Every hop.
    pub hops_us: HopsUs,
    /// Against ground truth.
    pub accuracy: Accuracy,
    /// Given to the transport by all services, from the first capture to the last decision, Mbit/s.
    pub uplink_mbps: f64,
    /// Where the logs are.
    pub run_dir: String,
    /// Each service by itself.
    pub services: Vec<ServiceSummary>,
    /// Each thread by itself.
    pub threads: Vec<ThreadSummary>,
}

impl Summary {
    /// The summary of what a car's collector reported; made after the threads have ended, it has their last counts.
    ///
    /// ```
    /// use telemetry::collector::CollectorReport;
    /// use telemetry::summary::{Summary, SummaryContext};
    /// let summary = Summary::new(&CollectorReport::default(), &SummaryContext::default());
    /// assert_eq!((summary.decisions, summary.latency_ms.p50), (0, None));
    /// ```
    #[must_use]
    pub fn new(report: &CollectorReport, context: &SummaryContext) -> Self {
        let total = report.stats.total();
        Self {
            frames: context.frames,
            decisions: total.decisions,
            decisions_late: total.decisions_late,
            from_cloud: total.from_source(Source::Cloud),
            from_vehicle: total.from_source(Source::Vehicle),
            none: total.from_source(Source::None),
            slo_ms: millis(context.slo),
            latency_ms: latency(&total),
            hops_us: hops(&total.hops),
            accuracy: context.accuracy,
            uplink_mbps: total.uplink_bps() * 1e-6,
            run_dir: context.run_dir.clone(),
            services: report.stats.services().map(|(service, stats)| service_summary(service, stats)).collect(),
            threads: report.threads.iter().map(thread_summary).collect(),
        }
    }

    /// The same for people, and before it what `report` says was lost.
    #[must_use]
    pub fn table(&self, report: &CollectorReport) -> String {
        table::table(self, report)
    }
}

fn thread_summary(watch: &ThreadWatch) -> ThreadSummary {
    ThreadSummary { thread: watch.thread().to_owned(), counters: watch.snapshot() }
}

fn service_summary(service: u16, stats: &ServiceStats) -> ServiceSummary {
    ServiceSummary {
        service,
        decisions: stats.decisions,
        decisions_late: stats.decisions_late,
        from_cloud: stats.from_source(Source::Cloud),
        from_vehicle: stats.from_source(Source::Vehicle),
        none: stats.from_source(Source::None),
        latency_ms: latency(stats),
        uplink_mbps: stats.uplink_bps() * 1e-6,
    }
}

fn latency(stats: &ServiceStats) -> LatencyMs {
    let quantiles = stats.hops.quantiles(Hop::Total);
    LatencyMs {
        p50: quantiles.map(|quantiles| millis(quantiles.p50)),
        p95: quantiles.map(|quantiles| millis(quantiles.p95)),
        p99: quantiles.map(|quantiles| millis(quantiles.p99)),
        max: quantiles.map(|quantiles| millis(quantiles.max)),
    }
}

fn hops(histograms: &HopHistograms) -> HopsUs {
    let micros = |time: Duration| time.as_nanos() as f64 * 1e-3;
    let of = |&hop: &Hop| {
        let quantiles = histograms.quantiles(hop)?;
        Some((hop.name(), HopUs { p50: micros(quantiles.p50), p99: micros(quantiles.p99) }))
    };
    HopsUs(Hop::ALL.iter().filter_map(of).collect())
}

fn millis(time: Duration) -> f64 {
    time.as_nanos() as f64 * 1e-6
}

#[cfg(test)]
mod tests;
