//! `turbo link send`: commands to a link that runs with `--control`.

use std::path::PathBuf;

use crate::control::Client;
use crate::failure::Failure;

/// Tell a running link something, and print what it answers.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo link send /tmp/link 'rate up 3' 'loss both 1%'")]
pub struct SendArgs {
    /// The path that the link was given with --control.
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Commands, or `stats` for its counters; without any, one a line is read from standard input.
    #[arg(value_name = "COMMAND")]
    pub commands: Vec<String>,
}

/// Sends the commands one after the other, each when the one before is answered.
///
/// # Errors
/// [`Failure::Config`] after the first that is refused, [`Failure::Run`] where no link answers.
pub fn run(args: &SendArgs) -> Result<(), Failure> {
    let mut client = Client::connect(&args.path)?;
    let mut exchange = |line: &str| -> Result<(), Failure> {
        if let Some(answer) = client.send(line)? {
            println!("{}", answer.line()?);
        }
        Ok(())
    };
    if args.commands.is_empty() {
        for line in std::io::stdin().lines() {
            exchange(&line.map_err(Failure::run)?)?;
        }
        return Ok(());
    }
    // One argument is one command: a line end within it would be answered twice.
    args.commands.iter().flat_map(|command| command.lines()).try_for_each(exchange)
}
