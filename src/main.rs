//! `turbo`: one program, one file per verb.

mod any_file;
mod calibrate;
#[deny(clippy::print_stdout, clippy::print_stderr)]
mod car;
#[deny(clippy::print_stdout, clippy::print_stderr)]
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

use std::any::TypeId;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};

/// Divides a car's uplink among its cameras and delivers, by every deadline, the best detections there are.
#[derive(Parser)]
#[command(name = "turbo", version)]
struct Cli {
    #[command(subcommand)]
    verb: verbs::Verb,
}

#[cfg(test)]
testkit::count_heap!();

/// Has every option that takes a number take whatever follows it, so that `--fps -1` is told what a frame rate is, and not
/// that there is no argument -1.
fn with_numbers_as_they_come(command: clap::Command) -> clap::Command {
    let numbers = [
        TypeId::of::<f64>(),
        TypeId::of::<Duration>(),
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<usize>(),
    ];
    let as_it_comes = |arg: clap::Arg| {
        let is_number = numbers.iter().any(|number| arg.get_value_parser().type_id() == *number);
        if is_number && !arg.is_positional() { arg.allow_hyphen_values(true) } else { arg }
    };
    command.mut_args(as_it_comes).mut_subcommands(with_numbers_as_they_come)
}

fn main() -> ExitCode {
    let matches = with_numbers_as_they_come(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match verbs::run(&cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            telemetry::say!("turbo: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
