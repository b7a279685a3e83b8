//! Whether a process has ended: one system call to ask, or a descriptor to wait on.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::identity::ProcessId;

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
        let end = process.is_alive().then(|| open_pidfd(process.pid())).flatten();
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

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use std::process::Command;

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
}
