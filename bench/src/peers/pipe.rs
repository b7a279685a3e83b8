//! Two pipes, one for each direction.

use std::os::fd::OwnedFd;

use super::stream::Stream;
use crate::error::{BenchError, Result};
use crate::hop::{About, Inheritance, Pair, Processes, Threads, inherited, serve};

/// The child's name.
pub const ANSWERS: &str = "pipe";

struct Pipes {
    near_in: OwnedFd,
    near_out: OwnedFd,
    far_in: OwnedFd,
    far_out: OwnedFd,
}

fn pipes() -> Result<Pipes> {
    let pipe = || std::io::pipe().map_err(BenchError::system("pipe"));
    let ((far_in, near_out), (near_in, far_out)) = (pipe()?, pipe()?);
    Ok(Pipes { near_in: near_in.into(), near_out: near_out.into(), far_in: far_in.into(), far_out: far_out.into() })
}

/// Between threads and between processes.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let threads = || {
        let Pipes { near_in, near_out, far_in, far_out } = pipes()?;
        Ok((move || Ok(Stream::new(near_in, near_out)), move || Ok(Stream::new(far_in, far_out))))
    };
    let processes = || {
        let Pipes { near_in, near_out, far_in, far_out } = pipes()?;
        let inheritance = Inheritance { words: Vec::new(), descriptors: vec![far_in, far_out] };
        Ok((move || Ok(Stream::new(near_in, near_out)), inheritance))
    };
    vec![
        Box::new(Threads { about: About::threads("pipe, threads", "block in read"), make: threads }),
        Box::new(Processes {
            about: About::processes("pipe, processes", "block in read"),
            answers: ANSWERS,
            make: processes,
        }),
    ]
}

/// In the child.
///
/// # Errors
/// The pipes'.
pub fn answer(words: &[String]) -> Result<()> {
    let [inbox, out] = inherited(words)?;
    serve(Stream::new(inbox, out))
}
