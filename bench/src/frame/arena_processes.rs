//! turbo's hand-over between processes: the frame stays in its slot of a shared segment, a descriptor crosses a ring,
//! and dropping the lease brings the slot home.

use rt_core::clock::{Deadline, Monotonic};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::memory::arena::HugePages;
use rt_core::process::frames::{self, Owner, Reader};
use rt_core::process::pass::inheritable;
use rt_core::process::segment::{Access, Segment};

use super::marks;
use crate::error::{BenchError, Result};
use crate::hop::{About, End, Inheritance, PATIENCE, Pair, Processes, Wait, inherited, serve};

/// Row of the frame that is produced where it lies.
pub const LEASE: &str = "turbo slot lease, processes";
/// Row of the frame that has to be copied into its slot first.
pub const COPIED_IN: &str = "turbo slot lease, copied in, processes";

/// The child's name.
pub const ANSWERS: &str = "frame-lease";

/// Pools by direction, and the reader of each.
const THERE: &str = "there";
const BACK: &str = "back";
const READER: &str = "reader";

/// Slots of a pool, and how many its reader may hold.
const SLOTS: usize = 2;
const IN_FLIGHT: usize = 1;

struct LeaseEnd {
    out: Owner,
    inbox: Reader,
    bytes: usize,
    /// What is copied into the slot, where the frame was not produced there.
    source: Option<Vec<u8>>,
    until: Monotonic,
}

impl LeaseEnd {
    fn attach(segment: &Segment, out: &str, inbox: &str, bytes: usize, copied: bool) -> Result<Self> {
        Ok(Self {
            out: Owner::attach(segment, out).map_err(BenchError::library("owning a pool"))?,
            inbox: Reader::attach(segment, inbox, READER).map_err(BenchError::library("reading from a pool"))?,
            bytes,
            source: copied.then(|| vec![1; bytes]),
            // Far enough for any run, so that waiting costs no second reading of the clock; a dead peer is noticed
            // anyway.
            until: Monotonic::now().plus(PATIENCE * 1000),
        })
    }
}

impl End for LeaseEnd {
    fn send(&mut self, message: u64) -> Result<()> {
        let mut slot = self.out.acquire().ok_or_else(|| BenchError::Closed("no slot has come home".into()))?;
        let frame = slot.as_mut().get_mut(..self.bytes).unwrap_or_default();
        if let Some(source) = &self.source {
            frame.copy_from_slice(source);
        }
        marks::mark(frame, message);
        if self.out.lend(slot, &meta(message), self.bytes)?.readers == 1 {
            Ok(())
        } else {
            Err(BenchError::Closed("the reader still holds the frame before".into()))
        }
    }

    fn receive(&mut self) -> Result<u64> {
        let lease = self.inbox.next_until(self.until).map_err(BenchError::library("waiting for a frame"))?;
        marks::read(lease.as_ref(), self.bytes)
    }
}

fn meta(seq: u64) -> FrameMeta {
    // Reading the clock belongs to a capture, not to its hand-over.
    let capture = Monotonic::ZERO;
    let (deadline, format) = (Deadline::at(capture), PixelFormat::Rgb8);
    FrameMeta { service: 1, seq, capture, deadline, width: 1920, height: 1080, format, scene: 0 }
}

/// With the frame produced in its slot, and with one that is copied in.
pub fn pairs(bytes: usize) -> Vec<Box<dyn Pair>> {
    let pair = |name, copied: bool| {
        let make = move || {
            let pool = |name| {
                frames::parts(name, SLOTS, bytes, &[(READER, IN_FLIGHT)])
                    .map_err(BenchError::library("a pool of frames"))
            };
            let parts = [pool(THERE)?, pool(BACK)?].concat();
            let segment = Segment::create(&parts, Access::ReadWrite, HugePages::Prefer, false)
                .map_err(BenchError::library("a segment"))?;
            let memory = inheritable(segment.descriptor()).map_err(BenchError::system("duplicating a descriptor"))?;
            let near = move || LeaseEnd::attach(&segment, THERE, BACK, bytes, copied);
            let words = vec![bytes.to_string(), copied.to_string()];
            Ok((near, Inheritance { words, descriptors: vec![memory] }))
        };
        let about = About::processes(name, Wait::SpinThenFutex.name()).ours();
        Box::new(Processes { about, answers: ANSWERS, make }) as Box<dyn Pair>
    };
    vec![pair(LEASE, false), pair(COPIED_IN, true)]
}

/// In the child.
///
/// # Errors
/// The segment's.
pub fn answer(words: &[String]) -> Result<()> {
    let wrong = || BenchError::Usage(format!("{words:?}: wanted a size, whether to copy, and a descriptor"));
    let bytes = words.first().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let copied = words.get(1).and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
    let [memory] = inherited(words)?;
    let segment = Segment::open(memory).map_err(BenchError::library("opening the segment"))?;
    serve(LeaseEnd::attach(&segment, BACK, THERE, bytes, copied)?)
}
