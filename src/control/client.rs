//! The sender's side of a control socket.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::failure::Failure;

/// Whoever is controlled answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// A timeout of nothing would be none.
const LEAST_WAIT: Duration = Duration::from_millis(1);
/// No process tells more at once.
const MOST_LINE_BYTES: u64 = 16 << 20;

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
        Self::connect_with(path, PATIENCE)
    }

    /// The same, with another patience for each answer.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn connect_with(path: &Path, patience: Duration) -> Result<Self, Failure> {
        let made = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
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

impl Client {
    /// Sends a command that makes the connection a stream of lines.
    ///
    /// # Errors
    /// [`Failure::Run`] where it is refused, or no answer comes.
    pub fn stream(mut self, command: &str) -> Result<Lines, Failure> {
        match self.send(command)? {
            Some(Answer { ok: true, .. }) => {
                Ok(Lines { path: self.path, stream: self.stream, replies: self.replies, line: Vec::new() })
            }
            refused => Err(Failure::Run(format!(
                "{}: {}",
                self.path.display(),
                refused.map(|answer| answer.said).unwrap_or_default()
            ))),
        }
    }
}

/// Lines that come when there is something to tell.
pub struct Lines {
    path: PathBuf,
    stream: UnixStream,
    replies: BufReader<UnixStream>,
    line: Vec<u8>,
}

/// What listening brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its end.
    Line(String),
    /// None within the time.
    Nothing,
    /// The other end is closed.
    Closed,
}

impl Lines {
    /// The next line; waits for it until `until`, or for ever.
    ///
    /// # Errors
    /// [`Failure::Run`] where the socket fails, or the line is longer than anybody writes.
    pub fn next(&mut self, until: Option<Monotonic>) -> Result<Heard, Failure> {
        let failed = |path: &Path, error: &std::io::Error| Failure::Run(format!("{}: {error}", path.display()));
        loop {
            let left = until.map(|until| until.saturating_since(Monotonic::now()).max(LEAST_WAIT));
            self.stream.set_read_timeout(left).map_err(|error| failed(&self.path, &error))?;
            let room = MOST_LINE_BYTES.saturating_sub(self.line.len() as u64);
            // What was read before the time was up stays in the line.
            match self.replies.by_ref().take(room).read_until(b'\n', &mut self.line) {
                Ok(_) if self.line.ends_with(b"\n") => {
                    self.line.pop();
                    return Ok(Heard::Line(String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned()));
                }
                Ok(_) if room == 0 || self.line.len() as u64 >= MOST_LINE_BYTES => {
                    return Err(Failure::Run(format!(
                        "{}: a line of more than {MOST_LINE_BYTES} bytes: no car, cloud or link is there",
                        self.path.display()
                    )));
                }
                Ok(_) => return Ok(Heard::Closed),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(Heard::Nothing),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => return Ok(Heard::Closed),
                    _ => return Err(failed(&self.path, &error)),
                },
            }
        }
    }

    /// Whether the next line is already here, so that asking for it makes no system call.
    pub fn has_more(&self) -> bool {
        self.replies.buffer().contains(&b'\n')
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
