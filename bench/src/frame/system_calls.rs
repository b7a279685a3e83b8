//! Counts the system calls of a child process, by name, by tracing it: no privilege, no kernel module, every call seen.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::error::{BenchError, Result};

/// Calls by name.
pub type Calls = BTreeMap<String, u64>;

/// Runs `command` to its end and counts the system calls of all its threads; also returns what it printed.
///
/// # Errors
/// Where tracing is not permitted, or the child fails.
pub fn of(mut command: Command) -> Result<(Calls, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    // SAFETY: between fork and exec only ptrace is called; nothing allocates.
    unsafe { command.pre_exec(|| ptrace::traceme().map_err(std::io::Error::from)) };
    let mut child = command.spawn().map_err(BenchError::system("starting a traced process"))?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let ended = follow(pid);
    if ended.is_err() {
        // Whatever went wrong, nobody is left stopped; a kill fails where it has ended, which is what is wanted.
        let _ = child.kill();
        let _ = child.wait();
    }
    let (calls, code) = ended.map_err(|error| BenchError::system("tracing a child process")(error.into()))?;
    let mut printed = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut printed).map_err(BenchError::system("reading what a traced process printed"))?;
    }
    if code != 0 {
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        return Err(BenchError::Child { words, reason: format!("traced, it ended with {code}") });
    }
    Ok((calls, printed))
}

/// Lets the child and every thread it starts run from system call to system call, to the end.
fn follow(child: Pid) -> nix::Result<(Calls, i32)> {
    let mut calls = Calls::new();
    // Stopped at its exec.
    waitpid(child, None)?;
    ptrace::setoptions(
        child,
        Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL,
    )?;
    ptrace::syscall(child, None)?;
    loop {
        let status = waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD))?;
        match status {
            WaitStatus::Exited(pid, code) if pid == child => return Ok((calls, code)),
            WaitStatus::Signaled(pid, signal, _) if pid == child => return Ok((calls, 128 + signal as i32)),
            WaitStatus::PtraceSyscall(pid) => {
                if let Some(number) = entered(pid) {
                    *calls.entry(name(number)).or_default() += 1;
                }
                go_on(pid, None)?;
            }
            // A new thread begins stopped; the signal is tracing's own.
            WaitStatus::Stopped(pid, Signal::SIGSTOP | Signal::SIGTRAP) | WaitStatus::PtraceEvent(pid, ..) => {
                go_on(pid, None)?;
            }
            WaitStatus::Stopped(pid, signal) => go_on(pid, signal)?,
            _ => {}
        }
    }
}

/// A thread may be gone by the time it is told to go on.
fn go_on(pid: Pid, signal: impl Into<Option<Signal>>) -> nix::Result<()> {
    match ptrace::syscall(pid, signal) {
        Err(nix::Error::ESRCH) => Ok(()),
        result => result,
    }
}

/// The number of the call that `pid` stands at the beginning of.
fn entered(pid: Pid) -> Option<u64> {
    let info = ptrace::syscall_info(pid).ok()?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: the kernel says by `op` which member of the union it has filled.
    Some(unsafe { info.u.entry.nr })
}

/// Names of the calls that a hand-over could make; any other by its number.
fn name(number: u64) -> String {
    let known = [
        (libc::SYS_futex, "futex"),
        (libc::SYS_clock_nanosleep, "clock_nanosleep"),
        (libc::SYS_read, "read"),
        (libc::SYS_write, "write"),
        (libc::SYS_mmap, "mmap"),
        (libc::SYS_munmap, "munmap"),
        (libc::SYS_mprotect, "mprotect"),
        (libc::SYS_madvise, "madvise"),
        (libc::SYS_brk, "brk"),
        (libc::SYS_sched_yield, "sched_yield"),
        (libc::SYS_getpid, "getpid"),
    ];
    let found = known.into_iter().find(|&(known, _)| u64::try_from(known) == Ok(number));
    found.map_or_else(|| format!("number {number}"), |(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<(Calls, String)> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        of(command)
    }

    #[test]
    fn what_a_child_calls_is_counted_and_what_it_prints_is_kept() {
        let counted = |script| match shell(script) {
            Ok(counted) => Some(counted),
            Err(error) => {
                eprintln!("SKIPPED: tracing is not permitted here: {error}");
                None
            }
        };
        let (Some((one, printed)), Some((three, _))) = (counted("echo 1"), counted("echo 1; echo 2; echo 3")) else {
            return;
        };
        assert_eq!(printed, "1\n");
        let writes = |calls: &Calls| calls.get("write").copied().unwrap_or(0);
        assert_eq!(writes(&three) - writes(&one), 2, "{one:?} {three:?}");
    }

    #[test]
    fn a_child_that_fails_is_an_error() {
        assert!(shell("exit 3").is_err());
    }
}
