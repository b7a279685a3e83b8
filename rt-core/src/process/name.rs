//! What processes call themselves, for messages to people.

use std::fmt::Write as _;

/// What a process calls itself (`/proc/PID/comm`), at most 15 bytes; for messages to people only.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessName([u8; 16]);

impl ProcessName {
    /// This process's; empty where `/proc` does not tell.
    pub(super) fn own() -> Self {
        let mut name = [0; 16];
        if let Ok(text) = std::fs::read("/proc/self/comm") {
            name.iter_mut().zip(text).for_each(|(to, from)| *to = if from == b'\n' { 0 } else { from });
        }
        Self(name)
    }

    pub(super) fn to_words(self) -> [u64; 2] {
        zerocopy::transmute!(self.0)
    }

    pub(super) fn from_words(words: [u64; 2]) -> Self {
        Self(zerocopy::transmute!(words))
    }
}

impl std::fmt::Display for ProcessName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What stands in shared memory may be anything: only what prints is shown.
        self.0.iter().take_while(|&&byte| byte != 0).try_for_each(|&byte| {
            f.write_char(if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '?' })
        })
    }
}

impl std::fmt::Debug for ProcessName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn a_garbled_name_prints_harmlessly() {
        let name = ProcessName(*b"cam\x1b[31m\xffera\0\0\0\0");
        assert_eq!(name.to_string(), "cam?[31m?era");
    }
}
