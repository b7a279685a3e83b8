use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use proptest::prelude::*;
use zerocopy::IntoBytes;

use super::header::{HEADER_BYTES, Header, MAGIC, READY_WORD};
use super::*;
use crate::memory::arena::HugePages;
use crate::process::{ring, words};
use crate::sync::Ordering;

fn parts() -> [Part; 3] {
    ["one", "two", "three"].map(|name| ring::part::<u64>(name, 8).expect("a ring"))
}

fn segment() -> Segment {
    Segment::create(&parts(), Access::ReadWrite, HugePages::Never, false).expect("a segment")
}

fn descriptor(segment: &Segment) -> OwnedFd {
    segment.descriptor().try_clone_to_owned().expect("a descriptor")
}

/// A memory of the test's own: what a broken or hostile creator could hand over.
fn forged(bytes: usize, seals: SealFlag, header: impl FnOnce(&mut Header)) -> OwnedFd {
    static HONEST: OnceLock<Header> = OnceLock::new();
    let mut copy = vec![0; bytes.max(HEADER_BYTES)];
    let mut forged = *HONEST.get_or_init(|| words::load(segment().mapping.header().expect("a header")));
    forged.preamble.total_bytes = bytes as u64;
    header(&mut forged);
    copy[..HEADER_BYTES].copy_from_slice(forged.as_bytes());
    let file = File::from(memfd_create("forged", MFdFlags::MFD_ALLOW_SEALING).expect("memfd"));
    file.write_all_at(&copy[..bytes], 0).expect("written");
    fcntl(file.as_fd(), FcntlArg::F_ADD_SEALS(seals)).expect("sealed");
    file.into()
}

fn sealed() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW
}

fn refused(memory: OwnedFd) -> SegmentError {
    Segment::open(memory).expect_err("must be refused")
}

const BYTES: usize = 64 << 10;

#[test]
fn what_one_made_another_opens_with_the_same_parts() {
    let made = segment();
    let opened = Segment::open(descriptor(&made)).expect("valid");
    assert_eq!(opened.parts, made.parts);
    assert_eq!(opened.creator().pid(), std::process::id());
    assert_eq!(opened.len(), made.len());
    assert!(opened.parts().map(|part| part.name().to_string()).eq(["one", "two", "three"]));
    Segment::open(forged(BYTES, sealed(), |_| {})).expect("a faithful copy is a segment too");
}

#[test]
fn each_wrong_field_is_named() {
    let with = |change: fn(&mut Header)| refused(forged(BYTES, sealed(), change));
    let own = std::process::id();
    let error = with(|header| header.preamble.magic = 7);
    assert!(matches!(error, SegmentError::NotASegment { found: 7 }), "{error}");
    let error = with(|header| header.preamble.version = 9);
    assert!(matches!(error, SegmentError::VersionMismatch { found: 9 }), "{error}");
    let error = with(|header| header.preamble.ready = 0);
    assert!(matches!(error, SegmentError::NotReady { pid } if pid == own), "{error}");
    let error = with(|header| header.preamble.total_bytes += 1);
    assert!(matches!(error, SegmentError::Truncated { .. }), "{error}");
    let error = with(|header| header.preamble.namespaces[0] ^= 1);
    assert!(matches!(error, SegmentError::Foreign { what: "pid", .. }), "{error}");
    let error = with(|header| header.preamble.creator ^= 1 << 30);
    assert!(matches!(error, SegmentError::Stale { pid } if pid == own), "another process had the pid: {error}");
    let error = with(|header| header.preamble.part_count = 63);
    assert!(matches!(error, SegmentError::PartCount { found: 63 }), "{error}");
    let error = with(|header| header.table[1].kind = 77);
    assert!(matches!(error, SegmentError::BadEntry { index: 1, found: 77, .. }), "{error}");
    let error = with(|header| header.table[1].name = [0; 32]);
    assert!(matches!(error, SegmentError::BadEntry { index: 1, .. }), "{error}");
    let error = with(|header| header.table[1].name = header.table[0].name);
    assert!(matches!(error, SegmentError::NamedTwice { .. }), "{error}");
    let error = with(|header| header.table[1].offset = u64::MAX - 127);
    assert!(matches!(error, SegmentError::Outside { .. }), "{error}");
    let error = with(|header| header.table[1].offset = 0);
    assert!(matches!(error, SegmentError::Outside { .. }), "over the header: {error}");
    let error = with(|header| header.table[1].bytes = BYTES as u64);
    assert!(matches!(error, SegmentError::Outside { .. }), "{error}");
    let error = with(|header| header.table[1].offset += 1);
    assert!(matches!(error, SegmentError::BadEntry { index: 1, .. }), "{error}");
    let error = with(|header| header.table[1].offset = header.table[0].offset);
    assert!(matches!(error, SegmentError::Overlap { .. }), "{error}");
}

