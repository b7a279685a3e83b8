//! Writes a run that never was, to measure the report with: `synthetic_run DIR HOURS [MAX_ENTRIES]`.
//!
//! Three services at 30 frames a second, all eight logs of the car and log type 3 of the cloud.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a generator for measurements may fail loudly")]

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let usage = "synthetic_run DIR HOURS [MAX_ENTRIES]";
    let (Some(dir), Some(hours)) = (words.first(), words.get(1).and_then(|hours| hours.parse::<f64>().ok())) else {
        panic!("{usage}");
    };
    let max_entries = words.get(2).map_or(10_000, |entries| entries.parse().unwrap());
    let plan = synthetic::Plan {
        seconds: (hours * 3600.0) as u64,
        services: 3,
        fps: 30,
        max_entries,
        ..synthetic::Plan::default()
    };
    let run = synthetic::generate(std::path::Path::new(dir), &plan);
    println!("{} frames, {} from the cloud, in {}", run.frames, run.from_cloud, run.output.display());
}
