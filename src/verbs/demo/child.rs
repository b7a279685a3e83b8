//! A child process that does not outlive this one.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

use crate::failure::Failure;

/// A running `turbo` verb; killed when dropped.
pub struct Child {
    process: std::process::Child,
    ended: Option<ExitStatus>,
}

impl Child {
    /// Starts this program with `words`. With `quiet`, it prints nothing itself: what it says on stderr is in there
    /// afterwards.
    ///
    /// The kernel ends the child when the thread that calls this ends, so call it from the main thread.
    ///
    /// # Errors
    /// [`Failure::Run`] where the system starts no process.
    pub fn start(words: &[OsString], quiet: Option<&mut Option<ChildStderr>>) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| Failure::Run(format!("who am I? {error}")))?;
        let mut command = Command::new(&program);
        command.args(words).stdin(Stdio::null());
        if quiet.is_some() {
            command.stdout(Stdio::null()).stderr(Stdio::piped());
        }
        let parent = getpid();
        // SAFETY: between fork and exec only async-signal-safe calls are made (prctl, getppid), nothing allocates.
        unsafe { command.pre_exec(move || end_with(parent)) };
        let mut process = command
            .spawn()
            .map_err(|error| Failure::Run(format!("cannot start {} {words:?}: {error}", program.display())))?;
        if let Some(quiet) = quiet {
            *quiet = process.stderr.take();
        }
        Ok(Self { process, ended: None })
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.process.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Asks it to end.
    pub fn terminate(&mut self) {
        let pid = i32::try_from(self.process.id()).ok();
        if let (None, Some(pid)) = (self.ended(), pid) {
            // It may have ended by itself since; it has not been waited for, so the number is still its own.
            let _ = nix::sys::signal::kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }

    /// Ends it at once and waits for that.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _ = self.process.kill();
            self.ended = self.process.wait().ok();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

fn end_with(parent: Pid) -> std::io::Result<()> {
    // SAFETY: a plain system call without pointers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // The parent may have ended before the kernel was told to watch it.
    if getppid() == parent { Ok(()) } else { Err(std::io::Error::from_raw_os_error(libc::ESRCH)) }
}
