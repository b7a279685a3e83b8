//! Both ends of the datagram carrier: whatever shards and reports come, what is held is accounted for.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use transport::carrier::code::{Decoder, Encoder};
use transport::carrier::outbox::{NewFrame, Outbox};
use transport::carrier::reassembly::{Ledger, Reassembly, ReassemblyLimits, Step};
use transport::wire::datagram::{Datagram, Progress, Reception, ShardHeader, decode};
use transport::wire::frame::HEADER_BYTES;
use transport::wire::layout::ShardLayout;

use super::steps::Steps;

const ROUND_TRIP: Duration = Duration::from_millis(40);
const LIMITS: ReassemblyLimits = ReassemblyLimits { max_frames: 6, max_object_bytes: 20_000 };
const PURSE_BYTES: u64 = 50_000;

/// Grants up to [`PURSE_BYTES`], and takes nothing back that it did not grant.
#[derive(Default)]
struct Purse(u64);

impl Ledger for Purse {
    fn hold(&mut self, bytes: u64) -> bool {
        let granted = self.0 + bytes <= PURSE_BYTES;
        self.0 += if granted { bytes } else { 0 };
        granted
    }

    fn release(&mut self, bytes: u64) {
        self.0 = self.0.checked_sub(bytes).expect("what was granted");
    }
}

/// Shards of any frames in any order, at any times, with lies about the layout; given up, forgotten and asked after.
pub fn reassembly(bytes: &[u8]) {
    let (mut steps, mut purse, mut decoder) = (Steps(bytes), Purse::default(), Decoder::default());
    let mut frames = Reassembly::new(LIMITS);
    let (mut now, mut base) = (1_000_000_000_u64, 0_u32);
    let mut handed_over = 0;
    while let (Some(step), Some(number), Some(gap)) = (steps.byte(), steps.byte(), steps.short()) {
        let at = Monotonic::from_ns(now);
        let frame = base.wrapping_add(u32::from(number & 15));
        match step % 8 {
            0..=3 => {
                // Four cuts; a frame whose cut changes under way is an error.
                let size = 700 + 6_000 * usize::from(number >> 6);
                let Some(layout) = ShardLayout::cut(size, 512, u16::from(step >> 5)) else { continue };
                let index = gap % layout.total_shards();
                let budget = Duration::from_millis(u64::from(step) * 2);
                let header = ShardHeader { frame, index, layout, budget };
                let body = vec![number; layout.carried_bytes(index)];
                let before = purse.0;
                match frames.shard(at, &header, &body, ROUND_TRIP, &mut decoder, &mut purse) {
                    Step::Whole(whole) => {
                        assert_eq!(whole.object.len(), size);
                        assert!(whole.first_at <= whole.newest_at && whole.newest_at == at);
                        handed_over += whole.held_bytes;
                    }
                    Step::Report(report) => assert_eq!(report.frame, frame),
                    Step::Nothing => assert!(purse.0 >= before),
                }
            }
            4 => frames.abandon(at, frame, &mut purse),
            5 => assert_eq!(frames.wrong(at, frame).state, Reception::Error),
            6 => base = base.wrapping_add(u32::from(gap)),
            _ => {
                now += u64::from(gap) * 10_000;
                let at = Monotonic::from_ns(now);
                let mut said = 0;
                while frames.due(at, ROUND_TRIP, &mut purse).is_some() {
                    said += 1;
                    assert!(said <= 2 * LIMITS.max_frames, "it has something to say for ever");
                }
                assert!(frames.next_due().is_none_or(|due| due > at));
            }
        }
        assert!(frames.len() <= LIMITS.max_frames && purse.0 <= PURSE_BYTES);
        assert!(frames.is_empty() || purse.0 > handed_over);
        // Whoever took the whole frames is done with them.
        purse.release(std::mem::take(&mut handed_over));
    }
    frames.clear(&mut purse);
    assert_eq!(purse.0, 0, "everything was given back");
}

