//! Which process is meant, beyond its pid: pids are used again, so a process is its pid and the time it started.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

/// Pids are below 2²² on every Linux (`PID_MAX_LIMIT`), which leaves 42 bits of one word for the start time: 1,394
/// years of 100 ticks a second.
const PID_BITS: u32 = 22;

/// One process of this machine, told apart from every later process with the same pid.
///
/// ```
/// use rt_core::process::identity::ProcessId;
/// let own = ProcessId::own()?;
/// assert_eq!(own.pid(), std::process::id());
/// assert!(own.is_alive());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId {
    pid: u32,
    /// Field 22 of `/proc/PID/stat`: clock ticks after boot.
    start_ticks: u64,
}

impl ProcessId {
    /// This process.
    ///
    /// # Errors
    /// The kernel's, where `/proc` cannot be read.
    pub fn own() -> std::io::Result<Self> {
        Self::of(std::process::id())?.ok_or_else(|| std::io::Error::other("/proc/self/stat has no start time"))
    }

    /// The process that has this pid now; `None` where there is none, or only what its parent has yet to reap.
    ///
    /// # Errors
    /// The kernel's, where `/proc` cannot be read for another reason.
    pub fn of(pid: u32) -> std::io::Result<Option<Self>> {
        if pid == 0 {
            return Ok(None);
        }
        let mut path = heapless::String::<32>::new();
        if write!(path, "/proc/{pid}/stat").is_err() {
            return Ok(None);
        }
        let mut file = match File::open(path.as_str()) {
            // A process of another user may be hidden (`hidepid`) and still run; a signal of 0 only asks.
            // SAFETY: no memory is involved, and signal 0 is never delivered.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => unsafe {
                let gone = libc::kill(pid.cast_signed(), 0) == -1
                    && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH);
                return if gone { Ok(None) } else { Err(error) };
            },
            other => other?,
        };
        // Larger than the line can get up to field 22: 16 bytes of name, 19 numbers of 20 digits.
        let mut line = [0; 512];
        let read = match file.read(&mut line) {
            // The process ended between the two calls.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
            other => other?,
        };
        Ok(line.get(..read).and_then(parse_stat).map(|start_ticks| Self { pid, start_ticks }))
    }

    /// The pid.
    #[must_use]
    pub const fn pid(self) -> u32 {
        self.pid
    }

    /// Whether this very process still runs; "yes" where `/proc` does not tell, so that nobody is robbed who lives.
    /// For the cold path: it reads a file, where a [`Watch`] is one system call.
    #[must_use]
    pub fn is_alive(self) -> bool {
        Self::of(self.pid).map_or(true, |found| found == Some(self))
    }

    /// Both in one word that can be claimed in one step; never 0.
    pub(super) const fn pack(self) -> u64 {
        self.start_ticks << PID_BITS | (self.pid as u64 & ((1 << PID_BITS) - 1))
    }

    /// The inverse of [`ProcessId::pack`]; any other word names a process that does not exist.
    pub(super) const fn unpack(word: u64) -> Self {
        Self { pid: (word & ((1 << PID_BITS) - 1)) as u32, start_ticks: word >> PID_BITS }
    }
}

/// The start time in the text of `/proc/PID/stat`; `None` for a process that has ended and waits to be reaped.
fn parse_stat(line: &[u8]) -> Option<u64> {
    // The name stands in parentheses and may contain anything, parentheses too: only the last one ends it.
    let after_name = line.iter().rposition(|&byte| byte == b')')?;
    let mut fields = std::str::from_utf8(line.get(after_name + 1..)?).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    // The state is field 3, so field 22 is the 19th after it.
    fields.nth(18)?.parse().ok()
}

/// The pid and time namespaces this process lives in: pids and start times mean nothing outside them. 0 where the
/// kernel has none.
pub(super) fn namespaces() -> [u64; 2] {
    ["/proc/self/ns/pid", "/proc/self/ns/time"].map(|path| std::fs::metadata(path).map_or(0, |file| file.ino()))
}

/// A process watched for its end, through a pidfd: one system call to ask, and a descriptor that a reactor can wait on.
#[derive(Debug)]
pub struct Watch {
    process: ProcessId,
    /// `None` where the process had ended already, or where the kernel gives no pidfd.
    end: Option<OwnedFd>,
}

