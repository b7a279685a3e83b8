//! The page about the logs is what their declarations say.

use std::path::Path;

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/logs.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let current = telemetry::logs_page::logs_page();
    let differs = page.lines().zip(current.lines()).find(|(there, declared)| there != declared);
    assert!(
        page == current,
        "docs/logs.md is not current, first at {differs:?}; `cargo run -p telemetry --example logs_page > docs/logs.md`"
    );
}

#[test]
fn every_topic_is_on_the_page_about_live_runs() {
    use telemetry::events::EventKind;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/live.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let row = |topic: &str, kind: &str, subsystem: &str, severity: &str, meaning: &str| {
        format!("| `{topic}` | {kind} | {subsystem} | {severity} | {meaning} |")
    };
    let what = |kind: &EventKind| if kind.note().is_some() { "note" } else { "event" };
    let declared: Vec<String> = EventKind::ALL
        .iter()
        .map(|kind| row(kind.name(), what(kind), kind.subsystem(), kind.severity().name(), kind.meaning()))
        .collect();
    let rows: Vec<&str> = page.lines().filter(|line| line.contains("| event |") || line.contains("| note |")).collect();
    assert_eq!(rows, declared, "docs/live.md has the topics as they are declared, in their order");
}
