//! A snapshot within the lines and columns that there are.

use telemetry::subscribe::Picture;

use super::head::head;
use super::rates::Rates;
use super::table::Table;
use super::tables;
use super::terminal::Size;

/// With less than this nothing can be read.
const LEAST: Size = (60, 16);
/// Of the lines that are left, notes take so many.
const NOTES: usize = 4;
/// Between two tables that stand side by side.
const GAP: &str = "   ";

const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// One thing to say on an empty screen.
pub fn message(text: &str, (columns, lines): Size) -> Vec<String> {
    std::iter::once(cut(text, columns)).take(lines).collect()
}

/// The screen, line by line. `skipped` is how many threads stand above it, at the most as many as there are.
pub fn of(picture: &Picture, rates: &Rates, silent: bool, skipped: &mut usize, (columns, lines): Size) -> Vec<String> {
    if columns < LEAST.0 || lines < LEAST.1 {
        let text = format!("{columns}x{lines} is too small; {}x{} is the least. q ends.", LEAST.0, LEAST.1);
        return message(&text, (columns, lines));
    }
    let mut screen = head(picture);
    if silent && let Some(first) = screen.first_mut() {
        first.insert_str(0, "NO NEWS: is it stopped?  ");
    }
    let mut titles = vec![0];
    let mut add = |screen: &mut Vec<String>, block: Vec<String>| {
        screen.push(String::new());
        titles.push(screen.len());
        screen.extend(block);
    };
    for table in [tables::services(picture, rates), tables::workers(picture)] {
        if !table.is_empty() {
            add(&mut screen, table.lines());
        }
    }
    let (hops, rings) = (tables::hops(picture), tables::rings(picture));
    let blocks = [hops, tables::handovers(picture), rings];
    let blocks = blocks.iter().filter(|table| !table.is_empty()).map(Table::lines);
    let blocks = flow(blocks, columns);
    // On a low screen threads and notes are worth more than the last hop.
    let room = lines.saturating_sub(screen.len() + 1).saturating_sub(NOTES + 6).max(3);
    if !blocks.is_empty() {
        add(&mut screen, blocks.into_iter().take(room).collect());
    }
    let notes = tables::notes(picture, NOTES);
    let mut threads = tables::threads(picture, rates).lines();
    let room = lines.saturating_sub(screen.len() + 1 + notes.len() + 1);
    let heads = 2.min(threads.len());
    let rows = threads.split_off(heads);
    let fitting = room.saturating_sub(heads);
    *skipped = (*skipped).min(rows.len().saturating_sub(fitting));
    if let Some(title) = threads.first_mut()
        && rows.len() > fitting
    {
        title.push_str(&format!(" {} to {} of {} (up, down)", *skipped + 1, *skipped + fitting, rows.len()));
    }
    threads.extend(rows.into_iter().skip(*skipped).take(fitting));
    add(&mut screen, threads);
    screen.push(String::new());
    screen.extend(notes);
    let shown = screen.into_iter().take(lines).map(|line| cut(&line, columns)).enumerate();
    shown.map(|(number, line)| if titles.contains(&number) { format!("{BOLD}{line}{PLAIN}") } else { line }).collect()
}

/// Blocks side by side as long as there is room for another, and below each other then.
fn flow(blocks: impl Iterator<Item = Vec<String>>, columns: usize) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for block in blocks {
        match rows.last_mut() {
            Some(row) if width(row) + GAP.len() + width(&block) <= columns => *row = beside(row, &block),
            _ => rows.push(block),
        }
    }
    rows.join(&String::new())
}

