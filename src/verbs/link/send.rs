//! `turbo link send`: commands to a link that runs with `--control`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::failure::Failure;

/// A link answers within a turn of its relay.
const PATIENCE: Duration = Duration::from_secs(5);

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
    let failed = |error: std::io::Error| {
        Failure::Run(format!(
            "{}: no link answers there: {error}; one listens there while it runs with --control {}",
            args.path.display(),
            args.path.display()
        ))
    };
    let mut stream = UnixStream::connect(&args.path).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut replies = BufReader::new(stream.try_clone().map_err(failed)?);
    let mut exchange = |line: &str| -> Result<(), Failure> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        stream.write_all(format!("{line}\n").as_bytes()).map_err(failed)?;
        let mut reply = String::new();
        if replies.read_line(&mut reply).map_err(failed)? == 0 {
            return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
        }
        match reply.trim_end().strip_prefix("error: ") {
            None => println!("{}", reply.trim_end()),
            Some(fault) => return Err(Failure::Config(format!("{line:?}: {fault}"))),
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
