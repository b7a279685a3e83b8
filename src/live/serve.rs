//! A process's own socket: made at its start, and gone with it.

use std::fs::{DirBuilder, Metadata};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use telemetry::subscribe::Hub;

use super::{SUFFIX, directory, user};
use crate::control::{ControlSocket, Controlled};
use crate::failure::Failure;

/// How long the end of a run waits for subscribers to read their last lines.
const PATIENCE: Duration = Duration::from_millis(250);
/// What others may do in the directory: nothing.
const PRIVATE: u32 = 0o700;

/// What a process takes that can be looked at, but not told anything.
pub struct NoCommands;

impl Controlled for NoCommands {
    fn obey(&self, command: &str) -> Result<String, String> {
        let shown: String = command.chars().take(40).collect();
        Err(format!("{shown:?} is no command; expected who, subscribe events or subscribe snapshots"))
    }
}

/// The same commands, and subscriptions to `hub`.
pub(super) struct Live<C> {
    commands: C,
    hub: Hub,
}

impl<C> Live<C> {
    pub(super) fn new(commands: C, hub: &Hub) -> Self {
        Self { commands, hub: hub.clone() }
    }
}

impl<C: Controlled> Controlled for Live<C> {
    fn obey(&self, command: &str) -> Result<String, String> {
        self.commands.obey(command)
    }

    fn live(&self) -> Option<&Hub> {
        Some(&self.hub)
    }
}

/// The sockets of one process; dropping this removes them.
pub struct LiveSockets {
    hub: Hub,
    _sockets: Vec<ControlSocket>,
}

impl LiveSockets {
    /// Listens where everybody looks, and at `named` as well. Not to be found is no reason not to drive: that is only
    /// said.
    ///
    /// # Errors
    /// [`Failure::Run`] where `named` cannot be had, which somebody has asked for.
    pub fn open(hub: &Hub, commands: impl Controlled, named: Option<&Path>) -> Result<Self, Failure> {
        let live = Arc::new(Live::new(commands, hub));
        let mut sockets = Vec::new();
        if let Some(path) = named {
            sockets.push(ControlSocket::listen(path, Arc::clone(&live))?);
            telemetry::say!("control: commands are taken at {}", path.display());
        }
        let name = hub.who().name();
        let dir = directory();
        match listen_in(&dir, &name, live) {
            Ok(socket) => {
                sockets.push(socket);
                telemetry::say!("live: turbo top {name}, or turbo tail {name}");
            }
            Err(reason) => {
                telemetry::say!("live: turbo top and turbo tail will not find this {}: {reason}", hub.who().program)
            }
        }
        Ok(Self { hub: hub.clone(), _sockets: sockets })
    }

    /// The run is over: lets subscribers read the end, those who do read.
    pub fn end(self) {
        self.hub.wait_for_ends(PATIENCE);
    }
}

/// Listens in `dir` under `name`.
pub(super) fn listen_in(dir: &Path, name: &str, live: impl Controlled) -> Result<ControlSocket, String> {
    make(dir).map_err(|reason| format!("{}: {reason}", dir.display()))?;
    sweep(dir);
    ControlSocket::listen(&dir.join(format!("{name}{SUFFIX}")), live).map_err(|failure| failure.to_string())
}

/// Makes the directory, or makes sure that it is this user's alone: whoever can write there could pass for a car.
fn make(dir: &Path) -> Result<(), String> {
    if let Err(error) = DirBuilder::new().mode(PRIVATE).create(dir)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(format!("cannot be made: {error}"));
    }
    let found = std::fs::symlink_metadata(dir).map_err(|error| error.to_string())?;
    if is_private(&found) {
        Ok(())
    } else {
        Err(format!(
            "is not a directory of this user alone (user {}, mode {:o}); remove it, or give it mode 700",
            found.uid(),
            found.mode() & 0o7777
        ))
    }
}

fn is_private(found: &Metadata) -> bool {
    found.is_dir() && found.uid() == user() && found.mode() & 0o077 == 0
}

/// Removes what killed processes have left: nobody listens there, and no process has the number.
fn sweep(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_suffix(SUFFIX)?.rsplit_once('-')?.1.parse::<u32>().ok());
        let Some(pid) = pid else { continue };
        let dead = entry.file_type().is_ok_and(|kind| kind.is_socket())
            && !Path::new(&format!("/proc/{pid}")).exists()
            && UnixStream::connect(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
        if dead {
            // Where it cannot be removed, it only stays in the way of a process of the same number.
            let _ = std::fs::remove_file(&path);
        }
    }
}
