//! Parts: what lies in a segment, as its creator asks for it and as its header describes it.

use super::SegmentError;

/// What structure a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A [`super::super::ring`].
    Ring,
    /// A [`super::super::latest`] cell.
    Latest,
    /// The slots of a [`super::super::frames`] pool.
    Frames,
}

impl Kind {
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::Ring => 1,
            Self::Latest => 2,
            Self::Frames => 3,
        }
    }

    /// Alignment of a part: its own cache lines, or for frames what DMA engines ask for.
    pub(in super::super) const fn align(self) -> usize {
        match self {
            Self::Ring | Self::Latest => 128,
            Self::Frames => crate::memory::pool::SLOT_ALIGNMENT_BYTES,
        }
    }

    pub(super) const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Ring),
            2 => Some(Self::Latest),
            3 => Some(Self::Frames),
            _ => None,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ring => "ring",
            Self::Latest => "latest value",
            Self::Frames => "frame slots",
        })
    }
}

/// A part's name: 1 to 32 bytes of UTF-8 without NUL, such as `service1/up`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name([u8; Name::MOST_BYTES]);

impl Name {
    /// The longest name, bytes.
    pub const MOST_BYTES: usize = 32;

    /// Takes `name` where it is one.
    ///
    /// # Errors
    /// [`SegmentError::BadName`] with the name.
    pub fn new(name: &str) -> Result<Self, SegmentError> {
        let mut bytes = [0; Self::MOST_BYTES];
        let room = bytes.get_mut(..name.len()).filter(|_| !name.is_empty() && !name.contains('\0'));
        room.ok_or_else(|| SegmentError::BadName { name: name.into() })?.copy_from_slice(name.as_bytes());
        Ok(Self(bytes))
    }

    /// The name in a header's bytes; `None` where they are no name.
    pub(super) fn from_bytes(bytes: [u8; Self::MOST_BYTES]) -> Option<Self> {
        let text = std::str::from_utf8(&bytes).ok()?.trim_end_matches('\0');
        Self::new(text).ok()
    }

    pub(super) const fn to_bytes(self) -> [u8; Self::MOST_BYTES] {
        self.0
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// One part of a segment. Made by the structures themselves: [`super::super::ring::part`] and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub(in super::super) name: Name,
    pub(in super::super) kind: Kind,
    /// Messages, values or slots it has room for.
    pub(in super::super) capacity: u32,
    /// Bytes of one message, value or slot.
    pub(in super::super) message_bytes: u32,
    /// Alignment of one message, value or slot.
    pub(in super::super) message_align: u32,
    /// Bytes of the whole part.
    pub(in super::super) bytes: u64,
}

impl Part {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> Name {
        self.name
    }

    /// What structure it holds.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Messages, values or slots it has room for.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes of one message, value or slot.
    #[must_use]
    pub const fn message_bytes(&self) -> u32 {
        self.message_bytes
    }

    /// Refuses a part whose messages are not `T`s, or that is smaller than `needed_bytes`.
    pub(in super::super) fn holds<T>(&self, needed_bytes: Option<u64>) -> Result<(), SegmentError> {
        let expected = (size_of::<T>(), align_of::<T>());
        if (self.message_bytes as usize, self.message_align as usize) != expected {
            return Err(SegmentError::WrongMessage {
                name: self.name,
                found_bytes: self.message_bytes,
                found_align: self.message_align,
                expected_bytes: expected.0,
                expected_align: expected.1,
            });
        }
        self.has_room(needed_bytes)
    }

    /// Refuses a part smaller than `needed_bytes` (`None`: more than can be counted).
    pub(in super::super) fn has_room(&self, needed_bytes: Option<u64>) -> Result<(), SegmentError> {
        match needed_bytes {
            Some(needed) if needed <= self.bytes && self.capacity > 0 => Ok(()),
            _ => Err(SegmentError::PartTooSmall {
                name: self.name,
                bytes: self.bytes,
                needed_bytes: needed_bytes.unwrap_or(u64::MAX),
                capacity: self.capacity,
            }),
        }
    }
}

/// A part and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Placed {
    pub(in super::super) part: Part,
    /// Bytes from the start of the segment.
    pub(in super::super) offset: usize,
}
