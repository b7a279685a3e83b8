//! Runs the program as a user would, and looks at what it starts and leaves behind.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rt_core::clock::Monotonic;

/// More lines than any test makes a program print, so that it is never kept waiting.
const LINES: usize = 100_000;

/// The program under test, in `dir`.
pub fn turbo(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turbo"));
    command.current_dir(dir);
    command
}

/// A running program whose output is read all the while.
pub struct Program {
    child: Option<Child>,
    lines: Receiver<String>,
    seen: String,
    stdout: Option<JoinHandle<String>>,
}

/// What a program left.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("the program starts");
        let (send, lines) = sync_channel(LINES);
        let stderr = child.stderr.take().expect("a pipe");
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let mut pipe = child.stdout.take().expect("a pipe");
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).expect("text");
            text
        });
        Self { child: Some(child), lines, seen: String::new(), stdout: Some(stdout) }
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Waits for the next line on stderr that holds `text`, and gives it.
    pub fn wait_line(&mut self, text: &str, patience: Duration) -> String {
        let end = Monotonic::now().plus(patience);
        loop {
            let left = end.saturating_since(Monotonic::now());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("no line with {text:?} in:\n{}", self.seen) };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for its end, which closes its outputs; kills it and fails after `patience`.
    pub fn wait(mut self, patience: Duration) -> Ended {
        let end = Monotonic::now().plus(patience);
        let mut child = self.child.take().expect("running");
        let code = loop {
            if let Some(status) = child.try_wait().expect("a child") {
                break status.code();
            }
            if Monotonic::now() >= end {
                let _ = child.kill();
                let _ = child.wait();
                panic!(
                    "it did not end within {patience:?}:\n{}{}",
                    self.seen,
                    self.lines.try_iter().collect::<String>()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let stdout = self.stdout.take().expect("once").join().expect("read");
        for line in self.lines.iter() {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        Ended { code, stdout, stderr: std::mem::take(&mut self.seen) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A child process of the program.
#[derive(Debug)]
pub struct ChildProcess {
    pub pid: i32,
    /// Its first argument.
    pub verb: String,
}

/// The children of `parent` now.
pub fn children_of(parent: u32) -> Vec<ChildProcess> {
    let pids = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let child = |pid: &str| {
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        Some(ChildProcess { pid: pid.parse().ok()?, verb: words.split('\0').nth(1)?.to_owned() })
    };
    pids.split_whitespace().filter_map(child).collect()
}

/// Every file below `dir`.
pub fn files_under(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(files_under(&path)) } else { files.push(path) }
    }
    files
}