impl Watch {
    /// Watches `process`, which may have ended already.
    #[must_use]
    pub fn new(process: ProcessId) -> Self {
        let end = process.is_alive().then(|| open_pidfd(process.pid)).flatten();
        // The pid may have been used again before the pidfd was opened; it cannot be since.
        Self { process, end: end.filter(|_| process.is_alive()) }
    }

    /// Who is watched.
    #[must_use]
    pub const fn process(&self) -> ProcessId {
        self.process
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let Some(end) = &self.end else { return self.process.is_alive() };
        let mut poll = libc::pollfd { fd: end.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd; a time-out of 0 never blocks. A pidfd is readable once its process has ended.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 0 }
    }

    /// Readable once the process has ended, for a reactor; `None` where the kernel gave no pidfd.
    #[must_use]
    pub fn end(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(AsFd::as_fd)
    }
}

fn open_pidfd(pid: u32) -> Option<OwnedFd> {
    // SAFETY: the call takes two integers; a result that is not negative is a descriptor of our own.
    unsafe {
        let found = libc::syscall(libc::SYS_pidfd_open, pid as libc::pid_t, 0);
        i32::try_from(found).ok().filter(|&fd| fd >= 0).map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

/// What a process calls itself (`/proc/PID/comm`), at most 15 bytes; for messages to people only.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessName([u8; 16]);

impl ProcessName {
    /// This process's; empty where `/proc` does not tell.
    pub(super) fn own() -> Self {
        let mut name = [0; 16];
        if let Ok(text) = std::fs::read("/proc/self/comm") {
            name.iter_mut().zip(text).for_each(|(to, from)| *to = if from == b'\n' { 0 } else { from });
        }
        Self(name)
    }

    pub(super) fn to_words(self) -> [u64; 2] {
        zerocopy::transmute!(self.0)
    }

    pub(super) fn from_words(words: [u64; 2]) -> Self {
        Self(zerocopy::transmute!(words))
    }
}

impl std::fmt::Display for ProcessName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What stands in shared memory may be anything: only what prints is shown.
        self.0.iter().take_while(|&&byte| byte != 0).try_for_each(|&byte| {
            f.write_char(if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '?' })
        })
    }
}

impl std::fmt::Debug for ProcessName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_hide_the_start_time() {
        let line = b"7 (a) S (b) R 1 7 7 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 1 0 12345 999 1 18446744073709551615";
        assert_eq!(parse_stat(line), Some(12_345));
        assert_eq!(parse_stat(&line.map(|byte| if byte == b'R' { b'Z' } else { byte })), None, "a zombie has ended");
        assert_eq!(parse_stat(b"7 (a) R 1"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn an_identity_survives_the_word() {
        let own = ProcessId::own().expect("/proc");
        assert_eq!(ProcessId::unpack(own.pack()), own);
        assert_ne!(own.pack(), 0);
    }

    #[test]
    fn a_killed_process_is_seen_dead_before_and_after_it_is_reaped() {
        let mut child = Command::new("sleep").arg("1000").spawn().expect("sleep");
        let process = ProcessId::of(child.id()).expect("/proc").expect("it runs");
        let watch = Watch::new(process);
        assert!(watch.is_alive() && process.is_alive());
        child.kill().expect("SIGKILL");
        let end = watch.end().expect("a pidfd");
        let mut poll = [nix::poll::PollFd::new(end, nix::poll::PollFlags::POLLIN)];
        nix::poll::poll(&mut poll, nix::poll::PollTimeout::NONE).expect("poll");
        assert!(!watch.is_alive() && !process.is_alive() && !Watch::new(process).is_alive(), "not reaped yet");
        child.wait().expect("reaped");
        assert!(!watch.is_alive() && !process.is_alive() && !Watch::new(process).is_alive());
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_it() {
        let own = ProcessId::own().expect("/proc");
        let earlier = ProcessId { start_ticks: own.start_ticks.wrapping_sub(1), ..own };
        assert!(!earlier.is_alive() && !Watch::new(earlier).is_alive());
    }

    #[test]
    fn a_garbled_name_prints_harmlessly() {
        let name = ProcessName(*b"cam\x1b[31m\xffera\0\0\0\0");
        assert_eq!(name.to_string(), "cam?[31m?era");
    }
}
