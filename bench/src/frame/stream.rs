//! The bytes through the kernel, between processes: a UNIX socket pair, a pipe, and a pipe whose writer lends its pages
//! (`vmsplice`) instead of copying them.

use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use memmap2::MmapMut;

use super::marks;
use crate::error::{BenchError, Result};
use crate::hop::{About, End, Inheritance, Pair, Processes, inherited, serve};

/// Rows.
pub const PIPE: &str = "pipe, processes";
pub const VMSPLICE: &str = "pipe with vmsplice, processes";
const SOCKET: &str = "UNIX socket pair, processes";

/// The child's name.
pub const ANSWERS: &str = "frame-stream";

/// The largest pipe that an unprivileged user may have.
const PIPE_BYTES: i32 = 1 << 20;

/// How the bytes are put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Copied into the kernel.
    Write,
    /// Lent to the kernel; they may not change until the other end has read them, which its answer tells.
    Lend,
}

struct FrameStream {
    inbox: File,
    out: File,
    how: How,
    /// Of its own, because lent bytes may not be read into; whole pages, which the kernel keeps as they are for the
    /// reader even after they have been unmapped here.
    outgoing: MmapMut,
    incoming: Vec<u8>,
}

impl FrameStream {
    fn new(inbox: OwnedFd, out: OwnedFd, how: How, bytes: usize) -> Result<Self> {
        let mut outgoing = MmapMut::map_anon(bytes).map_err(BenchError::system("mapping a frame"))?;
        outgoing.fill(1);
        Ok(Self { inbox: inbox.into(), out: out.into(), how, outgoing, incoming: vec![1; bytes] })
    }
}

impl End for FrameStream {
    fn send(&mut self, message: u64) -> Result<()> {
        marks::mark(&mut self.outgoing, message);
        if self.how == How::Write {
            return self.out.write_all(&self.outgoing).map_err(BenchError::system("writing a frame"));
        }
        let mut rest: &[u8] = &self.outgoing;
        while !rest.is_empty() {
            let part = [IoSlice::new(rest)];
            // SAFETY: an IoSlice is an iovec; it and its bytes live for the call, and the bytes stay as they are until
            // the other end has answered, hence has read them.
            let lent = unsafe { libc::vmsplice(self.out.as_raw_fd(), part.as_ptr().cast(), part.len(), 0) };
            let Ok(lent) = usize::try_from(lent) else {
                return Err(BenchError::system("lending a frame with vmsplice")(std::io::Error::last_os_error()));
            };
            rest = rest.get(lent..).unwrap_or_default();
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<u64> {
        self.inbox.read_exact(&mut self.incoming).map_err(BenchError::system("reading a frame"))?;
        marks::read(&self.incoming, self.incoming.len())
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let (from, to) = std::io::pipe().map_err(BenchError::system("pipe"))?;
    // Refused where the user has too many large pipes; the pipe then keeps its 64 KiB and is only slower.
    // SAFETY: a plain system call on an open descriptor.
    unsafe { libc::fcntl(to.as_fd().as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_BYTES) };
    Ok((from.into(), to.into()))
}

/// The three ways.
pub fn pairs(bytes: usize) -> Vec<Box<dyn Pair>> {
    let words = move |how: How| vec![format!("{how:?}"), bytes.to_string()];
    let pipes = |name, how: How| {
        let make = move || {
            let ((far_in, near_out), (near_in, far_out)) = (pipe()?, pipe()?);
            let near = move || FrameStream::new(near_in, near_out, how, bytes);
            Ok((near, Inheritance { words: words(how), descriptors: vec![far_in, far_out] }))
        };
        Box::new(Processes { about: About::processes(name, "block in read"), answers: ANSWERS, make }) as Box<dyn Pair>
    };
    let sockets = move || {
        let (near, far) = UnixStream::pair().map_err(BenchError::system("socketpair"))?;
        let twice = |socket: UnixStream| {
            let second = socket.try_clone().map_err(BenchError::system("duplicating a socket"))?;
            Ok::<_, BenchError>((OwnedFd::from(socket), OwnedFd::from(second)))
        };
        let ((near_in, near_out), (far_in, far_out)) = (twice(near)?, twice(far)?);
        let near = move || FrameStream::new(near_in, near_out, How::Write, bytes);
        Ok((near, Inheritance { words: words(How::Write), descriptors: vec![far_in, far_out] }))
    };
    vec![
        Box::new(Processes { about: About::processes(SOCKET, "block in read"), answers: ANSWERS, make: sockets }),
        pipes(PIPE, How::Write),
        pipes(VMSPLICE, How::Lend),
    ]
}

/// In the child.
///
/// # Errors
/// The stream's.
pub fn answer(words: &[String]) -> Result<()> {
    let wrong = || BenchError::Usage(format!("{words:?}: wanted Write or Lend, a size and two descriptors"));
    let how = match words.first().map(String::as_str) {
        Some("Write") => How::Write,
        Some("Lend") => How::Lend,
        _ => return Err(wrong()),
    };
    let bytes = words.get(1).and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let [inbox, out] = inherited(words)?;
    serve(FrameStream::new(inbox, out, how, bytes)?)
}
