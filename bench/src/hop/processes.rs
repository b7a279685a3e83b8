//! A pair of this process and a child that answers.
//!
//! The child is this program again (`turbo-bench answer NAME WORDS…`), so that a peer needs no second program.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;

use super::{About, End, Pair, Plan, answer, measure};
use crate::error::{BenchError, Result};
use crate::seat::{Seats, seat_child, seated};

/// What a child needs to make its end: words of its command line, and open descriptors whose numbers follow them.
#[derive(Default)]
pub struct Inheritance {
    /// First words.
    pub words: Vec<String>,
    /// Descriptors that stay open in the child.
    pub descriptors: Vec<OwnedFd>,
}

/// A pair whose near end and inheritance are made by `make`; the child finds its function by `answers`
/// (see [`crate::peers::answer_as`]).
pub struct Processes<F> {
    /// What the table says of it.
    pub about: About,
    /// Name of the child's function.
    pub answers: &'static str,
    /// Makes a fresh near end (on its own thread) and the child's inheritance.
    pub make: F,
}

impl<F, A, MakeA> Pair for Processes<F>
where
    F: Fn() -> Result<(MakeA, Inheritance)>,
    A: End,
    MakeA: FnOnce() -> Result<A> + Send + 'static,
{
    fn about(&self) -> About {
        self.about
    }

    fn round(&self, plan: &Plan, seats: Seats) -> Result<Vec<u32>> {
        let (make_client, inheritance) = (self.make)()?;
        let plan = *plan;
        let (may_start, start) = sync_channel(1);
        let (made, is_made) = sync_channel(1);
        let (done, is_done) = sync_channel(1);
        let client = seated("bench-client", seats.client, move || {
            let result = make_client().and_then(|mut end| {
                let _ = made.send(());
                start.recv().map_err(|_| BenchError::Closed("the answering process could not be started".into()))?;
                measure(&mut end, &plan)
            });
            let _ = done.send(result);
            Ok(())
        })?;
        // The near end first: some peers' children look for what it makes. Where it fails, its error is taken below.
        let child = is_made.recv().ok().map(|()| Answering::start(self.answers, inheritance, seats.server)).transpose();
        if let Ok(Some(_)) = &child {
            let _ = may_start.send(());
        }
        drop(may_start);
        let joined = client.join();
        let samples = is_done.recv().unwrap_or_else(|_| Err(BenchError::Closed("no result".into())));
        let child = child?;
        joined.map_err(|reason| BenchError::Library { what: "the measuring thread", reason })?;
        let samples = samples?;
        if let Some(child) = child {
            child.finish()?;
        }
        Ok(samples)
    }
}

/// The child; killed where it has not ended by itself.
struct Answering {
    child: Child,
    words: Vec<String>,
}

impl Answering {
    /// Starts it and waits until its end stands.
    fn start(name: &str, inheritance: Inheritance, core: usize) -> Result<Self> {
        let program = std::env::current_exe().map_err(BenchError::system("the path of this program"))?;
        let mut words = vec!["answer".to_owned(), name.to_owned()];
        words.extend(inheritance.words);
        words.extend(inheritance.descriptors.iter().map(|descriptor| descriptor.as_raw_fd().to_string()));
        let mut command = Command::new(program);
        command.args(&words).stdin(Stdio::null()).stdout(Stdio::piped());
        seat_child(&mut command, core);
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
        let stdout = answering.child.stdout.take();
        let mut line = String::new();
        let read = stdout.map(|stdout| BufReader::new(stdout).read_line(&mut line));
        if line.trim() == READY {
            Ok(answering)
        } else {
            Err(answering.failed(format!("it never got ready: {read:?}")))
        }
    }

    fn finish(mut self) -> Result<()> {
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            status => Err(self.failed(format!("{status:?}"))),
        }
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

/// In the child: says that the end stands, then answers until told to stop.
///
/// # Errors
/// The end's.
pub fn serve<E: End>(mut end: E) -> Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{READY}").and_then(|()| stdout.flush()).map_err(BenchError::system("saying that it is ready"))?;
    answer(&mut end)
}

/// In the child: takes the descriptors named by the last words of its command line.
///
/// # Errors
/// [`BenchError::Usage`] where a word is not the number of an open descriptor.
pub fn inherited<const N: usize>(words: &[String]) -> Result<[OwnedFd; N]> {
    let wrong = || BenchError::Usage(format!("{words:?} does not end in {N} open descriptors"));
    let last = words.len().checked_sub(N).and_then(|from| words.get(from..)).ok_or_else(wrong)?;
    let descriptors = last.iter().map(|word| {
        // SAFETY: F_GETFD only asks; it fails on a number that is not open.
        let number = word.parse::<i32>().ok().filter(|&number| unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0);
        // SAFETY: the number is open and was passed to this process for this end, which is made once.
        number.map(|number| unsafe { OwnedFd::from_raw_fd(number) }).ok_or_else(wrong)
    });
    let descriptors: Vec<OwnedFd> = descriptors.collect::<Result<_>>()?;
    descriptors.try_into().map_err(|_| wrong())
}
