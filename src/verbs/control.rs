//! `turbo control`: tells a running car or link something.

use crate::control::{Answer, Client};
use crate::failure::Failure;
use crate::live;

/// Tell a running car (or link) something, and print what it answers.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n\
    \x20 turbo control status --json                        the car that runs on this machine\n\
    \x20 turbo control context speed_mps=12 turn_signal=left tags=crossing\n\
    \x20 turbo control car-1234 status\n\
    \x20 turbo control /run/turbo/car.sock status\n\
    \x20 turbo control link rate up 3\n\
    \n\
    What a car can be told:\n\
    \x20 context KEY=VALUE...  what is known of the drive; keys that are not given stay as they were:\n\
    \x20     speed_mps=0..150, steering_deg=-1080..1080 (to the left positive), turn_signal=off|left|right|hazard,\n\
    \x20     tags=NAME,NAME... of those that its rules name, or none; unknown in place of a value forgets it\n\
    \x20 status                weights, active rules, recent results and the drift of its table, as JSON\n\
    A link can be told what `turbo link --help` lists, and `stats`.")]
pub struct ControlArgs {
    /// Which one, and then the words of one command. Which one: its name (car-1234), its number, `car`, `link`, its run
    /// directory or the path of its socket (with a / in it, as ./runs); the only car without it. Without a command, one a
    /// line is read from standard input.
    #[arg(value_name = "[CAR|LINK|RUN_DIR|SOCKET] COMMAND", allow_negative_numbers = true)]
    pub words: Vec<String>,
    /// Print the answers as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Sends the command, or those of standard input until one is refused.
///
/// # Errors
/// [`Failure::Config`] after the first that is refused, [`Failure::Usage`] where several could be meant, [`Failure::Run`]
/// where nobody answers.
pub fn run(args: &ControlArgs) -> Result<(), Failure> {
    let (target, command) = match args.words.split_first() {
        Some((first, rest)) if live::is_target(first) => (Some(first.as_str()), rest),
        _ => (None, args.words.as_slice()),
    };
    let mut client = Client::connect(&live::choose(target, "control")?.path)?;
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
    let outcome = if command.is_empty() {
        std::io::stdin().lines().try_for_each(|line| exchange(&line.map_err(Failure::run)?))
    } else {
        exchange(&command.join(" ").replace('\n', " "))
    };
    if args.json {
        println!("{}", serde_json::json!({ "answers": answers }));
    }
    outcome
}
