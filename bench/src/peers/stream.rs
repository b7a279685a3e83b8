//! An end made of descriptors: what pipes and socket pairs have in common.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use crate::error::{BenchError, Result};
use crate::hop::{End, MESSAGE_BYTES};

/// Blocking reads and writes of whole messages.
pub struct Stream {
    inbox: File,
    out: File,
}

impl Stream {
    /// An end that reads from `inbox` and writes to `out`.
    pub fn new(inbox: OwnedFd, out: OwnedFd) -> Self {
        Self { inbox: File::from(inbox), out: File::from(out) }
    }
}

impl End for Stream {
    fn send(&mut self, message: u64) -> Result<()> {
        self.out.write_all(&message.to_ne_bytes()).map_err(BenchError::system("writing a message"))
    }

    fn receive(&mut self) -> Result<u64> {
        let mut message = [0; MESSAGE_BYTES];
        self.inbox.read_exact(&mut message).map_err(BenchError::system("reading a message"))?;
        Ok(u64::from_ne_bytes(message))
    }
}
