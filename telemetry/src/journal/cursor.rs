//! Little-endian numbers and texts read one after the other from bytes that may say anything.

/// What is left to read; every method is `None` where the bytes do not suffice.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// As many values of `N` bytes as asked for.
    pub(super) fn values<const N: usize, T>(&mut self, count: usize, of: fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (values, _) = self.bytes(count.checked_mul(N)?)?.as_chunks();
        Some(values.iter().copied().map(of).collect())
    }

    /// A length and that many bytes of UTF-8.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let len = self.u32()?;
        std::str::from_utf8(self.bytes(usize::try_from(len).ok()?)?).ok()
    }
}

/// Appends what [`Cursor::text`] reads.
pub(super) fn put_text(text: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    into.extend_from_slice(text);
}