/// Frames begun, released, pulled, given up and asked after, with reports that say anything.
pub fn outbox(bytes: &[u8]) {
    let (mut steps, mut outbox, mut encoder) = (Steps(bytes), Outbox::default(), Encoder::default());
    let (mut now, mut next, mut live) = (1_000_000_000_u64, 0_u32, HashMap::<u32, ShardLayout>::new());
    while let (Some(step), Some(number), Some(gap)) = (steps.byte(), steps.byte(), steps.short()) {
        let at = Monotonic::from_ns(now);
        let frame = u32::from(number) % next.max(1);
        match step % 8 {
            0 if live.len() < 8 => {
                let payload = Bytes::from(vec![number; 1 + usize::from(gap % 8_000)]);
                let object = HEADER_BYTES + payload.len();
                let Some(layout) = ShardLayout::cut(object, 512, u16::from(step >> 5)) else { continue };
                let deadline = Deadline::at(at.plus(Duration::from_millis(u64::from(number))));
                let new = NewFrame { frame: next, layout, header: [1; HEADER_BYTES], payload, deadline };
                outbox.begin(new, |object, repair| encoder.encode(layout, object, repair)).expect("within the limits");
                live.insert(next, layout);
                next += 1;
            }
            1 | 2 => {
                let released = outbox.release(frame, usize::from(gap), at);
                assert!(released == 0 || live.contains_key(&frame));
            }
            3 => {
                let mut seen = None;
                let expected = outbox.next_bytes();
                let pulled = outbox.pull(|parts| {
                    seen = Some(parts.concat());
                    step & 8 == 0
                });
                assert_eq!(expected.is_some(), seen.is_some() || pulled);
                if let Some(datagram) = seen {
                    assert_eq!(expected, Some(datagram.len()));
                    match decode(&datagram).expect("what a gateway reads") {
                        Datagram::Shard(header, _) => assert_eq!(live.get(&header.frame), Some(&header.layout)),
                        Datagram::Abandon(frame) => assert!(!live.contains_key(&frame)),
                        Datagram::Progress(report) => panic!("a car says {report:?}"),
                    }
                }
            }
            4 => {
                // A report that a gateway might send, or nobody would.
                let state = [Reception::Partial, Reception::Whole, Reception::Expired, Reception::Error]
                    .into_iter()
                    .cycle()
                    .nth(usize::from(step >> 5))
                    .unwrap_or(Reception::Partial);
                let mut report = Progress { highest: gap, needed: gap >> 8, ..Progress::last(frame, state) };
                report.received = u16::from(number);
                let mut index = 0_u16;
                while let Some(ahead) = steps.byte() {
                    index = index.saturating_add(u16::from(ahead)).saturating_add(1);
                    if ahead & 7 == 7 || !report.missing.push(index) {
                        break;
                    }
                }
                outbox.hear(&report, at, ROUND_TRIP, u16::from(step >> 6));
            }
            5 => {
                outbox.remove(frame, step & 8 == 0);
                live.remove(&frame);
            }
            6 => outbox.skip(),
            _ => {
                now += u64::from(gap) * 10_000;
                outbox.probe(Monotonic::from_ns(now), ROUND_TRIP);
            }
        }
        for (frame, layout) in &live {
            let all: usize = (0..layout.total_shards()).map(|index| layout.carried_bytes(index)).sum();
            // A shard may wait to be sent for the first time, or to be sent again, never both.
            assert!(outbox.unsent_bytes(*frame) <= (all + 64 * usize::from(layout.total_shards())) as u64);
        }
    }
    live.keys().for_each(|frame| outbox.remove(*frame, false));
    let mut messages = 0;
    while outbox.pull(|parts| decode(&parts.concat()).is_ok_and(|message| matches!(message, Datagram::Abandon(_)))) {
        messages += 1;
        assert!(messages <= 1_000, "nothing but messages is left, and they are bounded");
    }
    assert!(!outbox.has_something());
}
