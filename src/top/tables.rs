//! A snapshot as tables.

use telemetry::subscribe::{Picture, ThreadPicture};

use super::head::head;
use super::rates::Rates;
use super::table::{Table, number, word};
use crate::live::escaped;

/// Notes that are shown at the end.
const NOTES: usize = 6;

/// Everything, one after the other.
pub fn text(picture: &Picture, rates: &Rates) -> String {
    let mut lines = head(picture);
    let tables = [
        services(picture, rates),
        workers(picture),
        hops(picture),
        handovers(picture),
        rings(picture),
        threads(picture, rates),
    ];
    for table in tables {
        if !table.is_empty() {
            lines.push(String::new());
            lines.extend(table.lines());
        }
    }
    lines.push(String::new());
    lines.extend(notes(picture, NOTES));
    let mut text = lines.join("\n");
    text.truncate(text.trim_end().len());
    text
}

/// Each service: what it was given, what it decided.
pub fn services(picture: &Picture, rates: &Rates) -> Table {
    let heads = [
        "<service",
        "<configuration",
        "weight",
        "given Mbit/s",
        "sent",
        "per s",
        "decisions",
        "late",
        "cloud %",
        "vehicle %",
        "none %",
        "p50 ms",
        "p95",
        "p99",
    ];
    let mut table = Table::new("services", &heads);
    for service in &picture.services {
        let share = |count: u64| (service.decisions > 0).then(|| count as f64 * 100.0 / service.decisions as f64);
        let rate = rates.service(service.service);
        table.row(vec![
            format!("{} {}", service.service, escaped(&service.name)),
            word(Some(&escaped(&service.config))),
            number(service.weight, 1),
            number(service.allocated_mbps, 2),
            number(rate.map(|(_, mbps)| mbps), 2),
            number(rate.map(|(decisions, _)| decisions), 1),
            service.decisions.to_string(),
            service.decisions_late.to_string(),
            number(share(service.from_cloud), 0),
            number(share(service.from_vehicle), 0),
            number(share(service.none), 0),
            number(service.p50_ms, 1),
            number(service.p95_ms, 1),
            number(service.p99_ms, 1),
        ]);
    }
    table
}

/// Each hop that was taken lately.
pub fn hops(picture: &Picture) -> Table {
    let title = format!("hops of the last {:.0} s, ms", picture.window_s);
    let mut table = Table::new(title, &["<hop", "frames", "p50", "p95", "p99"]);
    for hop in &picture.hops {
        let ms = |ms: f64| format!("{ms:.3}");
        table.row(vec![hop.hop.clone(), hop.count.to_string(), ms(hop.p50_ms), ms(hop.p95_ms), ms(hop.p99_ms)]);
    }
    table
}

/// Each ring to the collector.
pub fn rings(picture: &Picture) -> Table {
    let mut table = Table::new("rings to the collector, records", &["<ring", "room", "waiting", "most", "lost"]);
    for ring in &picture.rings {
        let counts = [ring.capacity, ring.waiting, ring.most_waiting, ring.dropped];
        table.row(std::iter::once(escaped(&ring.ring)).chain(counts.map(|count| count.to_string())).collect());
    }
    table
}

/// Each hand-over between threads.
pub fn handovers(picture: &Picture) -> Table {
    let heads = ["<from", "<to", "<what", "room", "waiting", "most", "ever", "passed", "lost"];
    let mut table = Table::new("hand-overs between threads (most: of the last 1 to 2 s)", &heads);
    for seen in &picture.handovers {
        let counts = [
            seen.capacity,
            seen.waiting,
            seen.most_lately,
            seen.most_waiting,
            seen.sent.saturating_sub(seen.lost),
            seen.lost,
        ];
        let names = [&seen.from, &seen.to, &seen.handover].map(|name| escaped(name));
        table.row(names.into_iter().chain(counts.map(|count| count.to_string())).collect());
    }
    table
}

/// Each worker of a cloud.
pub fn workers(picture: &Picture) -> Table {
    let mut table = Table::new("workers", &["<worker", "<state", "busy %", "tasks", "busy s"]);
    for worker in &picture.workers {
        table.row(vec![
            escaped(&worker.worker),
            if worker.alive { "there" } else { "LOST" }.to_owned(),
            number(worker.busy.map(|part| part * 100.0), 0),
            worker.tasks.to_string(),
            number(Some(worker.busy_s), 1),
        ]);
    }
    table
}

/// Each thread of the process, those that count first.
pub fn threads(picture: &Picture, rates: &Rates) -> Table {
    let heads = [
        "<thread",
        "tid",
        "<state",
        "core",
        "<cores",
        "<policy",
        "cpu %",
        "cpu s",
        "loops/s",
        "loops",
        "sleeps",
        "items",
        "drops",
        "vol. sw.",
        "invol. sw.",
        "faults",
    ];
    let mut table = Table::new("threads", &heads);
    for thread in &picture.threads {
        let count = |name: &str| thread.counters.as_ref().and_then(|counters| counters.get(name)).copied();
        let counted = |name: &str| count(name).map_or_else(|| "-".to_owned(), |count| count.to_string());
        let faults = count("minor_faults").zip(count("major_faults")).map(|(minor, major)| (minor + major) as f64);
        let ThreadPicture { tid, run_state, core, cores, policy, cpu_ms, .. } = thread;
        let loops = tid.and_then(|tid| rates.loops_per_s(tid)).filter(|_| thread.counters.is_some());
        table.row(vec![
            escaped(&thread.thread),
            number(tid.map(f64::from), 0),
            word(run_state.as_deref()),
            number(core.map(f64::from), 0),
            word(cores.as_deref()),
            word(policy.as_deref()),
            number(tid.and_then(|tid| rates.cpu_percent(tid)), 1),
            number(cpu_ms.map(|ms| ms as f64 * 1e-3), 2),
            number(loops, 0),
            counted("loops"),
            counted("sleeps"),
            counted("items"),
            counted("drops"),
            counted("voluntary_switches"),
            counted("involuntary_switches"),
            number(faults, 0),
        ]);
    }
    table
}

/// The last things that were said, so many at the most.
pub fn notes(picture: &Picture, most: usize) -> Vec<String> {
    let skipped = picture.notes.len().saturating_sub(most);
    let ago = |note: &telemetry::subscribe::NotePicture| picture.at_unix_s - note.at_unix_s;
    let line = |note: &telemetry::subscribe::NotePicture| {
        format!("{:>5.0} s ago  {:<7}  {}", ago(note), note.severity, escaped(&note.text))
    };
    picture.notes.iter().skip(skipped).map(line).collect()
}
