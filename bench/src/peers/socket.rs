//! A UNIX socket pair: the FlashCam measurement's own baseline.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::stream::Stream;
use crate::error::{BenchError, Result};
use crate::hop::{About, Inheritance, Pair, Processes, Threads, inherited, serve};

/// Row between threads.
pub const THREADS: &str = "UNIX socket pair, threads";

/// The child's name.
pub const ANSWERS: &str = "socket-pair";

fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (near, far) = UnixStream::pair().map_err(BenchError::system("socketpair"))?;
    Ok((near.into(), far.into()))
}

/// An end on one socket: one descriptor to read from, its duplicate to write to.
fn end(socket: OwnedFd) -> Result<Stream> {
    let out = socket.try_clone().map_err(BenchError::system("duplicating a socket"))?;
    Ok(Stream::new(socket, out))
}

/// Between threads, and between processes as in the FlashCam measurement.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let threads = || {
        let (near, far) = pair()?;
        Ok((move || end(near), move || end(far)))
    };
    let processes = || {
        let (near, far) = pair()?;
        Ok((move || end(near), Inheritance { words: Vec::new(), descriptors: vec![far] }))
    };
    vec![
        Box::new(Threads { about: About::threads(THREADS, "block in read"), make: threads }),
        Box::new(Processes {
            about: About::processes("UNIX socket pair, processes", "block in read"),
            answers: ANSWERS,
            make: processes,
        }),
    ]
}

/// In the child.
///
/// # Errors
/// The socket's.
pub fn answer(words: &[String]) -> Result<()> {
    let [socket] = inherited(words)?;
    serve(end(socket)?)
}
