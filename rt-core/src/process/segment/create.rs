//! Making a segment: parts are laid out one after another, the table is written, and the ready flag last.

use nix::fcntl::SealFlag;
use zerocopy::FromZeros;

use super::header::{Entry, HEADER_BYTES, Header, LAYOUT_VERSION, MAGIC, MAX_PARTS, READY_WORD};
use super::mapping::Mapping;
use super::{Part, Placed, ProcessId, Segment, SegmentError};
use crate::memory::arena::{Arena, ArenaError, HugePages};
use crate::process::identity::namespaces;
use crate::process::words;
use crate::sync::Ordering;

/// What the processes that open a segment may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write: rings and frames need it.
    ReadWrite,
    /// Read only, enforced by the kernel (`F_SEAL_FUTURE_WRITE`): nobody but the creator can ever change a byte.
    ReadOnly,
}

pub(super) fn create(parts: &[Part], access: Access, pages: HugePages, lock: bool) -> Result<Segment, SegmentError> {
    let (placed, bytes) = place(parts)?;
    let creator = own_id()?;
    let further = if access == Access::ReadOnly { SealFlag::F_SEAL_FUTURE_WRITE } else { SealFlag::empty() };
    let mapping = Mapping::made(Arena::map_sealed(bytes, pages, lock, further)?)?;
    // An arena whose seals failed is good enough for one process, not for two.
    super::open::check_seals(mapping.descriptor(), access)?;
    let mut header = Header::new_zeroed();
    header.preamble.magic = MAGIC;
    header.preamble.version = LAYOUT_VERSION;
    header.preamble.creator_pid = creator.pid();
    header.preamble.creator = creator.pack();
    header.preamble.namespaces = namespaces();
    header.preamble.total_bytes = mapping.len() as u64;
    header.preamble.part_count = placed.len() as u64;
    for (entry, placed) in header.table.iter_mut().zip(&placed) {
        *entry = Entry {
            name: placed.part.name.to_bytes(),
            kind: placed.part.kind.code(),
            capacity: placed.part.capacity,
            message_bytes: placed.part.message_bytes,
            message_align: placed.part.message_align,
            offset: placed.offset as u64,
            bytes: placed.part.bytes,
        };
    }
    if let Some(memory) = mapping.header() {
        words::store(memory, &header);
        if let Some(ready) = memory.get(READY_WORD) {
            ready.store(1, Ordering::Release);
        }
    }
    Ok(Segment { mapping: mapping.into(), parts: placed.into(), creator })
}

/// Where each part goes, and how long the segment gets.
fn place(parts: &[Part]) -> Result<(Vec<Placed>, usize), SegmentError> {
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(SegmentError::PartCount { found: parts.len() as u64 });
    }
    let mut end = HEADER_BYTES;
    let mut placed: Vec<Placed> = Vec::with_capacity(parts.len());
    for part in parts {
        if placed.iter().any(|earlier| earlier.part.name == part.name) {
            return Err(SegmentError::NamedTwice { name: part.name });
        }
        let too_large = ArenaError::LargerThanMemory { asked_bytes: usize::MAX, available_bytes: isize::MAX as usize };
        let span = end.checked_next_multiple_of(part.kind.align()).and_then(|offset| {
            let end =
                offset.checked_add(usize::try_from(part.bytes).ok()?).filter(|&end| end <= isize::MAX as usize)?;
            Some((offset, end))
        });
        let (offset, part_end) = span.ok_or(too_large)?;
        placed.push(Placed { part: *part, offset });
        end = part_end;
    }
    Ok((placed, end))
}

pub(super) fn own_id() -> Result<ProcessId, SegmentError> {
    ProcessId::own().map_err(|source| SegmentError::Kernel { step: "reading /proc/self/stat", source })
}
