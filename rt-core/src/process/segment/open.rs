//! Opening a segment: nothing of it is believed before it is checked.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};

use super::header::{Entry, HEADER_BYTES, Header, LAYOUT_VERSION, MAGIC, MAX_PARTS, READY_WORD};
use super::mapping::Mapping;
use super::{Access, Kind, Name, Part, Placed, ProcessId, Segment, SegmentError};
use crate::process::identity::namespaces;
use crate::process::words;
use crate::sync::Ordering;

pub(super) fn open(memory: OwnedFd, access: Access) -> Result<Segment, SegmentError> {
    // Without these seals a peer could shrink the memory, and touching what is gone is SIGBUS. What a writer may map is
    // for the kernel to refuse.
    check_seals(memory.as_fd(), Access::ReadWrite)?;
    let bytes = check_size(memory.as_fd())?;
    let mapping = Mapping::opened(memory, bytes, access)?;
    let truncated = SegmentError::Truncated { found_bytes: bytes as u64, stated_bytes: HEADER_BYTES as u64 };
    let shared = mapping.header().ok_or(truncated)?;
    // Acquire: everything the creator wrote before it raised the flag is in the copy below.
    let ready = shared.get(READY_WORD).is_some_and(|word| word.load(Ordering::Acquire) == 1);
    let header: Header = words::load(shared);
    let (parts, creator) = check(&header, ready, bytes as u64)?;
    Ok(Segment { mapping: mapping.into(), parts: parts.into(), creator })
}

/// Refuses memory whose size can still change, or that `access` says nobody else may write and somebody could.
pub(super) fn check_seals(memory: BorrowedFd<'_>, access: Access) -> Result<(), SegmentError> {
    let mut needed = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
    if access == Access::ReadOnly {
        needed |= SealFlag::F_SEAL_FUTURE_WRITE;
    }
    // Anything but a memfd answers EINVAL, or on tmpfs that it can have no seals.
    let found = fcntl(memory, FcntlArg::F_GET_SEALS).unwrap_or(-1);
    if found < 0 || !SealFlag::from_bits_retain(found).contains(needed) {
        return Err(SegmentError::NotSealed { found, needed: needed.bits() });
    }
    Ok(())
}

/// The memory's length, where it is a header's at least and all of it exists.
fn check_size(memory: BorrowedFd<'_>) -> Result<usize, SegmentError> {
    let stat = nix::sys::stat::fstat(memory)
        .map_err(|error| SegmentError::Kernel { step: "fstat of the segment", source: error.into() })?;
    let bytes = u64::try_from(stat.st_size).unwrap_or(0);
    if bytes < HEADER_BYTES as u64 {
        return Err(SegmentError::Truncated { found_bytes: bytes, stated_bytes: HEADER_BYTES as u64 });
    }
    // 512: the unit of st_blocks, whatever the block size.
    let resident_bytes = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
    if resident_bytes < bytes {
        return Err(SegmentError::Sparse { resident_bytes, bytes });
    }
    usize::try_from(bytes).map_err(|_| SegmentError::Truncated { found_bytes: usize::MAX as u64, stated_bytes: bytes })
}

/// Checks a private copy of the header against the memory's real length.
fn check(header: &Header, ready: bool, bytes: u64) -> Result<(Vec<Placed>, ProcessId), SegmentError> {
    let found = &header.preamble;
    if found.magic != MAGIC {
        return Err(SegmentError::NotASegment { found: found.magic });
    }
    if found.version != LAYOUT_VERSION {
        return Err(SegmentError::VersionMismatch { found: found.version });
    }
    if !ready {
        return Err(SegmentError::NotReady { pid: found.creator_pid });
    }
    if found.total_bytes != bytes {
        return Err(SegmentError::Truncated { found_bytes: bytes, stated_bytes: found.total_bytes });
    }
    for ((what, found), own) in ["pid", "time"].into_iter().zip(found.namespaces).zip(namespaces()) {
        if found != own {
            return Err(SegmentError::Foreign { what, found, own });
        }
    }
    let creator = ProcessId::unpack(found.creator);
    if creator.pid() != found.creator_pid || !creator.is_alive() {
        return Err(SegmentError::Stale { pid: found.creator_pid });
    }
    let count = usize::try_from(found.part_count).ok().filter(|count| (1..=MAX_PARTS).contains(count));
    let count = count.ok_or(SegmentError::PartCount { found: found.part_count })?;
    let parts = header.table.iter().take(count).enumerate().map(|(index, entry)| check_entry(index, entry, bytes));
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    check_apart(&parts)?;
    Ok((parts, creator))
}

fn check_entry(index: usize, entry: &Entry, total_bytes: u64) -> Result<Placed, SegmentError> {
    let broken = |what, found| SegmentError::BadEntry { index, what, found };
    let name = Name::from_bytes(entry.name).ok_or_else(|| broken("the name's first byte", entry.name[0].into()))?;
    let kind = Kind::from_code(entry.kind).ok_or_else(|| broken("the kind", entry.kind.into()))?;
    let outside = SegmentError::Outside { name, offset: entry.offset, bytes: entry.bytes, total_bytes };
    let end = entry.offset.checked_add(entry.bytes).filter(|&end| end <= total_bytes);
    let (Some(_), Ok(offset)) = (end, usize::try_from(entry.offset)) else { return Err(outside) };
    if offset < HEADER_BYTES {
        return Err(outside);
    }
    if !offset.is_multiple_of(kind.align()) {
        return Err(broken("the offset, which is not aligned as its kind needs,", entry.offset));
    }
    let part = Part {
        name,
        kind,
        capacity: entry.capacity,
        message_bytes: entry.message_bytes,
        message_align: entry.message_align,
        bytes: entry.bytes,
    };
    Ok(Placed { part, offset })
}

/// Refuses parts of one name or in one place.
fn check_apart(parts: &[Placed]) -> Result<(), SegmentError> {
    for (index, one) in parts.iter().enumerate() {
        for other in parts.iter().skip(index + 1) {
            if one.part.name == other.part.name {
                return Err(SegmentError::NamedTwice { name: one.part.name });
            }
            // Both ends are inside the segment, so that no sum overflows.
            let (one_end, other_end) = (one.offset as u64 + one.part.bytes, other.offset as u64 + other.part.bytes);
            if (one.offset as u64) < other_end && (other.offset as u64) < one_end {
                return Err(SegmentError::Overlap { first: one.part.name, second: other.part.name });
            }
        }
    }
    Ok(())
}
