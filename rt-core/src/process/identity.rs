//! Which process is meant, beyond its pid: pids are used again, so a process is its pid and the time it started.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
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
    /// For the cold path: it reads a file, where a [`super::watch::Watch`] is one system call.
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

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

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
    fn another_process_with_the_same_pid_is_not_it() {
        let own = ProcessId::own().expect("/proc");
        let earlier = ProcessId { start_ticks: own.start_ticks.wrapping_sub(1), ..own };
        assert!(!earlier.is_alive() && !crate::process::watch::Watch::new(earlier).is_alive());
    }
}
