//! Where a measuring thread or process sits: one core, real-time where that is granted.
//!
//! Ours and every peer get the same seats, so that no row is flattered by the scheduler.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc::sync_channel;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use rt_core::stop::StopToken;
use rt_core::threads::{Policy, Strictness, Thread, ThreadEnd, ThreadSpec, spawn};
use serde::Serialize;

use crate::error::{BenchError, Result};

/// Real-time priority of measured threads: above anything that an ordinary machine runs, below the kernel's watchdogs.
const PRIORITY: i32 = 50;

/// Which cores the two ends sit on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Both on one core.
    SameCore,
    /// Each on a core of its own.
    OtherCore,
}

impl std::fmt::Display for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::SameCore => "same_core",
            Self::OtherCore => "other_core",
        })
    }
}

/// The cores of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seats {
    /// Core of the end that calls and measures.
    pub client: usize,
    /// Core of the end that answers.
    pub server: usize,
}

impl Seats {
    /// The seats for `placement` among the cores that this process may use; `None` where there is only one core and
    /// two are asked for.
    #[must_use]
    pub fn among(cores: &[usize], placement: Placement) -> Option<Self> {
        let (&first, &last) = (cores.first()?, cores.last()?);
        match placement {
            // The last core, because the first one serves most interrupts.
            Placement::SameCore => Some(Self { client: last, server: last }),
            Placement::OtherCore => (first != last).then_some(Self { client: last, server: first }),
        }
    }
}

/// Cores that this process may use.
#[must_use]
pub fn usable_cores() -> Vec<usize> {
    let Ok(mask) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|&core| mask.is_set(core).unwrap_or(false)).collect()
}

/// Runs `body` on a thread of its own on `core`, real-time where that is granted.
///
/// # Errors
/// Where no thread can be had.
pub fn seated<F>(name: &str, core: usize, body: F) -> Result<Seated>
where
    F: FnOnce() -> std::result::Result<(), String> + Send + 'static,
{
    let spec = ThreadSpec { cores: vec![core], policy: Policy::Fifo { priority: PRIORITY }, ..ThreadSpec::named(name) };
    let thread = spawn(&spec, Strictness::BestEffort, &StopToken::default(), body);
    Ok(Seated(thread.map_err(|error| BenchError::Library { what: "a measuring thread", reason: error.to_string() })?))
}

/// A thread on its seat.
pub struct Seated(Thread);

impl Seated {
    /// Waits for its end.
    ///
    /// # Errors
    /// Why its body failed.
    pub fn join(self) -> std::result::Result<(), String> {
        match self.0.join() {
            (_, ThreadEnd::Done) => Ok(()),
            (_, ThreadEnd::Failed(reason)) => Err(reason),
            (name, end) => Err(format!("{name}: {end:?}")),
        }
    }
}

/// Seats the process that `command` will start on `core`, real-time where that is granted; what it starts inherits both.
pub fn seat_child(command: &mut Command, core: usize) {
    let mut mask = CpuSet::new();
    // A core beyond the set's size cannot have come from the process's own mask.
    let _ = mask.set(core);
    // SAFETY: between fork and exec only plain system calls are made; nothing allocates.
    unsafe {
        command.pre_exec(move || {
            nix::sched::sched_setaffinity(Pid::from_raw(0), &mask)?;
            let parameters = libc::sched_param { sched_priority: PRIORITY };
            // Refused without the privilege, as for the threads; `host.scheduling` says which it was.
            libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters);
            Ok(())
        });
    }
    bind_child(command);
}

/// Makes the process that `command` will start end with the thread that starts it.
pub fn bind_child(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only plain system calls are made; nothing allocates.
    unsafe { command.pre_exec(move || end_with(parent)) };
}

/// Makes the kernel end this process when the thread that started it ends.
fn end_with(parent: Pid) -> std::io::Result<()> {
    // SAFETY: a plain system call without pointers.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // The parent may have ended before the kernel was told to watch it.
    if nix::unistd::getppid() == parent { Ok(()) } else { Err(std::io::Error::from_raw_os_error(libc::ESRCH)) }
}

/// What a measuring thread is granted here, in words: "fifo 50", or "other" and why.
#[must_use]
pub fn scheduling() -> String {
    let Some(&core) = usable_cores().last() else { return "unknown".to_owned() };
    let (send, granted) = sync_channel(1);
    let seat = seated("seat", core, move || send.send(()).map_err(|error| error.to_string()));
    let _ = granted.recv();
    seat.map_or_else(
        |error| error.to_string(),
        |seat| {
            let granted = &seat.0.granted;
            let reasons = granted.differences.iter().map(|difference| format!(" ({difference})")).collect::<String>();
            format!("{}{reasons}", granted.policy)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_has_no_seats_for_two() {
        assert_eq!(Seats::among(&[3], Placement::OtherCore), None);
        assert_eq!(Seats::among(&[], Placement::SameCore), None);
        assert_eq!(Seats::among(&[3], Placement::SameCore), Some(Seats { client: 3, server: 3 }));
        assert_eq!(Seats::among(&[0, 1, 5], Placement::OtherCore), Some(Seats { client: 5, server: 0 }));
    }

    #[test]
    fn a_child_sits_where_it_was_put() {
        let core = *usable_cores().last().expect("at least one core");
        let mut command = Command::new("cat");
        command.arg("/proc/self/status");
        seat_child(&mut command, core);
        let output = command.output().expect("cat runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.starts_with("Cpus_allowed_list:")).expect("the mask");
        assert_eq!(line.split_whitespace().nth(1), Some(core.to_string().as_str()), "{text}");
    }

    #[test]
    fn a_body_that_fails_is_heard() {
        let core = *usable_cores().last().expect("at least one core");
        let seat = seated("failing", core, || Err("for a reason".into())).expect("a thread");
        assert_eq!(seat.join(), Err("for a reason".into()));
    }
}
