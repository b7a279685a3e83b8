//! Processor time of threads and processes, user and system together, by the kernel's own count in nanoseconds: what a
//! thread costs does not depend on who else uses the machine, as the time it takes does.

use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::time::ClockId;
use nix::unistd::Pid;

use crate::error::{BenchError, Result};

/// The processor time of one thread or one process.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock(ClockId);

impl CpuClock {
    /// That of a process, all its threads together; its own or that of one of its user's.
    ///
    /// # Errors
    /// Where there is no such process.
    pub fn of_process(pid: u32) -> Result<Self> {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX));
        let clock = ClockId::pid_cpu_clock_id(pid).map_err(|error| refused(error.into()))?;
        Ok(Self(clock))
    }

    /// That of a thread, readable until it has ended.
    ///
    /// # Errors
    /// Where it has ended already.
    pub fn of_thread<T>(thread: &JoinHandle<T>) -> Result<Self> {
        let mut clock = 0;
        // SAFETY: the handle has not been joined or detached, so its pthread identifier is valid; `clock` is written.
        let error = unsafe { libc::pthread_getcpuclockid(thread.as_pthread_t(), &raw mut clock) };
        if error != 0 {
            return Err(refused(std::io::Error::from_raw_os_error(error)));
        }
        Ok(Self(ClockId::from_raw(clock)))
    }

    /// How much it has used so far.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn time(self) -> Result<Duration> {
        self.0.now().map(Duration::from).map_err(|error| refused(error.into()))
    }
}

fn refused(error: std::io::Error) -> BenchError {
    BenchError::system("reading processor time")(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_threads_time_is_its_own_and_part_of_its_processes() {
        let (work, told) = sync_channel::<()>(1);
        let (done, worked) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            while told.recv().is_ok() {
                let end = std::time::Duration::from_millis(30);
                let start = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
                let begun = Duration::from(start.now().expect("the thread's clock"));
                while Duration::from(start.now().expect("the thread's clock")) - begun < end {}
                done.send(()).expect("heard");
            }
        });
        let clock = CpuClock::of_thread(&thread).expect("its clock");
        let process = CpuClock::of_process(std::process::id()).expect("the process's clock");
        let (before, all_before) = (clock.time().expect("time"), process.time().expect("time"));
        work.send(()).expect("heard");
        worked.recv().expect("done");
        let (after, all_after) = (clock.time().expect("time"), process.time().expect("time"));
        assert!(after - before >= Duration::from_millis(30), "{before:?} {after:?}");
        assert!(all_after - all_before >= Duration::from_millis(30), "{all_before:?} {all_after:?}");
        drop(work);
        thread.join().expect("it ends");
    }
}
