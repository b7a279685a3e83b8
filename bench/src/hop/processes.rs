//! A pair of this process and a child that answers.
//!
//! The child is this program again (`turbo-bench answer NAME WORDS…`), so that a peer needs no second program.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::mpsc::sync_channel;

use super::{About, End, Pair, Plan, answer, measure};
use crate::answering::{Answering, Inheritance, say_ready};
use crate::error::{BenchError, Result};
use crate::seat::{Seats, seated};

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
        let child =
            is_made.recv().ok().map(|()| Answering::start(self.answers, inheritance, Some(seats.server))).transpose();
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

/// In the child: says that the end stands, then answers until told to stop.
///
/// # Errors
/// The end's.
pub fn serve<E: End>(mut end: E) -> Result<()> {
    say_ready()?;
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
