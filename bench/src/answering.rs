//! A child process that answers: this program again (`answer NAME WORDS…`), so that a peer needs no second program.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::error::{BenchError, Result};
use crate::seat::{bind_child, seat_child};

/// What a child needs to make its end: words of its command line, and open descriptors whose numbers follow them.
#[derive(Default)]
pub struct Inheritance {
    /// First words.
    pub words: Vec<String>,
    /// Descriptors that stay open in the child.
    pub descriptors: Vec<OwnedFd>,
}

/// The child; killed where it has not ended by itself.
pub struct Answering {
    child: Child,
    words: Vec<String>,
}

impl Answering {
    /// Starts it, on `core` where one is given, and waits until its end stands.
    ///
    /// # Errors
    /// [`BenchError::Child`] where it ends instead.
    pub fn start(name: &str, inheritance: Inheritance, core: Option<usize>) -> Result<Self> {
        let program = std::env::current_exe().map_err(BenchError::system("the path of this program"))?;
        let mut words = vec!["answer".to_owned(), name.to_owned()];
        words.extend(inheritance.words);
        words.extend(inheritance.descriptors.iter().map(|descriptor| descriptor.as_raw_fd().to_string()));
        let mut command = Command::new(program);
        command.args(&words).stdin(Stdio::null()).stdout(Stdio::piped());
        match core {
            Some(core) => seat_child(&mut command, core),
            None => bind_child(&mut command),
        }
        let open: Vec<i32> = inheritance.descriptors.iter().map(AsRawFd::as_raw_fd).collect();
        // SAFETY: between fork and exec only fcntl is called; nothing allocates.
        unsafe {
            command.pre_exec(move || {
                for &descriptor in &open {
                    if libc::fcntl(descriptor, libc::F_SETFD, 0) != 0 {
                        return Err(std::io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
        let child = command.spawn().map_err(BenchError::system(format!("starting {words:?}")))?;
        let mut answering = Self { child, words };
        let mut line = String::new();
        let stdout = answering.child.stdout.take();
        let read = stdout.map(|stdout| BufReader::new(stdout).read_line(&mut line));
        if line.trim() == READY {
            Ok(answering)
        } else {
            let reason = format!("it never got ready ({read:?}); {:?}", answering.child.wait());
            Err(answering.failed(reason))
        }
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

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn failed(&self, reason: String) -> BenchError {
        BenchError::Child { words: self.words.clone(), reason }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // Both fail where it has ended and been waited for, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const READY: &str = "ready";

/// In the child: says that its end stands.
///
/// # Errors
/// Where nobody listens any more.
pub fn say_ready() -> Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{READY}").and_then(|()| stdout.flush()).map_err(BenchError::system("saying that it is ready"))
}
