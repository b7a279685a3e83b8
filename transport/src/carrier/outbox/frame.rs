//! One frame's shards: which have gone, which may have to go again.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};

use super::NewFrame;
use crate::carrier::code::Object;
use crate::wire::datagram::{Progress, Reception, SHARD_HEADER_BYTES};
use crate::wire::frame::HEADER_BYTES;
use crate::wire::layout::ShardLayout;

/// A shard this many behind the highest that arrived is lost, not late (the packet threshold of RFC 9002).
const REORDERING: u16 = 3;
/// Beyond a round trip, the cloud reports on a frame that has fallen silent within this time.
const SILENCE: Duration = Duration::from_millis(50);
/// Beyond a round trip, a report may be this much older than its arrival.
const SLACK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, Default)]
struct Shard {
    released_at: Monotonic,
    /// How often it was released.
    times: u8,
    /// Queued to go again, or released and not yet pulled.
    waiting: bool,
}

#[derive(Debug, Default)]
pub(super) struct OutFrame {
    number: u32,
    layout: ShardLayout,
    header: Vec<u8>,
    payload: Bytes,
    repair: Vec<u8>,
    deadline: Deadline,
    shards: Vec<Shard>,
    /// The first shard that was never released.
    next: u16,
    again: VecDeque<u16>,
    waiting_bytes: u64,
    /// Whether the stack took any of it, so that the cloud may know of it.
    went: bool,
    /// When a shard was last released or a report last came.
    news_at: Monotonic,
    over: bool,
}

impl OutFrame {
    pub(super) fn fill(&mut self, new: NewFrame) {
        let NewFrame { frame, layout, header, payload, deadline } = new;
        self.number = frame;
        self.layout = layout;
        self.header.clear();
        self.header.reserve(HEADER_BYTES);
        self.header.extend_from_slice(&header);
        self.payload = payload;
        self.deadline = deadline;
        self.shards.clear();
        self.shards.resize(usize::from(layout.total_shards()), Shard::default());
        (self.next, self.waiting_bytes, self.went, self.over) = (0, 0, false, false);
        self.news_at = Monotonic::ZERO;
        self.again.clear();
        self.repair.clear();
    }

    pub(super) fn add_repair<E>(
        &mut self,
        repair: impl FnOnce(Object<'_>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        repair(Object { header: &self.header, payload: &self.payload }, &mut self.repair)
    }

    /// Gives the payload back and keeps the buffers.
    pub(super) fn empty(&mut self) {
        self.payload = Bytes::new();
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn layout(&self) -> ShardLayout {
        self.layout
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The bytes that shard `index` carries.
    pub(super) fn shard(&self, index: u16) -> [&[u8]; 2] {
        let layout = self.layout();
        let (bytes, carried) = (layout.shard_bytes(), layout.carried_bytes(index));
        match index.checked_sub(layout.data_shards()) {
            None => {
                let object = Object { header: &self.header, payload: &self.payload };
                object.slice(usize::from(index) * bytes, carried)
            }
            Some(repair) => {
                let from = usize::from(repair) * bytes;
                [self.repair.get(from..from + carried).unwrap_or_default(), &[]]
            }
        }
    }

    fn wire_bytes(&self, index: u16) -> u64 {
        (self.layout().carried_bytes(index) + SHARD_HEADER_BYTES) as u64
    }

    /// The next shard to release.
    pub(super) fn next(&mut self, now: Monotonic) -> Option<u16> {
        if self.over {
            return None;
        }
        let index = match self.again.pop_front() {
            Some(index) => index,
            None if self.next < self.layout().total_shards() => {
                self.next += 1;
                self.next - 1
            }
            None => return None,
        };
        self.waiting_bytes += self.wire_bytes(index);
        self.news_at = now;
        if let Some(shard) = self.shards.get_mut(usize::from(index)) {
            *shard = Shard { released_at: now, times: shard.times.saturating_add(1), waiting: true };
        }
        Some(index)
    }

    /// Shard `index` waits no more: it was `sent`, or dropped.
    pub(super) fn pulled(&mut self, index: u16, sent: bool) {
        self.waiting_bytes = self.waiting_bytes.saturating_sub(self.wire_bytes(index));
        self.went |= sent;
        if let Some(shard) = self.shards.get_mut(usize::from(index)) {
            shard.waiting = false;
        }
    }

    pub(super) fn unsent_bytes(&self) -> u64 {
        if self.over {
            return 0;
        }
        let layout = self.layout();
        let shards = usize::from(layout.total_shards().saturating_sub(self.next)) + self.again.len();
        shards as u64 * (layout.shard_bytes() + SHARD_HEADER_BYTES) as u64
    }

    pub(super) fn went(&self) -> bool {
        self.went
    }

    /// Whether the cloud wants nothing more of it.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// When a frame of which everything went, and of which nothing was heard since, has to be asked after: the cloud may
    /// have got none of it, or its reports were lost.
    pub(super) fn probe_at(&self, round_trip: Duration) -> Option<Monotonic> {
        let at = self.news_at.plus(round_trip.mul_f64(1.25).saturating_add(SILENCE));
        // What cannot be back in time is not asked after.
        let in_time = at < self.deadline.less(round_trip);
        (!self.over && in_time && self.waiting_bytes == 0 && self.unsent_bytes() == 0).then_some(at)
    }

    /// Queues the first shard again, which brings a report.
    pub(super) fn probe(&mut self) {
        self.again.push_back(0);
        if let Some(shard) = self.shards.first_mut() {
            shard.waiting = true;
        }
    }

    pub(super) fn hear(&mut self, report: &Progress, now: Monotonic, round_trip: Duration, extra: u16) -> bool {
        if report.state != Reception::Partial {
            self.over = true;
            self.again.clear();
            self.waiting_bytes = 0;
            // Nobody needs the bytes any more.
            self.payload = Bytes::new();
            return false;
        }
        self.news_at = now;
        let certain = report.highest.saturating_sub(REORDERING);
        let awaited = round_trip.saturating_add(SLACK);
        let lost = |index: u16, shard: &Shard| {
            !shard.waiting
                && ((shard.times == 1 && index < certain) || now.saturating_since(shard.released_at) > awaited)
        };
        let sent = |index: &u16| *index < self.next;
        let missing = || report.missing.indices().take_while(sent);
        let state = |index: u16| self.shards.get(usize::from(index));
        let coming = missing().filter(|index| state(*index).is_some_and(|shard| !lost(*index, shard))).count();
        let unsent = usize::from(self.layout().total_shards().saturating_sub(self.next));
        let short = usize::from(report.needed).saturating_sub(coming + unsent);
        if short == 0 {
            return false;
        }
        let wanted = short.saturating_add(usize::from(extra));
        let before = self.again.len();
        for index in missing() {
            if self.again.len() - before >= wanted {
                break;
            }
            if let Some(shard) = self.shards.get_mut(usize::from(index))
                && lost(index, shard)
            {
                shard.waiting = true;
                self.again.push_back(index);
            }
        }
        self.again.len() > before
    }
}
