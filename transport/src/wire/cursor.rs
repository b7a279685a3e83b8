//! Reading and writing the variable-length messages: each read is checked, each write is appended.

use super::{MAX_NAME_BYTES, WireError};

/// Reads little-endian fields from the front of a byte slice.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of all of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let (head, rest) =
            self.rest.split_first_chunk::<N>().ok_or(WireError::Truncated { what, need: N, have: self.rest.len() })?;
        self.rest = rest;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        self.take::<1>(what).map(u8::from_le_bytes)
    }

    /// A 16-bit number.
    pub fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        self.take::<2>(what).map(u16::from_le_bytes)
    }

    /// A 32-bit number.
    pub fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        self.take::<4>(what).map(u32::from_le_bytes)
    }

    /// A 64-bit number.
    pub fn u64(&mut self, what: &'static str) -> Result<u64, WireError> {
        self.take::<8>(what).map(u64::from_le_bytes)
    }

    /// A text: one byte of length, then that many bytes of UTF-8.
    pub fn name(&mut self, what: &'static str) -> Result<String, WireError> {
        let length = usize::from(self.u8(what)?);
        let (head, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated {
            what,
            need: length,
            have: self.rest.len(),
        })?;
        self.rest = rest;
        std::str::from_utf8(head).map(str::to_owned).map_err(|_| WireError::NotUtf8 { what })
    }

    /// Ends the message `what`; an error where bytes are left.
    pub fn end(self, what: &'static str) -> Result<(), WireError> {
        if self.rest.is_empty() { Ok(()) } else { Err(WireError::Trailing { what, count: self.rest.len() }) }
    }
}

/// Appends a text as [`Reader::name`] reads it; one too long for its length byte is cut at a character boundary.
pub fn put_name(out: &mut Vec<u8>, text: &str) {
    let cut = text.floor_char_boundary(MAX_NAME_BYTES);
    let text = text.get(..cut).unwrap_or_default();
    out.push(u8::try_from(text.len()).unwrap_or(0));
    out.extend_from_slice(text.as_bytes());
}
