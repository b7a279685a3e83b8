//! The command line of `turbo report`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::error::ReportError;
use crate::export::{Window, mcap, perfetto, prometheus};
use crate::report::build;
use crate::run::Run;
use crate::show::{count, html, terminal};
use crate::text::shown;
use crate::verify::{Verification, verify};
use crate::{compare, part};

/// Says where the time of a run went: objective, decisions, latency per hop, uplink, utility, drops.
#[derive(Parser, Debug)]
#[command(
    name = "turbo report",
    version,
    after_help = "Examples:\n  turbo report runs                                     the newest run below runs/\n  \
                  turbo report runs/client_main_2026-01-31_12-00-00     that run, with all its directories\n  \
                  turbo report RUN --html run.html --json\n  turbo report RUN --compare RUN2\n  turbo report --verify RUN"
)]
pub struct Cli {
    /// A run directory, the output directory it lies in (its newest run is taken), or several directories of one run.
    #[arg(required = true, value_name = "RUN")]
    run: Vec<PathBuf>,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Compare with a second run.
    #[arg(long, value_name = "RUN2", conflicts_with = "verify")]
    compare: Option<PathBuf>,
    /// Check the logs against their specification; exit code 1 where they contradict it.
    #[arg(long)]
    verify: bool,
    /// Also write one page with plots, which needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also write a trace for ui.perfetto.dev.
    #[arg(long, value_name = "FILE")]
    perfetto: Option<PathBuf>,
    /// The stretch of the run in the trace, in seconds from its start.
    #[arg(long, value_name = "FROM..TO", requires = "perfetto", value_parser = window)]
    window: Option<Window>,
    /// Also write images and detections for Foxglove.
    #[arg(long, value_name = "FILE")]
    mcap: Option<PathBuf>,
    /// Also write every histogram in Prometheus' text form.
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
}

fn window(text: &str) -> Result<Window, String> {
    let wrong = || format!("{text:?} is no stretch of time; 10..20 is from 10 s to 20 s, 10.. to the end");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str, open: f64| if text.is_empty() { Ok(open) } else { text.parse().map_err(|_| wrong()) };
    let window = Window { from_secs: number(from, f64::NEG_INFINITY)?, to_secs: number(to, f64::INFINITY)? };
    if window.from_secs < window.to_secs { Ok(window) } else { Err(wrong()) }
}

impl Cli {
    /// Does it, and says what went wrong.
    pub fn run(&self) -> ExitCode {
        part::quiet_reader_panics();
        match self.act() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("turbo report: {error}");
                ExitCode::from(error.exit_code())
            }
        }
    }

    fn act(&self) -> Result<(), ReportError> {
        self.exports()?;
        if self.verify {
            return self.show_verification(&verify(Run::find(&self.run)?));
        }
        let (report, measured) = build(Run::find(&self.run)?);
        if let Some(path) = &self.html {
            write(path, &html::page(&report))?;
        }
        if let Some(path) = &self.prometheus {
            write(path, &prometheus::text(&measured))?;
        }
        let Some(second) = &self.compare else {
            return if self.json { print_json(&report) } else { print(&terminal::text(&report)) };
        };
        let (second, _) = build(Run::find(std::slice::from_ref(second))?);
        let comparison = compare::compare(&report, &second);
        if self.json { print_json(&comparison) } else { print(&compare::text(&comparison)) }
    }

    fn exports(&self) -> Result<(), ReportError> {
        if let Some(path) = &self.perfetto {
            let refused = |source| ReportError::Write { path: path.clone(), source };
            let run = Run::find(&self.run)?;
            let file = File::create(path).map_err(refused)?;
            let window = self.window.unwrap_or_default();
            let written = perfetto::write(&run, window, BufWriter::new(file)).map_err(refused)?;
            let frames = count(written.frames as u64);
            eprintln!("{}: {frames} frames, {} of them through the cloud", shown(path), count(written.in_cloud as u64));
            if written.cloud_clock_moved_secs != 0.0 {
                eprintln!(
                    "the cloud's clock was moved by {:+.6} s to agree with the car's",
                    written.cloud_clock_moved_secs
                );
            }
            if written.cut {
                eprintln!("the run has more frames than a trace may: choose a stretch with --window FROM..TO");
            }
        }
        if let Some(path) = &self.mcap {
            let written = mcap::write(&Run::find(&self.run)?, path)?;
            eprintln!(
                "{}: {} images, {} frames with boxes",
                shown(path),
                count(written.images),
                count(written.detections)
            );
            if written.images_left_out > 0 {
                let left_out = count(written.images_left_out);
                eprintln!("{left_out} images left out: their files are gone, or of a size that run.yaml does not know");
            }
        }
        Ok(())
    }

    fn show_verification(&self, verification: &Verification) -> Result<(), ReportError> {
        if self.json {
            print_json(verification)?;
        } else {
            let mut text = String::new();
            // Writing into a `String` cannot fail.
            let _ = terminal::findings(&mut text, &verification.findings, usize::MAX);
            text.push_str(&format!(
                "{}: {} errors, {} warnings in {} rows of {} parts of {} logs; {} frames paired\n",
                verification.run,
                count(verification.errors),
                count(verification.warnings),
                count(verification.rows),
                count(verification.parts),
                count(verification.logs),
                count(verification.frames_paired)
            ));
            print(&text)?;
        }
        match usize::try_from(verification.errors) {
            Ok(0) => Ok(()),
            errors => Err(ReportError::Findings { errors: errors.unwrap_or(usize::MAX) }),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), ReportError> {
    std::fs::write(path, text).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn print(text: &str) -> Result<(), ReportError> {
    let path = || PathBuf::from("standard output");
    std::io::stdout().write_all(text.as_bytes()).map_err(|source| ReportError::Write { path: path(), source })
}

fn print_json(value: &impl Serialize) -> Result<(), ReportError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| ReportError::Write { path: PathBuf::from("standard output"), source: error.into() })?;
    print(&(text + "\n"))
}
