//! Lines for people, on standard output and standard error. Whoever drives says them and goes on: a reader that is gone or
//! does not read, a full disk behind a redirection and a terminal that was closed or stopped cost the lines and nothing
//! else. (`println!` and `eprintln!` panic where a write fails, and wait where nobody reads.)

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What a pipe takes at once as soon as it takes anything: a page.
const AT_ONCE_BYTES: usize = 4096;

/// A descriptor that is written to where that does not wait; what would wait is left out.
///
/// ```
/// use std::io::Write;
/// use telemetry::console::Unhindered;
/// let (_nobody_reads, pipe) = std::io::pipe()?;
/// let mut out = Unhindered(pipe);
/// for _ in 0..10_000 {
///     out.write_all(b"a line that a full pipe would make wait\n")?;
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Unhindered<T>(pub T);

impl<T: AsFd> Write for Unhindered<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() || !takes(self.0.as_fd()) {
            return Ok(bytes.len());
        }
        match nix::unistd::write(self.0.as_fd(), piece(bytes)) {
            Ok(written) => Ok(written),
            Err(Errno::EAGAIN) => Ok(bytes.len()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says `line` on standard error.
pub fn say(line: &str) {
    // Where it cannot be said, there is nobody to tell.
    let _ = Unhindered(io::stderr()).write_all(format!("{line}\n").as_bytes());
}

/// Says a line on standard error as [`console::say`](crate::console::say) does, from the arguments of `format!`.
#[macro_export]
macro_rules! say {
    ($($arg:tt)*) => { $crate::console::say(&format!($($arg)*)) };
}

/// Whether a write would not wait; where it would fail, that is found out by writing.
fn takes(descriptor: BorrowedFd<'_>) -> bool {
    let mut asked = [PollFd::new(descriptor, PollFlags::POLLOUT)];
    let answered = poll(&mut asked, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
    answered && asked.iter().any(|asked| asked.any().unwrap_or(true))
}

/// As many whole lines as are written at once, or else as much of one.
fn piece(bytes: &[u8]) -> &[u8] {
    let most = bytes.get(..AT_ONCE_BYTES).unwrap_or(bytes);
    if most.len() == bytes.len() {
        return bytes;
    }
    let lines = most.iter().rposition(|byte| *byte == b'\n').map_or(most.len(), |end| end + 1);
    most.get(..lines).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Read;

    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_takes_what_it_holds_and_nothing_waits() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut out = Unhindered(writer);
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..10_000 {
            out.write_all(line.as_bytes()).unwrap();
        }
        drop(out);
        let mut held = String::new();
        reader.read_to_string(&mut held).unwrap();
        assert!(held.len() >= AT_ONCE_BYTES && held.len() < 1_000_000, "{}", held.len());
        assert!(held.lines().all(|held| held == line.trim_end()), "lines are whole");
    }

    #[test]
    fn a_reader_that_is_gone_and_a_full_disk_are_errors_and_no_panic() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        assert_eq!(Unhindered(writer).write_all(b"x\n").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(Unhindered(full).write_all(b"x\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn long_texts_are_written_in_whole_lines() {
        let text = "a line\n".repeat(2000);
        assert_eq!(piece(text.as_bytes()).len(), AT_ONCE_BYTES / 7 * 7);
        assert_eq!(piece("y".repeat(9000).as_bytes()).len(), AT_ONCE_BYTES);
        assert_eq!(piece(b"short"), b"short");
    }
}
