//! The directories of one run, as notebooks expect to find them.

use std::io;
use std::path::{Component, Path, PathBuf};

use rt_core::clock::ClockAnchor;

use crate::run_clock::local_timestamp;

/// How many seconds later than it is a run may call itself so that its directories are its own.
const LATEST_NAME_SECS: i64 = 60;

/// A part of the original system that had its own directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `client_main`: the car's services (log types 1, 2, 4).
    Client,
    /// `server_main`: the cloud's workers (log type 3).
    Server,
    /// `quic_client`: the car's transport (log types 5 to 8).
    QuicClient,
    /// `quic_server`: the cloud's transport (log types 7, 8).
    QuicServer,
}

impl Role {
    /// The roles of `turbo car`.
    pub const CAR: &'static [Self] = &[Self::Client, Self::QuicClient];
    /// The roles of `turbo cloud`.
    pub const CLOUD: &'static [Self] = &[Self::Server, Self::QuicServer];

    /// Every role.
    pub const ALL: [Self; 4] = [Self::Client, Self::Server, Self::QuicClient, Self::QuicServer];

    /// What its directories' names begin with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Client => "client_main",
            Self::Server => "server_main",
            Self::QuicClient => "quic_client",
            Self::QuicServer => "quic_server",
        }
    }
}

/// The subdirectories that hold the log files; configurable, with the original's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subdirs {
    /// Of [`Role::Client`].
    pub client: String,
    /// Of [`Role::Server`].
    pub server: String,
    /// Of [`Role::QuicClient`].
    pub quic_client: String,
    /// Of [`Role::QuicServer`].
    pub quic_server: String,
}

impl Default for Subdirs {
    fn default() -> Self {
        Self {
            client: "client".to_owned(),
            server: "server".to_owned(),
            quic_client: "quic-client-out".to_owned(),
            quic_server: "quic-server-out".to_owned(),
        }
    }
}

impl Subdirs {
    fn of(&self, role: Role) -> &str {
        match role {
            Role::Client => &self.client,
            Role::Server => &self.server,
            Role::QuicClient => &self.quic_client,
            Role::QuicServer => &self.quic_server,
        }
    }
}

/// Why a run has no directories.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// A subdirectory's name leads out of the run directory, or nowhere.
    #[error("log subdirectory {subdir:?} is not a relative path of plain names, such as \"client\"")]
    Subdir {
        /// The name.
        subdir: String,
    },
    /// The C library could not turn the start time into local time.
    #[error("no local time for Unix time {unix_secs} s")]
    Time {
        /// The time.
        unix_secs: i64,
    },
    /// The file system refused.
    #[error("cannot create {}: {source}; the experiment output directory must be writable", path.display())]
    Create {
        /// The directory or file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Other runs have taken this second's name and those of the next ones.
    #[error("{} exists, and so do the directories of the {LATEST_NAME_SECS} s after it; choose another experiment output directory", path.display())]
    Taken {
        /// The first directory that was tried.
        path: PathBuf,
    },
    /// A value of `run.yaml` cannot be written as YAML.
    #[error("cannot write {} as YAML: {reason}", path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// The serializer's words.
        reason: String,
    },
}

/// One role's directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    /// Whose.
    pub role: Role,
    /// `<output>/<role>_<timestamp>`; `run.yaml` lies here.
    pub run: PathBuf,
    /// The subdirectory with the log files.
    pub logs: PathBuf,
}

/// The directories of one process's run, all with one timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirs {
    timestamp: String,
    dirs: Vec<RunDir>,
}

