//! From what is on the disk to a report.

use std::collections::BTreeMap;
use std::path::Path;

use rt_core::trace::{Hop, HopHistograms};

use super::{
    Bandwidth, CameraReport, CloudReport, HopTimes, Missing, Quantile, Report, RunReport, SeriesReport, ServiceReport,
    TelemetryLosses, Utility,
};
use crate::analysis::{Analysis, QueryStats, ServedStats};
use crate::finding::{Finding, Findings, Severity};
use crate::logs::Place;
use crate::run::Run;
use crate::text::{plain, shown};

/// What a report was made of, for exports that need whole distributions.
#[derive(Default)]
pub struct Measured {
    /// The program's own histograms (`hops.txt`), merged.
    pub hops: Option<HopHistograms>,
    /// Log type 1 by service.
    pub queries: BTreeMap<u16, QueryStats>,
    /// Log type 3 by service.
    pub served: BTreeMap<u16, ServedStats>,
}

/// Reads everything of the run and puts its report together; whatever cannot be read is in [`Report::missing`].
#[must_use]
pub fn build(run: Run) -> (Report, Measured) {
    let mut analysis = Analysis::of(&run);
    let mut findings = std::mem::take(&mut analysis.findings);
    let telemetry = TelemetryLosses::of(&run, &mut findings);
    let hops = hops(&run, &mut findings);
    let threads = threads(&run, &mut findings);
    let seconds = seconds(&analysis);
    let mut total = QueryStats::default();
    analysis.queries.values().for_each(|stats| total.merge(stats.clone()));
    let lost: u64 = analysis.queries.values().map(QueryStats::lost_frames).sum();
    let mut services: Vec<ServiceReport> = analysis
        .queries
        .iter()
        .map(|(&service, stats)| ServiceReport::of(Some(service), stats, stats.lost_frames(), seconds))
        .collect();
    services.push(ServiceReport::of(None, &total, lost, seconds));
    let steps = analysis.images.steps.iter().filter_map(|(key, times)| {
        let direction = key.direction.map_or("", |direction| direction.name());
        HopTimes::from(&format!("{} {direction} {}", key.place.name(), plain(&key.step)), times)
    });
    let info = run.info(Place::Car).or_else(|| run.info(Place::Cloud));
    let report = Report {
        run: RunReport {
            name: run.name.clone(),
            directories: run.dirs.iter().map(|dir| shown(&dir.path)).collect(),
            version: info.map(|info| plain(&info.version)),
            git_revision: info.and_then(|info| info.git_revision.clone()),
            host: info.map(|info| plain(&info.host.name)),
            seconds,
            rows: analysis.rows,
            parts: run.logs.iter().map(|log| log.parts.len() as u64).sum(),
            others: run.others.clone(),
        },
        services,
        hops: hops.as_ref().map(hop_times).unwrap_or_default(),
        cloud: analysis.served.iter().map(|(&service, stats)| CloudReport::of(service, stats)).collect(),
        transport: steps.collect(),
        transport_one_part_in: analysis.images.one_in,
        utility: Utility::of(&analysis),
        bandwidth: Bandwidth::of(&analysis, seconds),
        drops: drops(&analysis, &total),
        cameras: analysis.cameras.iter().map(|(&service, stats)| CameraReport::of(service, stats)).collect(),
        series: SeriesReport::of(&analysis),
        missing: missing(run, &analysis, findings, &threads, lost, telemetry),
        threads,
    };
    (report, Measured { hops, queries: analysis.queries, served: analysis.served })
}

