//! A thread that emits at a given rate, whatever becomes of what it emits.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::frame::FrameId;
use rt_core::trace::{Hop, Stamper};

/// Records of one burst.
const TICK: Duration = Duration::from_millis(1);
/// Emits are timed in blocks: a single one is shorter than the clock can tell.
const BLOCK: u64 = 64;
/// Blocks that are kept; later ones take the place of earlier ones.
const MOST_BLOCKS: usize = 1 << 17;

/// What is told: that a hop of a frame took from one instant to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) frame: FrameId,
    pub(super) start: Monotonic,
    pub(super) end: Monotonic,
}

/// A thread's end of some telemetry.
pub(super) trait Emit {
    /// Hands a record over; what is not taken is counted by whoever did not take it.
    fn emit(&mut self, record: Record);
}

impl Emit for Stamper {
    fn emit(&mut self, Record { frame, start, end }: Record) {
        self.stamp(Hop::CloudQueue, frame, start, end);
    }
}

/// One producer; its emitter is made on its own thread, where some have to be.
pub(super) struct Producer<F> {
    emitter: F,
    per_tick: f64,
    duration: Duration,
    blocks: Vec<u32>,
}

/// What it did.
pub(super) struct Emitted {
    pub(super) records: u64,
    /// Nanoseconds of one emit, as the mean of each block: reading the clock, and handing the record over.
    pub(super) emit_ns: Vec<u32>,
}

impl<E: Emit, F: FnOnce() -> E + Send> Producer<F> {
    pub(super) fn new(emitter: F, records_per_s: f64, duration: Duration) -> Self {
        let per_tick = records_per_s * TICK.as_secs_f64();
        Self { emitter, per_tick, duration, blocks: Vec::with_capacity(MOST_BLOCKS) }
    }

    pub(super) fn run(self) -> Emitted {
        let Self { emitter, per_tick, duration, mut blocks } = self;
        let mut emitter = emitter();
        let begun = Monotonic::now();
        let (mut records, mut owed, mut block) = (0_u64, 0.0, 0_usize);
        let mut tick = begun;
        while tick.saturating_since(begun) < duration {
            owed += per_tick;
            let mut previous = Monotonic::now();
            // What cannot be emitted in time is not owed for ever: a peer that is slow ends when its time is over.
            while owed >= BLOCK as f64 && previous.saturating_since(begun) < duration {
                let before = previous;
                for _ in 0..BLOCK {
                    let now = Monotonic::now();
                    emitter.emit(Record { frame: FrameId { service: 1, seq: records }, start: previous, end: now });
                    previous = now;
                    records += 1;
                }
                owed -= BLOCK as f64;
                let each = u32::try_from(previous.saturating_since(before).as_nanos() / u128::from(BLOCK));
                match blocks.get_mut(block % MOST_BLOCKS) {
                    Some(place) => *place = each.unwrap_or(u32::MAX),
                    None => blocks.push(each.unwrap_or(u32::MAX)),
                }
                block += 1;
            }
            tick = tick.plus(TICK);
            let ahead = tick.saturating_since(Monotonic::now());
            if !ahead.is_zero() {
                std::thread::sleep(ahead);
            }
        }
        Emitted { records, emit_ns: blocks }
    }
}
