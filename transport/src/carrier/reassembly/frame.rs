//! One frame being collected: its shards in the order they came, and what is missing.

use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::Monotonic;

use crate::carrier::code::Decoder;
use crate::wire::datagram::{Progress, Ranges, Reception};
use crate::wire::layout::ShardLayout;

/// A shard this many behind the highest that came is lost, not late (the packet threshold of RFC 9002).
const REORDERING: u16 = 3;
/// A frame is silent after this many of its usual gaps between shards, within these bounds.
const SILENT_GAPS: u32 = 4;
const SILENT_LEAST: Duration = Duration::from_millis(8);
const SILENT_MOST: Duration = Duration::from_millis(40);
/// A buffer starts no larger than this, whatever is announced, and grows with what comes.
const FIRST_ALLOCATION: usize = 256 * 1024;
/// No shard in this place.
const NONE: u16 = u16::MAX;

#[derive(Debug)]
pub(super) struct InFrame {
    number: u32,
    layout: ShardLayout,
    held_bytes: u64,
    /// Padded shards in the order they came.
    shards: Vec<u8>,
    /// Where in `shards` each index is.
    places: Vec<u16>,
    received: u16,
    highest: u16,
    first_at: Monotonic,
    newest_at: Monotonic,
    deadline: Monotonic,
    /// Usual time between shards.
    gap: Duration,
    /// When to report although nothing came.
    report_at: Monotonic,
    /// The shortage that was reported.
    told_short: u16,
}

impl InFrame {
    pub(super) fn new(number: u32, layout: ShardLayout, held_bytes: u64, now: Monotonic, deadline: Monotonic) -> Self {
        let whole = usize::from(layout.data_shards()) * layout.shard_bytes();
        Self {
            number,
            layout,
            held_bytes,
            shards: Vec::with_capacity(whole.min(FIRST_ALLOCATION)),
            places: vec![NONE; usize::from(layout.total_shards())],
            received: 0,
            highest: 0,
            first_at: now,
            newest_at: now,
            deadline,
            gap: Duration::ZERO,
            report_at: now.plus(SILENT_MOST),
            told_short: 0,
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn layout(&self) -> ShardLayout {
        self.layout
    }

    pub(super) fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    pub(super) fn deadline(&self) -> Monotonic {
        self.deadline
    }

    pub(super) fn due(&self) -> Monotonic {
        self.report_at.min(self.deadline)
    }

    /// Keeps a shard, unless it is here already. Each shard says for itself how much time is left; the least counts.
    pub(super) fn take(&mut self, now: Monotonic, index: u16, bytes: &[u8], deadline: Monotonic) {
        self.deadline = self.deadline.min(deadline);
        let Some(place) = self.places.get_mut(usize::from(index)) else { return };
        if *place != NONE || self.received >= self.layout.data_shards() {
            return;
        }
        *place = self.received;
        self.received += 1;
        self.shards.extend_from_slice(bytes);
        self.shards.resize(usize::from(self.received) * self.layout.shard_bytes(), 0);
        self.highest = self.highest.max(index);
        self.gap = (self.gap * 3 + now.saturating_since(self.newest_at)) / 4;
        self.newest_at = now;
        self.report_at = now.plus((self.gap * SILENT_GAPS).clamp(SILENT_LEAST, SILENT_MOST));
    }

    pub(super) fn is_whole(&self) -> bool {
        self.received >= self.layout.data_shards()
    }

    fn needed(&self) -> u16 {
        self.layout.data_shards().saturating_sub(self.received)
    }

    /// A report where what is lost for certain is more than the shards to come can mend, and more than was told.
    pub(super) fn shortage(&mut self, now: Monotonic) -> Option<Progress> {
        let to_come = self.layout.total_shards().saturating_sub(self.highest).saturating_sub(1);
        let late = usize::from(self.highest.saturating_sub(REORDERING));
        let late =
            self.places.iter().take(usize::from(self.highest)).skip(late).filter(|place| **place == NONE).count();
        let short = self.needed().saturating_sub(to_come).saturating_sub(u16::try_from(late).unwrap_or(u16::MAX));
        if short <= self.told_short {
            // Shards that were sent again make the shortage smaller; a new loss is then news once more.
            self.told_short = self.told_short.min(short);
            return None;
        }
        self.told_short = short;
        self.report_at = self.report_at.max(now.plus(SILENT_LEAST));
        Some(self.progress())
    }

    /// The report on a frame that has fallen silent; the next is due half a round trip later, as it may be lost.
    pub(super) fn silent(&mut self, now: Monotonic, round_trip: Duration) -> Progress {
        self.report_at = now.plus((round_trip / 2).max(SILENT_LEAST * 2));
        self.told_short = self.needed();
        self.progress()
    }

    fn progress(&self) -> Progress {
        let mut missing = Ranges::default();
        for (index, place) in (0..).zip(&self.places) {
            if *place == NONE && !missing.push(index) {
                break;
            }
        }
        Progress {
            frame: self.number,
            state: Reception::Partial,
            needed: self.needed(),
            received: self.received,
            highest: self.highest,
            missing,
        }
    }

    /// The object, with first and newest arrival and the deadline.
    pub(super) fn into_object(self, decoder: &mut Decoder) -> Option<(Bytes, [Monotonic; 3])> {
        let times = [self.first_at, self.newest_at, self.deadline];
        let bytes = self.layout.shard_bytes();
        let in_order = (0..self.layout.data_shards()).zip(&self.places).all(|(index, place)| index == *place);
        let mut object = self.shards;
        if !in_order {
            let shards = object;
            let at = |place: u16| {
                let from = usize::from(place) * bytes;
                shards.get(from..from + bytes).unwrap_or_default()
            };
            let kept = (0..).zip(&self.places).filter(|(_, place)| **place != NONE);
            object = Vec::new();
            decoder.decode(self.layout, kept.map(|(index, place)| (index, at(*place))), &mut object).ok()?;
        }
        object.truncate(self.layout.object_bytes() as usize);
        Some((object.into(), times))
    }
}