impl RunDirs {
    /// Creates `<output_dir>/<role>_<timestamp>/<subdir>` for each role, and `output_dir` itself where it is missing.
    ///
    /// The timestamp is `started`, in local time as in the original. Where another run already has a directory of
    /// that name, all of this process's directories are named after the next free second: names keep their form, and
    /// no two runs share a directory (`run.yaml` has the true start).
    ///
    /// # Errors
    /// [`RunDirError`], which names the directory; nothing is left behind but empty parents.
    ///
    /// ```
    /// use rt_core::clock::ClockAnchor;
    /// use telemetry::run_dir::{Role, RunDirs, Subdirs};
    /// let output = tempfile::tempdir()?;
    /// let dirs = RunDirs::create(output.path(), ClockAnchor::now(), Role::CAR, &Subdirs::default())?;
    /// let expected = output.path().join(format!("client_main_{}", dirs.timestamp())).join("client");
    /// assert_eq!(dirs.logs(Role::Client), Some(expected.as_path()));
    /// assert!(expected.is_dir());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(
        output_dir: &Path,
        started: ClockAnchor,
        roles: &[Role],
        subdirs: &Subdirs,
    ) -> Result<Self, RunDirError> {
        for &role in roles {
            check_subdir(subdirs.of(role))?;
        }
        create_all(output_dir)?;
        let mut first_taken = None;
        for later in 0..=LATEST_NAME_SECS {
            let unix_secs = started.unix.seconds().saturating_add(later);
            let timestamp = local_timestamp(unix_secs).ok_or(RunDirError::Time { unix_secs })?;
            match claim(output_dir, &timestamp, roles, subdirs)? {
                Claim::Ours(dirs) => {
                    for dir in &dirs {
                        create_all(&dir.logs)?;
                    }
                    return Ok(Self { timestamp, dirs });
                }
                Claim::Taken(path) => {
                    first_taken.get_or_insert(path);
                }
            }
        }
        Err(RunDirError::Taken { path: first_taken.unwrap_or_else(|| output_dir.to_owned()) })
    }

    /// The timestamp in the directories' names.
    #[must_use]
    pub fn timestamp(&self) -> &str {
        &self.timestamp
    }

    /// Every role's directories.
    #[must_use]
    pub fn all(&self) -> &[RunDir] {
        &self.dirs
    }

    /// Where `role`'s log files go; `None` where this process does not have the role.
    #[must_use]
    pub fn logs(&self, role: Role) -> Option<&Path> {
        self.dirs.iter().find(|dir| dir.role == role).map(|dir| dir.logs.as_path())
    }

    /// `role`'s run directory.
    #[must_use]
    pub fn run(&self, role: Role) -> Option<&Path> {
        self.dirs.iter().find(|dir| dir.role == role).map(|dir| dir.run.as_path())
    }
}

enum Claim {
    Ours(Vec<RunDir>),
    Taken(PathBuf),
}

/// Creates every role's run directory under this timestamp, or none.
fn claim(output: &Path, timestamp: &str, roles: &[Role], subdirs: &Subdirs) -> Result<Claim, RunDirError> {
    let mut dirs: Vec<RunDir> = Vec::new();
    for &role in roles {
        let run = output.join(format!("{}_{timestamp}", role.prefix()));
        // `create_dir` fails on an existing directory, so two processes never believe the same one to be theirs.
        if let Err(source) = std::fs::create_dir(&run) {
            for dir in &dirs {
                // Empty and created a moment ago; where removing fails, an empty directory is all that stays.
                let _ = std::fs::remove_dir(&dir.run);
            }
            return match source.kind() {
                io::ErrorKind::AlreadyExists => Ok(Claim::Taken(run)),
                _ => Err(RunDirError::Create { path: run, source }),
            };
        }
        let logs = run.join(subdirs.of(role));
        dirs.push(RunDir { role, run, logs });
    }
    Ok(Claim::Ours(dirs))
}

fn create_all(path: &Path) -> Result<(), RunDirError> {
    std::fs::create_dir_all(path).map_err(|source| RunDirError::Create { path: path.to_owned(), source })
}

fn check_subdir(subdir: &str) -> Result<(), RunDirError> {
    let mut components = Path::new(subdir).components().peekable();
    let plain = components.peek().is_some() && components.all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(()) } else { Err(RunDirError::Subdir { subdir: subdir.to_owned() }) }
}

#[cfg(test)]
mod tests;
