//! The car's supervisor from outside: one thread of the running program is stopped, as a debugger would, and set free.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use program::{Program, turbo};

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Two cores carry one car at a time.
static MACHINE: Mutex<()> = Mutex::new(());

/// A car of one camera without a cloud, at work; `changes` are made to the demo's profile.
fn car(dir: &Path, changes: &[(&str, &str)]) -> Program {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut profile = std::fs::read_to_string(root.join("config/demo-car.yaml")).unwrap();
    for (old, new) in changes {
        assert!(profile.contains(old), "the profile has no {old:?}");
        profile = profile.replacen(old, new, 1);
    }
    std::fs::write(dir.join("car.yaml"), profile).unwrap();
    let mut command = turbo(dir);
    command.args(["car", "car.yaml", "--services", "1", "--fps", "1", "--output-dir", "runs", "--table"]);
    command.arg(root.join("config/tables/demo.yaml"));
    command.arg("--vehicle-model").arg(root.join("inference/models/turbo-edd0.onnx"));
    let mut car = Program::start(&mut command);
    car.wait_line("state: ready → running", PATIENCE);
    car
}

fn signal(car: &Program, signal: i32) {
    // SAFETY: a plain system call on a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(i32::try_from(car.id()).unwrap(), signal) }, 0);
}

/// One thread of the program, stopped until this is dropped.
struct Frozen(i32);

impl Frozen {
    /// Stops the thread `name`; `None` where this place does not let a parent trace its child.
    fn new(car: &Program, name: &str) -> Option<Self> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", car.id())).unwrap().flatten();
        let named = |task: &Path| std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name);
        let task = tasks.map(|task| task.path()).find(|task| named(task)).expect("the thread");
        let tid: i32 = task.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let none = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: requests without data on a thread of our own child, and a wait for it alone.
        unsafe {
            if libc::ptrace(libc::PTRACE_SEIZE, tid, none, none) != 0 {
                eprintln!("SKIPPED: a child cannot be traced here: {}", std::io::Error::last_os_error());
                return None;
            }
            assert_eq!(libc::ptrace(libc::PTRACE_INTERRUPT, tid, none, none), 0);
            assert_eq!(libc::waitpid(tid, std::ptr::null_mut(), libc::__WALL), tid);
        }
        Some(Self(tid))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let none = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: as in `new`; the thread is stopped, or gone, which is an error without consequence.
        unsafe { libc::ptrace(libc::PTRACE_DETACH, self.0, none, none) };
    }
}

#[test]
fn a_silent_thread_degrades_the_car_until_it_is_back() {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let entry = "  encoder:\n    heartbeat_ms: 2000\n    on_loss: degrade\n";
    let mut car = car(dir.path(), &[("  encoder:\n", entry)]);
    let Some(frozen) = Frozen::new(&car, "encoder-1") else { return };
    car.wait_line("state: running → degraded: encoder-1 missed its heartbeat (2.", PATIENCE);
    drop(frozen);
    car.wait_line("state: degraded → running: encoder-1 beats again", PATIENCE);
    signal(&car, libc::SIGINT);
    let run = car.wait(PATIENCE);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for line in ["state: running → draining: a signal came", "state: draining → off: done"] {
        assert!(run.stderr.contains(line), "{}", run.stderr);
    }
}

#[test]
fn a_silent_thread_that_the_car_cannot_do_without_ends_it_in_order() {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let mut car = car(dir.path(), &[("  capture:\n", "  capture:\n    heartbeat_ms: 2000\n    on_loss: fault\n")]);
    let Some(frozen) = Frozen::new(&car, "capture-1") else { return };
    car.wait_line("state: running → fault: capture-1 missed its heartbeat (2.", PATIENCE);
    // It ends when it is asked to, now that it can.
    drop(frozen);
    let run = car.wait(PATIENCE);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("turbo: capture-1 missed its heartbeat (2."), "{}", run.stderr);
    assert!(run.stdout.contains("decisions"), "the summary is there all the same: {}", run.stdout);
}

#[test]
fn a_car_that_was_stopped_as_a_whole_blames_no_thread() {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    // Five seconds for every thread; the process is stopped for longer.
    let mut car = car(dir.path(), &[]);
    signal(&car, libc::SIGSTOP);
    std::thread::sleep(Duration::from_secs(6));
    signal(&car, libc::SIGCONT);
    car.wait_line("state: running: nobody was watched for ", PATIENCE);
    signal(&car, libc::SIGINT);
    let run = car.wait(PATIENCE);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(!run.stderr.contains("missed its heartbeat"), "{}", run.stderr);
}
