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
    use telemetry::subscribe::NoteKind;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/live.md");
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let row = |topic: &str, kind: &str, subsystem: &str, severity: &str, meaning: &str| {
        format!("| `{topic}` | {kind} | {subsystem} | {severity} | {meaning} |")
    };
    let events = EventKind::ALL
        .iter()
        .map(|kind| row(kind.name(), "event", kind.subsystem(), kind.severity().name(), kind.meaning()));
    let notes = NoteKind::ALL
        .iter()
        .map(|kind| row(kind.topic(), "note", kind.subsystem(), kind.severity().name(), kind.meaning()));
    let declared: Vec<String> = events.chain(notes).collect();
    let rows: Vec<&str> = page.lines().filter(|line| line.contains("| event |") || line.contains("| note |")).collect();
    assert_eq!(rows, declared, "docs/live.md has the topics as they are declared, in their order");
}
