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
