//! The peers that are Python programs, as the prototype is: their environment, made by the bench's own script, and the
//! pairs of two such programs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::error::{BenchError, Result};
use crate::hop::{About, Pair, Plan};
use crate::seat::{Seats, seat_child};

/// The script that makes the environment, what it installs, and the peers, embedded so that the program runs anywhere.
const SETUP: (&str, &str) = ("setup.sh", include_str!("../../python/setup.sh"));
const REQUIREMENTS: (&str, &str) = ("requirements.txt", include_str!("../../python/requirements.txt"));
const PROGRAMS: [(&str, &str); 5] = [
    ("allocate_cbc.py", include_str!("../../python/allocate_cbc.py")),
    ("hop_zmq.py", include_str!("../../python/hop_zmq.py")),
    ("hop_grpc.py", include_str!("../../python/hop_grpc.py")),
    ("frame_zmq.py", include_str!("../../python/frame_zmq.py")),
    ("frame_prototype.py", include_str!("../../python/frame_prototype.py")),
];

/// The environment, and the programs beside it.
pub struct Environment {
    python: PathBuf,
    programs: PathBuf,
}

impl Environment {
    /// The environment of this process, made where it is missing: once, in the user's cache.
    ///
    /// # Errors
    /// [`BenchError::Python`] with the reason: no Python, no `venv` module, or no way to the package index.
    pub fn get() -> Result<&'static Self> {
        static ENVIRONMENT: OnceLock<std::result::Result<Environment, String>> = OnceLock::new();
        let made = ENVIRONMENT.get_or_init(|| Self::make().map_err(|error| error.to_string()));
        made.as_ref().map_err(|reason| BenchError::Python(reason.clone()))
    }

    fn make() -> Result<Self> {
        let folder = cache()?;
        let programs = folder.join("programs");
        std::fs::create_dir_all(&programs).map_err(BenchError::system(format!("making {}", programs.display())))?;
        for (name, text) in [SETUP, REQUIREMENTS].iter().chain(&PROGRAMS) {
            let path = programs.join(name);
            std::fs::write(&path, text).map_err(BenchError::system(format!("writing {}", path.display())))?;
        }
        let environment = folder.join("venv");
        let installed = std::fs::read_to_string(environment.join(REQUIREMENTS.0));
        if installed.is_ok_and(|installed| installed == REQUIREMENTS.1) {
            return Ok(Self { python: environment.join("bin/python"), programs });
        }
        eprintln!("making a Python environment for the peers in {}", environment.display());
        let setup = Command::new("sh")
            .arg(programs.join(SETUP.0))
            .arg(&environment)
            .arg(programs.join(REQUIREMENTS.0))
            .stdin(Stdio::null())
            .output()
            .map_err(BenchError::system("starting sh"))?;
        if setup.status.success() {
            return Ok(Self { python: environment.join("bin/python"), programs });
        }
        let said = String::from_utf8_lossy(&setup.stderr).into_owned();
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned();
        Err(BenchError::Library { what: "the script that makes the Python environment", reason: last })
    }

    /// A program of the environment on `core`.
    #[must_use]
    pub fn program(&self, name: &str, core: usize) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(self.programs.join(name)).stdin(Stdio::null()).stdout(Stdio::piped());
        seat_child(&mut command, core);
        command
    }
}

fn cache() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache
        .map(|cache| cache.join("turbo-bench"))
        .ok_or_else(|| BenchError::Python("neither XDG_CACHE_HOME nor HOME says where to put it".to_owned()))
}

/// A Python process; killed where it has not ended by itself.
pub struct Program {
    child: Child,
    words: Vec<String>,
}

impl Program {
    /// Starts it.
    ///
    /// # Errors
    /// The system's.
    pub fn start(mut command: Command) -> Result<Self> {
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let child = command.spawn().map_err(BenchError::system(format!("starting {words:?}")))?;
        Ok(Self { child, words })
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// [`BenchError::Child`] where it ends instead.
    pub fn ready(&mut self) -> Result<()> {
        let mut line = String::new();
        let read = self.child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        if line.trim() == "ready" { Ok(()) } else { Err(self.failed(format!("it never got ready: {read:?}"))) }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`BenchError::Child`] where that is not success.
    pub fn finish(mut self) -> Result<()> {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            status => Err(self.failed(format!("{status:?}"))),
        }
    }