#[test]
fn a_part_smaller_than_its_capacity_needs_is_not_attached() {
    let forged = forged(BYTES, sealed(), |header| header.table[0].capacity = 1 << 20);
    let opened = Segment::open(forged).expect("the table itself is in order");
    let refused = ring::Producer::<u64>::attach(&opened, "one").expect_err("too small");
    let ring::AttachError::Segment(SegmentError::PartTooSmall { capacity, .. }) = refused else {
        unreachable!("{refused}")
    };
    assert_eq!(capacity, 1 << 20);
}

#[test]
fn memory_that_could_vanish_is_refused_before_it_is_touched() {
    let error = refused(forged(BYTES, SealFlag::empty(), |_| {}));
    assert!(matches!(error, SegmentError::NotSealed { found: 0, .. }), "{error}");
    let error = refused(forged(BYTES, SealFlag::F_SEAL_GROW, |_| {}));
    assert!(matches!(error, SegmentError::NotSealed { .. }), "{error}");
    let error = refused(tempfile());
    assert!(matches!(error, SegmentError::NotSealed { .. }), "no memfd: {error}");
    let error = refused(forged(HEADER_BYTES - 1, sealed(), |_| {}));
    assert!(matches!(error, SegmentError::Truncated { found_bytes: 4095, .. }), "{error}");
}

/// Something that is no memfd at all.
fn tempfile() -> OwnedFd {
    File::open("/proc/self/exe").expect("this program").into()
}

#[test]
fn memory_that_nobody_reserved_is_refused() {
    let file = File::from(memfd_create("sparse", MFdFlags::MFD_ALLOW_SEALING).expect("memfd"));
    file.set_len(1 << 40).expect("a length costs nothing");
    fcntl(file.as_fd(), FcntlArg::F_ADD_SEALS(sealed())).expect("sealed");
    let error = refused(file.into());
    assert!(matches!(error, SegmentError::Sparse { bytes, .. } if bytes == 1 << 40), "{error}");
}

#[test]
fn the_segment_of_a_process_that_has_ended_is_stale() {
    let mut child = std::process::Command::new("true").spawn().expect("true");
    let process = ProcessId::of(child.id()).expect("/proc");
    child.wait().expect("ends");
    // The child may have ended before it was looked at; any dead pid will do.
    let word = process.map_or(u64::from(child.id()), ProcessId::pack);
    let pid = child.id();
    let error = refused(forged(BYTES, sealed(), |header| {
        header.preamble.creator = word;
        header.preamble.creator_pid = pid;
    }));
    assert!(matches!(error, SegmentError::Stale { pid: found } if found == pid), "{error}");
}

#[test]
fn peers_of_a_read_only_segment_cannot_even_map_it_for_writing() {
    let made = Segment::create(&parts(), Access::ReadOnly, HugePages::Never, false).expect("a segment");
    let error = refused(descriptor(&made));
    assert!(matches!(error, SegmentError::Kernel { .. }), "{error}");
    assert!(File::from(descriptor(&made)).write_at(&[1], 0).is_err(), "nor write to it");
    let opened = Segment::open_read_only(descriptor(&made)).expect("valid");
    assert_eq!(opened.parts, made.parts);
}

