//! The sender's side of a control socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::Failure;

/// Whoever is controlled answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was answered to one command.
#[derive(Debug, serde::Serialize)]
pub struct Answer {
    /// The command.
    pub command: String,
    /// Whether it was carried out.
    pub ok: bool,
    /// What was answered beside that: nothing, a JSON text, or what is wrong.
    pub said: String,
}

/// A connection to a control socket.
pub struct Client {
    path: PathBuf,
    stream: UnixStream,
    replies: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    /// [`Failure::Run`] where nobody listens there.
    pub fn connect(path: &Path) -> Result<Self, Failure> {
        let made = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            let replies = BufReader::new(stream.try_clone()?);
            Ok(Self { path: path.to_owned(), stream, replies })
        };
        made().map_err(|error| silent(path, &error))
    }

    /// Sends one command and waits for its answer; `None` for a line that says nothing (empty, or a comment).
    ///
    /// # Errors
    /// [`Failure::Run`] where no answer comes.
    pub fn send(&mut self, command: &str) -> Result<Option<Answer>, Failure> {
        let command = command.trim();
        if command.is_empty() || command.starts_with('#') {
            return Ok(None);
        }
        let mut exchange = || {
            self.stream.write_all(format!("{command}\n").as_bytes())?;
            let mut reply = String::new();
            match self.replies.read_line(&mut reply)? {
                0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(reply),
            }
        };
        let reply = exchange().map_err(|error| silent(&self.path, &error))?;
        let reply = reply.trim_end();
        let (ok, said) = match reply.strip_prefix("error: ") {
            Some(fault) => (false, fault),
            None => (true, reply.strip_prefix("ok").unwrap_or(reply).trim_start()),
        };
        Ok(Some(Answer { command: command.to_owned(), ok, said: said.to_owned() }))
    }
}

fn silent(path: &Path, error: &std::io::Error) -> Failure {
    let path = path.display();
    Failure::Run(format!("{path}: nobody answers there: {error}; a link or car does that runs with --control {path}"))
}

impl Answer {
    /// The answer as a line for a person; what is wrong is a wrong configuration.
    ///
    /// # Errors
    /// [`Failure::Config`] where the command was refused.
    pub fn line(&self) -> Result<String, Failure> {
        if self.ok {
            Ok(format!("ok {}", self.said).trim_end().to_owned())
        } else {
            Err(Failure::Config(format!("{:?}: {}", self.command, self.said)))
        }
    }
}