fn missing(
    mut run: Run,
    analysis: &Analysis,
    mut findings: Findings,
    threads: &[BTreeMap<String, String>],
    lost: u64,
    telemetry: TelemetryLosses,
) -> Missing {
    let (missing_parts, car) = (run.missing_parts(), run.info(Place::Car).map(|info| info.start.monotonic_ns));
    let mut clock_steps = Vec::new();
    for step in analysis.clock.steps() {
        let at = step.at_secs - car.map_or(0.0, |ns| ns as f64 * 1e-9);
        let text = format!(
            "the Unix clock was stepped by {:+.3} s at {at:.1} s; spans of Unix time across it are wrong by that",
            step.by_secs
        );
        let finding = Finding { severity: Severity::Warning, file: "client_queries".to_owned(), row: None, text };
        findings.add("clock steps", "the run", finding);
        clock_steps.push(step.by_secs);
    }
    findings.merge(std::mem::take(&mut run.findings));
    let drops = threads.iter().filter_map(|thread| thread.get("drops")?.parse::<u64>().ok());
    Missing {
        missing_parts,
        unreadable_parts: analysis.unreadable,
        unfinished_parts: run.unfinished,
        frames_without_decision: lost,
        dropped_by_threads: drops.sum(),
        telemetry,
        foreign_files: run.foreign,
        clock_steps,
        findings: findings.into_sorted(),
    }
}

/// From the run's start to the last thing that the logs tell of.
fn seconds(analysis: &Analysis) -> f64 {
    let frames = analysis.queries.values().map(|stats| stats.series.last_secs());
    frames.chain([analysis.link.series.last_secs(), analysis.allocation.series.last_secs()]).fold(0.0, f64::max)
}

fn drops(analysis: &Analysis, total: &QueryStats) -> BTreeMap<String, u64> {
    let ended = total.outcomes.iter().filter(|(outcome, _)| !["on_time", "local_only"].contains(&outcome.as_str()));
    let mut drops: BTreeMap<String, u64> = ended.map(|(outcome, count)| (plain(outcome), *count)).collect();
    let others = [
        ("camera_behind", analysis.cameras.values().map(|stats| stats.dropped).sum()),
        ("expired_in_cloud", analysis.served.values().map(|stats| stats.expired).sum()),
    ];
    drops.extend(
        others.into_iter().filter(|(_, count): &(_, u64)| *count > 0).map(|(name, count)| (name.to_owned(), count)),
    );
    drops
}

fn hop_times(hops: &HopHistograms) -> Vec<HopTimes> {
    let of = |(hop, histogram): (Hop, &rt_core::trace::LatencyHistogram)| {
        let ms = Quantile::of(histogram.count(), &histogram.quantiles()?);
        let buckets: Vec<(u64, u64)> = histogram.buckets().collect();
        Some(HopTimes::new(hop.name(), ms, buckets.into_iter()))
    };
    hops.iter().filter_map(of).collect()
}

/// The hops of every directory that has them, merged.
fn hops(run: &Run, findings: &mut Findings) -> Option<HopHistograms> {
    let mut merged: Option<HopHistograms> = None;
    for dir in &run.dirs {
        let Some(text) = read_if_there(run, &dir.path.join("hops.txt"), findings) else { continue };
        match text.parse::<HopHistograms>() {
            Ok(hops) => *merged.get_or_insert_default() += &hops,
            Err(error) => complain(run, &dir.path.join("hops.txt"), findings, &error.to_string()),
        }
    }
    merged
}

fn threads(run: &Run, findings: &mut Findings) -> Vec<BTreeMap<String, String>> {
    let mut threads = Vec::new();
    for dir in &run.dirs {
        let path = dir.path.join("threads.csv");
        let Some(text) = read_if_there(run, &path, findings) else { continue };
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        for (number, line) in (2..).zip(lines) {
            let cells: Vec<&str> = line.split(',').collect();
            if cells.len() == names.len() {
                let cells = names.iter().zip(cells).map(|(name, cell)| (plain(name), plain(cell)));
                threads.push(cells.chain([("side".to_owned(), dir.place.name().to_owned())]).collect());
            } else {
                let text = format!("line {number} has {} cells, its head {}", cells.len(), names.len());
                complain(run, &path, findings, &text);
            }
        }
    }
    threads
}

fn read_if_there(run: &Run, path: &Path, findings: &mut Findings) -> Option<String> {
    match crate::bounded::read_text(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            complain(run, path, findings, &format!("cannot be read: {error}"));
            None
        }
    }
}

fn complain(run: &Run, path: &Path, findings: &mut Findings, text: &str) {
    let file = run.relative(path);
    findings.add(
        "such files",
        "the run",
        Finding { severity: Severity::Warning, file, row: None, text: text.to_owned() },
    );
}
