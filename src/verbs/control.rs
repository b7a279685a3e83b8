//! `turbo control`: tells a running car or link something.

use std::path::PathBuf;

use crate::control::{Answer, Client};
use crate::failure::Failure;

/// Tell a running car (or link) something at its control socket, and print what it answers.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n\
    \x20 turbo control /run/turbo/car.sock context speed_mps=12 turn_signal=left tags=crossing\n\
    \x20 turbo control /run/turbo/car.sock status --json\n\
    \n\
    What a car can be told:\n\
    \x20 context KEY=VALUE...  what is known of the drive; keys that are not given stay as they were:\n\
    \x20     speed_mps=0..150, steering_deg=-1080..1080 (to the left positive), turn_signal=off|left|right|hazard,\n\
    \x20     tags=NAME,NAME... of those that its rules name, or none; unknown in place of a value forgets it\n\
    \x20 status                weights, active rules, recent results and the drift of its table, as JSON\n\
    A link can be told what `turbo link --help` lists.")]
pub struct ControlArgs {
    /// The path that the car or link was given with --control.
    #[arg(value_name = "SOCKET")]
    pub path: PathBuf,
    /// The words of one command; without any, one command a line is read from standard input.
    #[arg(value_name = "COMMAND", allow_negative_numbers = true)]
    pub command: Vec<String>,
    /// Print the answers as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Sends the command, or those of standard input until one is refused.
///
/// # Errors
/// [`Failure::Config`] after the first that is refused, [`Failure::Run`] where nobody answers.
pub fn run(args: &ControlArgs) -> Result<(), Failure> {
    let mut client = Client::connect(&args.path)?;
    let mut answers: Vec<Answer> = Vec::new();
    let mut exchange = |line: &str| -> Result<(), Failure> {
        let Some(answer) = client.send(line)? else { return Ok(()) };
        let line = answer.line();
        answers.push(answer);
        match line {
            Ok(line) if !args.json => println!("{line}"),
            other => drop(other?),
        }
        Ok(())
    };
    let outcome = if args.command.is_empty() {
        std::io::stdin().lines().try_for_each(|line| exchange(&line.map_err(Failure::run)?))
    } else {
        exchange(&args.command.join(" ").replace('\n', " "))
    };
    if args.json {
        println!("{}", serde_json::json!({ "answers": answers }));
    }
    outcome
}