fn width(block: &[String]) -> usize {
    block.iter().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Two blocks side by side.
fn beside(left: &[String], right: &[String]) -> Vec<String> {
    let width = width(left);
    let line = |number: usize| {
        let text = |block: &[String]| block.get(number).cloned().unwrap_or_default();
        format!("{:<width$}{GAP}{}", text(left), text(right)).trim_end().to_owned()
    };
    (0..left.len().max(right.len())).map(line).collect()
}

fn cut(line: &str, columns: usize) -> String {
    line.chars().take(columns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture() -> Picture {
        let ring = |number: u64| serde_json::json!({"ring": format!("ring-{number}"), "capacity": 8, "waiting": 0, "most_waiting": 1, "dropped": number});
        let thread = |number: u64| {
            serde_json::json!({"thread": format!("thread-{number}"), "tid": number, "run_state": "S", "core": 1,
            "cores": "0-1", "policy": "other nice 0", "cpu_ms": 12, "counters": {"loops": 7, "items": 3}})
        };
        let value = serde_json::json!({
            "type": "snapshot",
            "who": {"program": "car", "pid": 7, "version": "0", "started_unix_s": 0, "run_dir": "/runs/x", "services": ["front"]},
            "at_unix_s": 100.0, "at_ns": 5_000_000_000_u64, "since_start_s": 5.0, "window_s": 5.0, "state": "running",
            "services": [{"service": 1, "name": "front", "config": "edd1", "weight": 1.0, "allocated_mbps": 2.5, "decisions": 4,
                "decisions_late": 1, "from_cloud": 2, "from_vehicle": 1, "none": 1, "uplink_bytes": 1000, "p50_ms": 80.0, "p95_ms": 90.0, "p99_ms": null}],
            "allocation": {"age_s": 0.1, "policy": "turbo", "available_mbps": 5.0, "expected_utility": 0.5, "on_vehicle_utility": 0.2, "solve_us": 30.0},
            "link": {"age_s": 0.05, "estimate_mbps": 6.0, "low_mbps": 4.5, "high_mbps": null, "estimate_p10_mbps": 4.0, "estimate_p50_mbps": 5.0, "rtt_ms": 40.0, "loss": 0.01,
                "connections": 2, "cwnd_bytes": 20000, "delivery_mbps": 3.0, "app_limited": true},
            "hops": [{"hop": "total", "count": 4, "p50_ms": 80.0, "p95_ms": 90.0, "p99_ms": 91.0}],
            "rings": (0..12).map(ring).collect::<Vec<_>>(),
            "threads": (0..30).map(thread).collect::<Vec<_>>(),
            "handovers": [{"handover": "frame's news", "from": "capture-1", "to": "service-1", "capacity": 64, "waiting": 2, "most_lately": 3, "most_waiting": 5,
                "sent": 1009, "lost": 9}],
            "gateway": null, "workers": [], "emulated": null,
            "served": 0,
            "losses": {"records_dropped": 3, "rows_lost": 0, "rows_unprotected": 0, "rows_waiting": 0, "frames_lost": 0,
                "events_lost": 0, "events_late": 2, "events_expired": 0, "last_error": null},
            "subscribers": 1, "subscribers_lost": 0,
            "notes": [{"at_unix_s": 98.0, "at_ns": 3, "severity": "warning", "subsystem": "gateway", "topic": "refused", "text": "odd \u{1b}[2J"}],
        });
        serde_json::from_value(value).expect("a snapshot")
    }

    /// What a terminal would show of it.
    fn bare(line: &str) -> String {
        line.replace(BOLD, "").replace(PLAIN, "")
    }

    proptest! {
        #[test]
        fn it_never_is_larger_than_the_screen(columns in 1_usize..300, lines in 1_usize..120, mut skipped in 0_usize..1000) {
            let screen = of(&picture(), &Rates::default(), false, &mut skipped, (columns, lines));
            prop_assert!(screen.len() <= lines);
            prop_assert!(screen.iter().all(|line| bare(line).chars().count() <= columns && !bare(line).contains('\u{1b}')), "{:?}", screen);
        }
    }

    #[test]
    fn all_of_it_is_there_where_there_is_room() {
        let screen = of(&picture(), &Rates::default(), false, &mut 0, (250, 80)).join("\n");
        for wanted in [
            "car-7  running",
            "estimate 6.00 Mbit/s (low 4.50, high -; of 10 s p10 4.00, p50 5.00)",
            "loss 1.00 %",
            "connections 2",
            "policy turbo",
            "lost  3 records",
            "1 front",
            "ring-11",
            "capture-1  service-1  frame's news    64        2     3     5    1000     9",
            "thread-29",
            "2 s ago  warning  odd \\u{1b}[2J",
        ] {
            assert!(screen.contains(wanted), "{wanted} in\n{screen}");
        }
        let text = tables::text(&picture(), &Rates::default());
        assert!(text.contains("thread-29") && !text.contains('\u{1b}'));
    }

    #[test]
    fn a_cloud_shows_its_gateway_and_workers_and_a_link_its_two_ways() {
        let (mut cloud, mut link) = (picture(), picture());
        cloud.who.program = "cloud".to_owned();
        cloud.gateway = Some(telemetry::subscribe::GatewayPicture {
            cars: 2,
            connections: 3,
            waiting: 4,
            running: 1,
            served: 77,
            refused: 5,
            refused_by: [("malformed frame headers".to_owned(), 5)].into(),
            ..Default::default()
        });
        cloud.workers = [("worker-1", Some(0.87)), ("worker-2", None)]
            .map(|(worker, busy)| telemetry::subscribe::WorkerPicture {
                worker: worker.to_owned(),
                alive: busy.is_some(),
                tasks: 12,
                busy_s: 3.5,
                busy,
            })
            .to_vec();
        link.who.program = "link".to_owned();
        let up = telemetry::subscribe::WayPicture {
            rate_mbps: Some(18.25),
            queue_bytes: 12_300,
            delivered: 900,
            dropped: 7,
            dropped_queue: 5,
            ..Default::default()
        };
        link.emulated = Some(telemetry::subscribe::EmulatedPicture { up, ..Default::default() });
        for (picture, wanted) in [
            (
                cloud,
                [
                    "cars 2  connections 3",
                    "waiting 4  with a worker 1",
                    "refused  5 (5 malformed",
                    "there      87",
                    "LOST        -",
                ],
            ),
            (
                link,
                [
                    "rate 18.25 Mbit/s",
                    "delivered - Mbit/s",
                    "queue 12.3 kB",
                    "900 out, 7 dropped (5 queue",
                    "down  rate -",
                ],
            ),
        ] {
            let screen = of(&picture, &Rates::default(), false, &mut 0, (250, 80)).join("\n");
            for text in [screen, tables::text(&picture, &Rates::default())] {
                wanted.iter().for_each(|wanted| assert!(text.contains(wanted), "{wanted} in\n{text}"));
            }
        }
    }

    #[test]
    fn threads_that_do_not_fit_are_reached_and_no_further() {
        let mut skipped = 9_999;
        let screen = of(&picture(), &Rates::default(), true, &mut skipped, (120, 40)).join("\n");
        assert!(
            screen.contains("thread-29") && !screen.contains("thread-0 ") && screen.contains("NO NEWS"),
            "{screen}"
        );
        assert!(skipped < 30);
        let small = of(&picture(), &Rates::default(), false, &mut 0, (30, 5));
        assert_eq!(small, ["30x5 is too small; 60x16 is th"]);
    }

    #[test]
    fn rates_need_two_snapshots() {
        let (mut rates, first) = (Rates::default(), picture());
        rates.follow(&first);
        assert_eq!((rates.cpu_percent(1), rates.service(1)), (None, None));
        let mut second = first.clone();
        second.at_ns += 2_000_000_000;
        second.threads[1].cpu_ms = Some(1_012);
        (second.services[0].decisions, second.services[0].uplink_bytes) = (34, 251_000);
        rates.follow(&second);
        assert_eq!(
            (rates.cpu_percent(1), rates.cpu_percent(2), rates.service(1)),
            (Some(50.0), Some(0.0), Some((15.0, 1.0)))
        );
    }
}
