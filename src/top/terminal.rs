//! The terminal while it is drawn on: raw, on its other screen, and afterwards as it was.

use std::io::{IsTerminal, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::failure::Failure;

/// The other screen (xterm), without a cursor, and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// To the top, and from there everything anew; without wrapping a narrow screen cuts lines.
const BEGIN: &str = "\x1b[?7l\x1b[H";
const END: &str = "\x1b[J\x1b[?7h";
const CTRL_C: u8 = 3;
const ESCAPE: u8 = 27;

/// What a key means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `q` or Ctrl-C.
    Quit,
    /// Up, or `k`.
    Up,
    /// Down, or `j`.
    Down,
    /// Any other.
    Other,
}

/// Columns and lines.
pub type Size = (usize, usize);

/// The terminal; dropping this gives it back as it was.
pub struct Terminal {
    before: libc::termios,
    keys: Vec<u8>,
}

impl Terminal {
    /// Takes the terminal that is standard input and output.
    ///
    /// # Errors
    /// [`Failure::Usage`] where they are none.
    pub fn take() -> Result<Self, Failure> {
        if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
            return Err(Failure::Usage(
                "standard input and output are no terminal to draw on; turbo top --once prints one snapshot anywhere"
                    .to_owned(),
            ));
        }
        let failed = || Failure::Run(format!("terminal: {}", std::io::Error::last_os_error()));
        let mut now = MaybeUninit::<libc::termios>::uninit();
        // SAFETY: `now` is writable and of the right type; standard input is open.
        if unsafe { libc::tcgetattr(libc::STDIN_FILENO, now.as_mut_ptr()) } != 0 {
            return Err(failed());
        }
        // SAFETY: tcgetattr has filled it.
        let before = unsafe { now.assume_init() };
        let mut raw = before;
        // SAFETY: `raw` is a termios of the terminal's own.
        unsafe { libc::cfmakeraw(&raw mut raw) };
        // SAFETY: as above; nothing is kept.
        if unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const raw) } != 0 {
            return Err(failed());
        }
        let taken = Self { before, keys: Vec::new() };
        write(ENTER)?;
        Ok(taken)
    }

    /// Columns and lines.
    ///
    /// # Errors
    /// [`Failure::Run`] where the terminal has gone.
    pub fn size(&self) -> Result<Size, Failure> {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCGWINSZ writes a winsize, which `size` is.
        if unsafe { libc::ioctl(std::io::stdout().as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) } != 0 {
            return Err(Failure::Run(format!("terminal: {}", std::io::Error::last_os_error())));
        }
        // Some say nothing of their size.
        let known = |given: u16, usual: usize| if given == 0 { usual } else { usize::from(given) };
        Ok((known(size.ws_col, 80), known(size.ws_row, 24)))
    }

    /// A key that was pressed; waits for none.
    ///
    /// # Errors
    /// [`Failure::Run`] where the terminal has gone.
    pub fn key(&mut self) -> Result<Option<Key>, Failure> {
        let stdin = std::io::stdin();
        let mut looked = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if poll(&mut looked, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
            let mut bytes = [0; 64];
            let count = stdin.lock().read(&mut bytes).map_err(|error| Failure::Run(format!("terminal: {error}")))?;
            if count == 0 {
                return Ok(Some(Key::Quit));
            }
            self.keys.extend(bytes.iter().take(count));
        }
        Ok(next_key(&mut self.keys))
    }

    /// Draws these lines in place of what is there.
    ///
    /// # Errors
    /// [`Failure::Run`] where the terminal has gone.
    pub fn show(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut text = String::from(BEGIN);
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str(END);
        write(&text)
    }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::Run(format!("terminal: {error}")))
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing any more.
        let _ = write(LEAVE);
        // SAFETY: `before` is what tcgetattr gave.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const self.before) };
    }
}

/// Takes the first key out of what was read.
fn next_key(bytes: &mut Vec<u8>) -> Option<Key> {
    let (key, length) = match bytes.as_slice() {
        [] => return None,
        [ESCAPE, b'[' | b'O', b'A', ..] => (Key::Up, 3),
        [ESCAPE, b'[' | b'O', b'B', ..] => (Key::Down, 3),
        [ESCAPE, b'[' | b'O', rest @ ..] => {
            // Any other sequence ends with its first letter or tilde.
            let end = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)).map_or(rest.len(), |end| end + 1);
            (Key::Other, 2 + end)
        }
        [b'q' | b'Q' | CTRL_C, ..] => (Key::Quit, 1),
        [b'k', ..] => (Key::Up, 1),
        [b'j', ..] => (Key::Down, 1),
        [_, ..] => (Key::Other, 1),
    };
    bytes.drain(..length);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(text: &[u8]) -> Vec<Key> {
        let mut bytes = text.to_vec();
        std::iter::from_fn(|| next_key(&mut bytes)).collect()
    }

    #[test]
    fn keys_are_told_from_the_sequences_that_terminals_send() {
        assert_eq!(keys(b"\x1b[A\x1bOBjk"), [Key::Up, Key::Down, Key::Down, Key::Up]);
        assert_eq!(keys(b"\x1b[15~x\x1b[1;5Cq"), [Key::Other, Key::Other, Key::Other, Key::Quit]);
        assert_eq!(keys(&[CTRL_C]), [Key::Quit]);
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes: Vec<u8>) {
            prop_assert!(keys(&bytes).len() <= bytes.len());
        }
    }
}
