//! Commands to a running link over a UNIX socket: one a line, each answered with `ok` or `error: …`.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use transport::link::{Command, LinkHandle};

use crate::failure::Failure;

/// Longest line taken; a path has 4096 bytes at most.
const MOST_LINE_BYTES: u64 = 8192;
/// Connections served at a time.
const MOST_CONNECTIONS: usize = 16;

/// A socket that takes commands for as long as the process lives; dropping this removes its path.
pub struct ControlSocket {
    path: PathBuf,
}

impl ControlSocket {
    /// Listens at `path`, for the user of this process alone; a socket that nobody listens at any more is replaced.
    ///
    /// # Errors
    /// [`Failure::Run`] where the path cannot be had.
    pub fn listen(path: &Path, link: LinkHandle) -> Result<Self, Failure> {
        let refused = |error: &dyn std::fmt::Display| {
            Failure::Run(format!("--control {}: cannot listen there: {error}", path.display()))
        };
        if UnixStream::connect(path).is_ok() {
            return Err(refused(&"another link is controlled there; choose another path"));
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
        let thread = std::thread::Builder::new().name("link-control".into());
        thread.spawn(move || serve(&listener, &link)).map_err(|error| refused(&error))?;
        Ok(socket)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // One that is gone already is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(listener: &UnixListener, link: &LinkHandle) {
    let connections = Arc::new(());
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        if Arc::strong_count(&connections) > MOST_CONNECTIONS {
            // Whoever does not read it sees the end of the connection.
            let _ = stream.write_all(b"error: too many connections; end one\n");
            continue;
        }
        let (link, connection) = (link.clone(), Arc::clone(&connections));
        let thread = std::thread::Builder::new().name("link-control".into());
        // Where no thread can be had, the connection ends.
        let _ = thread.spawn(move || {
            let _ended = converse(&stream, &link);
            drop(connection);
        });
    }
}

fn converse(stream: &UnixStream, link: &LinkHandle) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(MOST_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let cut = line.len() as u64 == MOST_LINE_BYTES && !line.ends_with(b"\n");
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let (mut writer, reply) = (stream, if cut { Some(Err(too_long())) } else { obey(text, link) });
        match reply {
            None => {}
            Some(Ok(said)) => writer.write_all(format!("{}\n", format!("ok {said}").trim_end()).as_bytes())?,
            Some(Err(fault)) => writer.write_all(format!("error: {}\n", fault.replace('\n', " ")).as_bytes())?,
        }
        if cut {
            return Ok(());
        }
    }
}

fn too_long() -> String {
    format!("the line is longer than {MOST_LINE_BYTES} bytes")
}

/// Carries out one line; `None` for one without a command.
fn obey(line: &str, link: &LinkHandle) -> Option<Result<String, String>> {
    let line = line.split_once('#').map_or(line, |(command, _)| if command.trim().is_empty() { "" } else { line });
    match line.trim() {
        "" => None,
        "stats" => Some(serde_json::to_string(&link.stats()).map_err(|error| error.to_string())),
        _ => {
            let command = Command::parse(line, Path::new(".")).map_err(|error| error.to_string());
            let obeyed = command.and_then(|command| link.command(command).map_err(|error| error.to_string()));
            Some(obeyed.map(|()| String::new()))
        }
    }
}

#[cfg(test)]
mod tests;
