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

/// One producer.
pub(super) struct Producer {
    stamper: Stamper,
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

impl Producer {
    pub(super) fn new(stamper: Stamper, records_per_s: f64, duration: Duration) -> Self {
        let per_tick = records_per_s * TICK.as_secs_f64();
        Self { stamper, per_tick, duration, blocks: Vec::with_capacity(MOST_BLOCKS) }
    }

    pub(super) fn run(mut self) -> Emitted {
        let begun = Monotonic::now();
        let (mut records, mut owed, mut block) = (0_u64, 0.0, 0_usize);
        let mut tick = begun;
        while tick.saturating_since(begun) < self.duration {
            owed += self.per_tick;
            let mut previous = Monotonic::now();
            while owed >= BLOCK as f64 {
                let before = previous;
                for _ in 0..BLOCK {
                    let now = Monotonic::now();
                    self.stamper.stamp(Hop::CloudQueue, FrameId { service: 1, seq: records }, previous, now);
                    previous = now;
                    records += 1;
                }
                owed -= BLOCK as f64;
                let each = u32::try_from(previous.saturating_since(before).as_nanos() / u128::from(BLOCK));
                self.note(block, each.unwrap_or(u32::MAX));
                block += 1;
            }
            tick = tick.plus(TICK);
            let ahead = tick.saturating_since(Monotonic::now());
            if !ahead.is_zero() {
                std::thread::sleep(ahead);
            }
        }
        Emitted { records, emit_ns: self.blocks }
    }

    fn note(&mut self, block: usize, each_ns: u32) {
        match self.blocks.get_mut(block % MOST_BLOCKS) {
            Some(place) => *place = each_ns,
            None => self.blocks.push(each_ns),
        }
    }
}
