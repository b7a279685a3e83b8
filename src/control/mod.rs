//! Commands to a running process over a UNIX socket: one a line, each answered with `ok` or `error: …`. One of them makes
//! the connection a subscription to what the process tells.

mod client;
mod stream;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use telemetry::subscribe::{Hub, NoteKind, Subscription};

use crate::failure::Failure;

pub use client::{Answer, Client, Heard, Lines};

/// Longest line taken; a path has 4096 bytes at most.
const MOST_LINE_BYTES: u64 = 8192;
/// What is read of a line that is too long, so that its sender reads the answer.
const MOST_DISCARDED_BYTES: u64 = 1 << 20;
/// Connections served at a time.
const MOST_CONNECTIONS: usize = 16;
/// Of one connection's refused commands, subscribers hear of so many.
const MOST_NOTED: u32 = 4;
/// The threads that converse; they are no part of any core map.
const THREAD: &str = "control";

/// What can be told something. Called on threads of the socket's own, of several connections at once.
pub trait Controlled: Send + Sync + 'static {
    /// Carries out one command, which is not empty; what is to be answered after `ok`, or what is wrong.
    ///
    /// # Errors
    /// What was said and what would be right.
    fn obey(&self, command: &str) -> Result<String, String>;

    /// Whom one may subscribe to at the same socket; nobody, unless it is said.
    fn live(&self) -> Option<&Hub> {
        None
    }
}

impl<T: Controlled + ?Sized> Controlled for Arc<T> {
    fn obey(&self, command: &str) -> Result<String, String> {
        T::obey(self, command)
    }

    fn live(&self) -> Option<&Hub> {
        T::live(self)
    }
}

/// What one command comes to.
enum Reply {
    /// Words, and the next command may come.
    Said(String),
    /// Nothing else any more but what is subscribed to.
    Stream(Box<Subscription>),
}

fn reply_to(controlled: &dyn Controlled, command: &str) -> Result<Reply, String> {
    match controlled.live().map(|hub| stream::asked(hub, command)) {
        Some(Ok(Some(reply))) => Ok(reply),
        Some(Err(fault)) => Err(fault),
        Some(Ok(None)) | None => controlled.obey(command).map(Reply::Said),
    }
}

/// A socket that takes commands for as long as the process lives; dropping this removes its path.
pub struct ControlSocket {
    path: PathBuf,
}

impl ControlSocket {
    /// Listens at `path`, for the user of this process alone; a socket that nobody listens at any more is replaced.
    ///
    /// # Errors
    /// [`Failure::Run`] where the path cannot be had.
    pub fn listen(path: &Path, controlled: impl Controlled) -> Result<Self, Failure> {
        let refused = |error: &dyn std::fmt::Display| {
            Failure::Run(format!("control socket {}: cannot listen there: {error}", path.display()))
        };
        if UnixStream::connect(path).is_ok() {
            return Err(refused(&"another process is controlled there; choose another path"));
        }
        let is_socket = |path: &Path| {
            use std::os::unix::fs::FileTypeExt;
            std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
        };
        if is_socket(path) {
            std::fs::remove_file(path).map_err(|error| refused(&error))?;
        }
        let listener = UnixListener::bind(path).map_err(|error| refused(&error))?;
        let socket = Self { path: path.to_owned() };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(|error| refused(&error))?;
        let controlled: Arc<dyn Controlled> = Arc::new(controlled);
        let thread = std::thread::Builder::new().name(THREAD.into());
        thread.spawn(move || serve(&listener, &controlled)).map_err(|error| refused(&error))?;
        Ok(socket)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // One that is gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(listener: &UnixListener, controlled: &Arc<dyn Controlled>) {
    let connections = Arc::new(());
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        if Arc::strong_count(&connections) > MOST_CONNECTIONS {
            // Whoever does not read it sees the end of the connection.
            let _ = stream.write_all(b"error: too many connections; end one\n");
            continue;
        }
        let (controlled, connection) = (Arc::clone(controlled), Arc::clone(&connections));
        let thread = std::thread::Builder::new().name(THREAD.into());
        // Where no thread can be had, the connection ends.
        let _ = thread.spawn(move || {
            let _ended = converse(&stream, &*controlled);
            drop(connection);
        });
    }
}

fn converse(stream: &UnixStream, controlled: &dyn Controlled) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    let mut refused = 0;
    loop {
        line.clear();
        if reader.by_ref().take(MOST_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let cut = line.len() as u64 == MOST_LINE_BYTES && !line.ends_with(b"\n");
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let says_something = !matches!(text.trim_start().chars().next(), None | Some('#'));
        let mut writer = stream;
        let reply = match (cut, says_something) {
            (true, _) => Err(format!("the line is longer than {MOST_LINE_BYTES} bytes")),
            (false, true) => reply_to(controlled, text),
            (false, false) => continue,
        };
        match reply {
            Ok(Reply::Said(said)) => writer.write_all(format!("{}\n", format!("ok {said}").trim_end()).as_bytes())?,
            Ok(Reply::Stream(subscription)) => return stream::serve(stream, *subscription),
            Err(fault) => {
                if refused < MOST_NOTED {
                    refused += 1;
                    let hub = controlled.live().into_iter();
                    hub.for_each(|hub| hub.note(NoteKind::Command, format!("refused at the control socket: {fault}")));
                }
                writer.write_all(format!("error: {}\n", fault.replace('\n', " ")).as_bytes())?;
            }
        }
        if cut {
            // What was sent and not read would have the kernel throw the answer away.
            stream.shutdown(std::net::Shutdown::Write)?;
            return std::io::copy(&mut reader.take(MOST_DISCARDED_BYTES), &mut std::io::sink()).map(drop);
        }
    }
}

#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod tests;
