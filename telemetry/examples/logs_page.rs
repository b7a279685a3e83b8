//! Prints `docs/logs.md`.

fn main() {
    print!("{}", telemetry::logs_page::logs_page());
}