    fn failed(&self, reason: String) -> BenchError {
        BenchError::Child { words: self.words.clone(), reason }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail where it has ended and been waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Latencies as a program wrote them: native 32-bit nanoseconds.
///
/// # Errors
/// [`BenchError::Samples`] where there are not as many as asked for.
pub fn read_samples(path: &Path, wanted: usize) -> Result<Vec<u32>> {
    let bytes = std::fs::read(path).map_err(BenchError::system(format!("reading {}", path.display())))?;
    let (words, rest) = bytes.as_chunks::<4>();
    if words.len() != wanted || !rest.is_empty() {
        return Err(BenchError::Samples { path: path.to_owned(), got: words.len(), wanted });
    }
    Ok(words.iter().map(|&word| u32::from_ne_bytes(word)).collect())
}

/// Where two programs meet.
#[derive(Clone, Copy, Debug)]
pub enum Address {
    /// A UNIX socket in a fresh folder, behind this scheme.
    Socket(&'static str),
    /// A fresh folder in shared memory.
    Folder,
}

impl Address {
    /// The folder, which is removed when dropped, and the address in it.
    fn fresh(self) -> Result<(tempfile::TempDir, String)> {
        let (folder, scheme) = match self {
            Self::Socket(scheme) => (tempfile::tempdir(), Some(scheme)),
            Self::Folder => (tempfile::tempdir_in("/dev/shm"), None),
        };
        let folder = folder.map_err(BenchError::system("a temporary folder"))?;
        let address = scheme.map_or_else(
            || folder.path().display().to_string(),
            |scheme| format!("{scheme}{}", folder.path().join("socket").display()),
        );
        Ok((folder, address))
    }
}

/// A pair of two processes of one program: `serve ADDRESS [BYTES]` and `call ADDRESS [BYTES] WARM_UP CALLS FILE`.
pub struct PythonPair {
    /// What the table says of it.
    pub about: About,
    /// The program of both processes.
    pub program: &'static str,
    /// Where they meet.
    pub address: Address,
    /// Bytes of a message, where the program can be told.
    pub bytes: Option<usize>,
}

impl Pair for PythonPair {
    fn about(&self) -> About {
        self.about
    }

    fn round(&self, plan: &Plan, seats: Seats) -> Result<Vec<u32>> {
        let environment = Environment::get()?;
        let (folder, address) = self.address.fresh()?;
        let samples = folder.path().join("samples");
        let bytes = self.bytes.map(|bytes| bytes.to_string());
        let mut serve = environment.program(self.program, seats.server);
        serve.arg("serve").arg(&address).args(&bytes);
        let mut server = Program::start(serve)?;
        server.ready()?;
        let mut call = environment.program(self.program, seats.client);
        call.arg("call").arg(&address).args(&bytes);
        call.args([plan.warm_up.to_string(), plan.calls.to_string()]).arg(&samples);
        Program::start(call)?.finish()?;
        server.finish()?;
        read_samples(&samples, plan.calls)
    }
}

/// ZeroMQ and gRPC.
#[must_use]
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let pair = |name, wait, program, scheme| {
        let about = About::processes(name, wait).slow();
        Box::new(PythonPair { about, program, address: Address::Socket(scheme), bytes: None }) as Box<dyn Pair>
    };
    vec![
        pair("ZeroMQ REQ/REP, Python", "block in recv", "hop_zmq.py", "ipc://"),
        pair("gRPC over a UNIX socket, Python", "block in the call", "hop_grpc.py", "unix:"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_too_few_samples_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("samples");
        std::fs::write(&path, [7_u32.to_ne_bytes(), 9_u32.to_ne_bytes()].concat()).expect("written");
        assert_eq!(read_samples(&path, 2).expect("two"), [7, 9]);
        assert!(matches!(read_samples(&path, 3), Err(BenchError::Samples { got: 2, wanted: 3, .. })));
    }
}
