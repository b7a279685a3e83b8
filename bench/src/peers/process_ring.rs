//! turbo's ring between two processes, in a sealed shared segment.

use rt_core::clock::Monotonic;
use rt_core::memory::arena::HugePages;
use rt_core::process::pass::inheritable;
use rt_core::process::ring::{Consumer, Pace, Producer, part};
use rt_core::process::segment::{Access, Segment};

use crate::error::{BenchError, Result};
use crate::hop::{About, End, Inheritance, PATIENCE, Pair, Processes, Wait, inherited, serve};

/// Row of the spinning ring.
pub const SPIN: &str = "turbo process ring, spin";
/// Row of the ring as it waits by default.
pub const SPIN_THEN_FUTEX: &str = "turbo process ring, spin then futex";

/// The child's name.
pub const ANSWERS: &str = "process-ring";

/// The rings, by direction.
const THERE: &str = "there";
const BACK: &str = "back";

/// Words of the child's command line.
const SPINNING: &str = "spin";
const SLEEPING: &str = "sleep";

struct RingEnd {
    out: Producer<u64>,
    inbox: Consumer<u64>,
    until: Monotonic,
}

impl RingEnd {
    fn attach(segment: &Segment, out: &str, inbox: &str, wait: Wait) -> Result<Self> {
        let mut out = Producer::attach(segment, out).map_err(BenchError::library("a process ring"))?;
        let mut inbox = Consumer::attach(segment, inbox).map_err(BenchError::library("a process ring"))?;
        if wait == Wait::Spin {
            let pace = Pace { spin: PATIENCE, ..Pace::default() };
            out.set_pace(pace);
            inbox.set_pace(pace);
        }
        // Far enough for any run, so that waiting costs no second reading of the clock; a dead peer is noticed anyway.
        Ok(Self { out, inbox, until: Monotonic::now().plus(PATIENCE * 1000) })
    }
}

impl End for RingEnd {
    fn send(&mut self, message: u64) -> Result<()> {
        self.out.push(&message).map_err(BenchError::library("sending over a process ring"))
    }

    fn receive(&mut self) -> Result<u64> {
        self.inbox.pop_until(self.until).map_err(BenchError::library("receiving from a process ring"))
    }
}

/// The ring, spinning and as it waits by default.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let pair = |name, wait: Wait, word: &'static str| {
        let about = About { never_yields: wait == Wait::Spin, ..About::processes(name, wait.name()).ours() };
        let make = move || {
            let part = |name| part::<u64>(name, 8).map_err(BenchError::library("a process ring"));
            let segment = Segment::create(&[part(THERE)?, part(BACK)?], Access::ReadWrite, HugePages::Never, false)
                .map_err(BenchError::library("a segment"))?;
            let memory = inheritable(segment.descriptor()).map_err(BenchError::system("duplicating a descriptor"))?;
            let near = move || RingEnd::attach(&segment, THERE, BACK, wait);
            Ok((near, Inheritance { words: vec![word.to_owned()], descriptors: vec![memory] }))
        };
        Box::new(Processes { about, answers: ANSWERS, make }) as Box<dyn Pair>
    };
    vec![pair(SPIN, Wait::Spin, SPINNING), pair(SPIN_THEN_FUTEX, Wait::SpinThenFutex, SLEEPING)]
}

/// In the child.
///
/// # Errors
/// The ring's.
pub fn answer(words: &[String]) -> Result<()> {
    let [memory] = inherited(words)?;
    let segment = Segment::open(memory).map_err(BenchError::library("opening the segment"))?;
    let spinning = words.first().is_some_and(|word| word == SPINNING);
    serve(RingEnd::attach(&segment, BACK, THERE, if spinning { Wait::Spin } else { Wait::SpinThenFutex })?)
}
