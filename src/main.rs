//! `turbo`: one program, one file per verb.

mod calibrate;
mod car;
mod cloud;
mod companion;
mod control;
mod core_map;
mod credentials;
mod doctor;
mod emulated;
mod event_log;
mod failure;
mod live;
mod quantities;
mod signals;
mod simulate;
mod state_log;
mod tail;
mod top;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

/// Divides a car's uplink among its cameras and delivers, by every deadline, the best detections there are.
#[derive(Parser)]
#[command(name = "turbo", version)]
struct Cli {
    #[command(subcommand)]
    verb: verbs::Verb,
}

#[cfg(test)]
testkit::count_heap!();

fn main() -> ExitCode {
    match verbs::run(&Cli::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("turbo: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