#[test]
fn a_segment_on_huge_pages_is_opened_too() {
    let made = match Segment::create(&parts(), Access::ReadWrite, HugePages::Require, false) {
        Ok(made) => made,
        Err(SegmentError::Arena(error)) => return eprintln!("SKIPPED: {error}"),
        Err(error) => panic!("{error}"),
    };
    let opened = Segment::open(descriptor(&made)).expect("valid");
    ring::Producer::<u64>::attach(&made, "one").expect("free").push(&7).expect("room");
    assert_eq!(ring::Consumer::<u64>::attach(&opened, "one").expect("free").pop().expect("sound"), Some(7));
}

#[test]
fn what_cannot_be_made_is_refused() {
    let make = |parts: &[Part]| Segment::create(parts, Access::ReadWrite, HugePages::Never, false).err();
    let one = parts()[0];
    assert!(matches!(make(&[one, one]), Some(SegmentError::NamedTwice { .. })));
    assert!(matches!(make(&[]), Some(SegmentError::PartCount { found: 0 })));
    let many: Vec<Part> = (0..63).map(|index| ring::part::<u8>(&format!("{index}"), 1).expect("a ring")).collect();
    assert!(matches!(make(&many), Some(SegmentError::PartCount { found: 63 })));
    let vast = ring::part::<[u64; 4096]>("vast", ring::MOST_MESSAGES).expect("it can be counted");
    assert!(matches!(make(&[vast]), Some(SegmentError::Arena(_))), "more than memory");
}

#[test]
fn a_descriptor_arrives_over_a_socket_and_through_proc() {
    use crate::process::pass::{open_of_process, receive_descriptor, send_descriptor};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    let made = segment();
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    send_descriptor(ours.as_fd(), made.descriptor()).expect("sent");
    Segment::open(receive_descriptor(theirs.as_fd()).expect("received")).expect("valid");
    Segment::open(open_of_process(std::process::id(), made.descriptor().as_raw_fd()).expect("ours")).expect("valid");
    std::io::Write::write_all(&mut &ours, &[1]).expect("a byte and no descriptor");
    let error = receive_descriptor(theirs.as_fd()).expect_err("none came");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    drop(ours);
    assert_eq!(receive_descriptor(theirs.as_fd()).expect_err("closed").kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_a_peer_writes_over_the_header_later_changes_nothing() {
    let made = segment();
    let opened = Segment::open(descriptor(&made)).expect("valid");
    let words = made.mapping.header().expect("a header");
    words.iter().for_each(|word| word.store(u64::MAX, Ordering::Relaxed));
    ring::Producer::<u64>::attach(&opened, "two").expect("where it was").push(&1).expect("room");
    assert!(matches!(refused(descriptor(&made)), SegmentError::NotASegment { .. }));
}

#[test]
fn the_flag_is_where_the_layout_says() {
    let made = segment();
    let words = made.mapping.header().expect("a header");
    assert_eq!(words[0].load(Ordering::Relaxed), MAGIC);
    assert_eq!(words[READY_WORD].load(Ordering::Relaxed), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// A header with random bytes in random places is refused, or everything it leads to lies inside the segment.
    #[test]
    fn no_corruption_of_the_header_leads_outside(
        changes in proptest::collection::vec((0_usize..128 + 3 * 64, any::<u8>()), 1..6),
        bit_only in any::<bool>(),
    ) {
        let memory = forged(BYTES, sealed(), |header| {
            for &(at, value) in &changes {
                let byte = &mut header.as_mut_bytes()[at];
                *byte = if bit_only { *byte ^ (1 << (value & 7)) } else { value };
            }
        });
        if let Ok(segment) = Segment::open(memory) {
            for placed in segment.parts.iter() {
                let end = placed.offset as u64 + placed.part.bytes;
                prop_assert!(placed.offset >= HEADER_BYTES && end <= BYTES as u64);
            }
            for name in ["one", "two", "three"] {
                if let Ok(mut producer) = ring::Producer::<u64>::attach(&segment, name) {
                    let mut consumer = ring::Consumer::<u64>::attach(&segment, name).expect("the other end is free");
                    for value in 0..20 {
                        producer.push(&value).expect("room");
                        prop_assert_eq!(consumer.pop().expect("sound"), Some(value));
                    }
                }
            }
        }
    }
}
