use std::collections::BTreeMap;

use super::*;
use crate::carrier::code::Encoder;
use crate::carrier::outbox::{NewFrame, Outbox};
use crate::wire::datagram::{Datagram, decode};
use crate::wire::frame::HEADER_BYTES;
use crate::wire::layout::ShardLayout;
use proptest::prelude::*;
use rt_core::clock::Deadline;

const RTT: Duration = Duration::from_millis(40);
const LIMITS: ReassemblyLimits = ReassemblyLimits { max_frames: 8, max_object_bytes: 200_000 };

fn at(ms: u64) -> Monotonic {
    Monotonic::from_ns(1_000_000_000 + ms * 1_000_000)
}

#[derive(Default)]
struct Purse {
    held: u64,
    most: u64,
}

impl Ledger for Purse {
    fn hold(&mut self, bytes: u64) -> bool {
        let granted = self.held + bytes <= 300_000;
        if granted {
            self.held += bytes;
            self.most = self.most.max(self.held);
        }
        granted
    }

    fn release(&mut self, bytes: u64) {
        self.held = self.held.checked_sub(bytes).expect("nothing is given back twice");
    }
}

struct Cloud {
    reassembly: Reassembly,
    decoder: Decoder,
    purse: Purse,
}

impl Cloud {
    fn new() -> Self {
        Self { reassembly: Reassembly::new(LIMITS), decoder: Decoder::default(), purse: Purse::default() }
    }

    fn shard(&mut self, now: Monotonic, header: &ShardHeader, bytes: &[u8]) -> Step {
        self.reassembly.shard(now, header, bytes, RTT, &mut self.decoder, &mut self.purse)
    }

    fn due(&mut self, now: Monotonic) -> Option<Progress> {
        self.reassembly.due(now, RTT, &mut self.purse)
    }
}

fn header(frame: u32, index: u16, layout: ShardLayout) -> ShardHeader {
    ShardHeader { frame, index, layout, budget: Duration::from_millis(200) }
}

/// A frame of 10 data shards of 1,000 bytes and 2 of repair, of which the bytes do not matter.
fn layout() -> ShardLayout {
    ShardLayout::cut(10_000, 1_000, 2).unwrap()
}

#[test]
fn in_order_and_whole_it_comes_out_without_the_code() {
    let mut cloud = Cloud::new();
    for index in 0..9_u16 {
        assert_eq!(
            cloud.shard(at(u64::from(index)), &header(1, index, layout()), &[index as u8; 1_000]),
            Step::Nothing
        );
    }
    let Step::Whole(whole) = cloud.shard(at(9), &header(1, 9, layout()), &[9; 1_000]) else { panic!("not whole") };
    assert!(whole.object.chunks(1_000).zip(0..).all(|(shard, index)| shard == [index; 1_000]));
    assert_eq!((whole.first_at, whole.newest_at, whole.held_bytes), (at(0), at(9), 10_000));
    assert_eq!(whole.deadline, at(160), "the first shard had 200 ms left, and a round trip is spent on the way");
    assert_eq!(cloud.purse.held, 10_000, "the charge goes with the frame");
    // Its repair comes late: told again, but not in every round trip twice, and never begun anew.
    let late = header(1, 10, layout());
    assert_eq!(cloud.shard(at(10), &late, &[0; 1_000]), Step::Nothing);
    assert_eq!(cloud.shard(at(60), &late, &[0; 1_000]), Step::Report(Progress::last(1, Reception::Whole)));
    assert_eq!(cloud.shard(at(61), &late, &[0; 1_000]), Step::Nothing);
    assert!(cloud.reassembly.is_empty());
}

#[test]
fn a_loss_that_repair_can_mend_is_not_told_and_one_that_it_cannot_is_told_at_once_and_once() {
    let mut cloud = Cloud::new();
    let mut told = vec![];
    // 0, 1 and 2 are lost; two repair shards are to come.
    for index in 3..12_u16 {
        if let Step::Report(report) = cloud.shard(at(u64::from(index)), &header(1, index, layout()), &[0; 1_000]) {
            told.push((index, report));
        }
    }
    let [(index, report)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*index, report.needed, report.state), (6, 6, Reception::Partial), "once three later ones have come");
    assert_eq!(report.missing.indices().take(3).collect::<Vec<_>>(), [0, 1, 2]);
    // One of them, sent again, is enough.
    assert!(matches!(cloud.shard(at(30), &header(1, 1, layout()), &[0; 1_000]), Step::Whole(_)));
}

#[test]
fn silence_is_told_again_every_half_round_trip_until_the_deadline_ends_it() {
    let mut cloud = Cloud::new();
    cloud.shard(at(0), &header(1, 0, layout()), &[0; 1_000]);
    let mut told = vec![];
    while let Some(due) = cloud.reassembly.next_due() {
        while let Some(report) = cloud.due(due) {
            told.push((due, report.state, report.needed));
        }
    }
    let (last, partial) = told.split_last().unwrap();
    assert_eq!(*last, (at(160), Reception::Expired, 0));
    assert_eq!(partial.iter().map(|told| told.0).collect::<Vec<_>>(), [8, 28, 48, 68, 88, 108, 128, 148].map(at));
    assert!(partial.iter().all(|told| (told.1, told.2) == (Reception::Partial, 9)));
    assert_eq!((cloud.purse.held, cloud.reassembly.len()), (0, 0));
}

#[test]
fn a_frame_that_changes_its_layout_ends_and_so_does_an_abandoned_one() {
    let mut cloud = Cloud::new();
    cloud.shard(at(0), &header(1, 0, layout()), &[0; 1_000]);
    let other = ShardLayout::cut(10_000, 1_000, 3).unwrap();
    let step = cloud.shard(at(1), &header(1, 1, other), &[0; 1_000]);
    assert_eq!(step, Step::Report(Progress::last(1, Reception::Error)));
    cloud.shard(at(2), &header(2, 0, layout()), &[0; 1_000]);
    cloud.reassembly.abandon(at(3), 2, &mut cloud.purse);
    assert_eq!((cloud.purse.held, cloud.reassembly.len()), (0, 0));
    assert_eq!(cloud.shard(at(4), &header(2, 1, layout()), &[0; 1_000]), Step::Nothing);
    assert!(cloud.reassembly.is_empty(), "a shard under way does not begin it again");
}

#[test]
fn limits_refuse_a_frame_before_any_of_it_is_kept() {
    let mut cloud = Cloud::new();
    let refused = |cloud: &mut Cloud, frame, layout: ShardLayout, state| {
        let shard = vec![0; layout.shard_bytes()];
        let step = cloud.shard(at(0), &header(frame, 0, layout), &shard);
        assert_eq!(step, Step::Report(Progress::last(frame, state)));
    };
    refused(&mut cloud, 1, ShardLayout::cut(200_001, 1_000, 0).unwrap(), Reception::Error);
    let spent = ShardHeader { budget: RTT, ..header(2, 0, layout()) };
    assert_eq!(cloud.shard(at(0), &spent, &[0; 1_000]), Step::Report(Progress::last(2, Reception::Expired)));
    cloud.shard(at(0), &header(3, 0, ShardLayout::cut(195_000, 1_000, 0).unwrap()), &[0; 1_000]);
    refused(&mut cloud, 4, ShardLayout::cut(106_000, 1_000, 0).unwrap(), Reception::Overload);
    for frame in 5..12 {
        cloud.shard(at(0), &header(frame, 0, layout()), &[0; 1_000]);
    }
    refused(&mut cloud, 12, layout(), Reception::Overload);
    assert_eq!(cloud.reassembly.len(), 8);
    cloud.reassembly.clear(&mut cloud.purse);
    assert_eq!(cloud.purse.held, 0);
}

#[test]
fn frames_long_over_are_not_begun_again() {
    let mut cloud = Cloud::new();
    let one = ShardLayout::cut(100, 1_000, 1).unwrap();
    for frame in 0..200 {
        assert!(matches!(cloud.shard(at(0), &header(frame, 0, one), &[0; 100]), Step::Whole(_)));
    }
    assert_eq!(cloud.shard(at(500), &header(3, 1, one), &[0; 100]), Step::Nothing);
    assert!(cloud.reassembly.is_empty());
    assert!(matches!(cloud.shard(at(500), &header(200, 1, one), &[0; 100]), Step::Whole(_)));
}

/// Everything that crosses the simulated link, in order of arrival.
enum Flying {
    Up(Vec<u8>),
    Down(Progress),
}

proptest! {
    /// Car and cloud over a link that loses and reorders in both directions: what is whole is exact, each frame is whole
    /// once, and within a time that allows several rounds all of them are.
    #[test]
    fn both_ends_together_deliver_exactly(
        sizes in prop::collection::vec(1..60_000_usize, 1..5),
        repair in 0..3_u16,
        loss in 0..30_u64,
        seed in 1..u64::MAX,
    ) {
        let mut random = seed;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random >> 16
        };
        let (mut outbox, mut encoder, mut cloud) = (Outbox::default(), Encoder::default(), Cloud::new());
        let deadline = Deadline::at(at(3_000));
        let mut payloads = BTreeMap::new();
        for (frame, size) in (0_u32..).zip(&sizes) {
            let payload: Bytes = (0..*size).map(|_| next() as u8).collect();
            let layout = ShardLayout::cut(HEADER_BYTES + size, 1_200, repair).unwrap();
            let new = NewFrame { frame, layout, header: [frame as u8; HEADER_BYTES], payload: payload.clone(), deadline };
            outbox.begin(new, |object, bytes| encoder.encode(layout, object, bytes)).unwrap();
            payloads.insert(frame, payload);
        }
        let (mut flying, mut order, mut whole) = (BTreeMap::new(), 0_u64, vec![]);
        let (half, mut now) = (RTT / 2, at(0));
        while whole.len() < sizes.len() && now < deadline.instant() {
            outbox.probe(now, RTT);
            for frame in payloads.keys() {
                outbox.release(*frame, 1_200, now);
            }
            let mut send = |flying: &mut BTreeMap<_, _>, what| {
                order += 1;
                if next() % 100 >= loss {
                    let jitter = Duration::from_micros(next() % 3_000);
                    flying.insert((now.plus(half + jitter), order), what);
                }
            };
            for _ in 0..2 {
                outbox.pull(|parts| {
                    send(&mut flying, Flying::Up(parts.concat()));
                    true
                });
            }
            while let Some(entry) = flying.first_entry() && entry.key().0 <= now {
                match entry.remove() {
                    Flying::Down(report) => {
                        outbox.hear(&report, now, RTT, 0);
                    }
                    Flying::Up(bytes) => {
                        let Ok(Datagram::Shard(header, shard)) = decode(&bytes) else { panic!("not a shard") };
                        match cloud.shard(now, &header, shard) {
                            Step::Nothing => {}
                            Step::Report(report) => send(&mut flying, Flying::Down(report)),
                            Step::Whole(frame) => {
                                send(&mut flying, Flying::Down(Progress::last(frame.frame, Reception::Whole)));
                                whole.push(frame);
                            }
                        }
                    }
                }
            }
            while let Some(report) = cloud.due(now) {
                send(&mut flying, Flying::Down(report));
            }
            now = now.plus(Duration::from_millis(1));
        }
        prop_assert_eq!(whole.len(), sizes.len(), "all within three seconds at {}% loss", loss);
        for frame in whole {
            let expected = [[frame.frame as u8; HEADER_BYTES].as_slice(), &payloads.remove(&frame.frame).unwrap()].concat();
            prop_assert_eq!(&frame.object[..], expected);
            cloud.purse.release(frame.held_bytes);
        }
        cloud.reassembly.clear(&mut cloud.purse);
        prop_assert_eq!(cloud.purse.held, 0);
    }

    /// Hostile shards: any frames, layouts, indices, budgets and times. Nothing panics, the ledger balances, and memory
    /// stays within what it granted.
    #[test]
    fn hostile_shards_harm_nothing(
        steps in prop::collection::vec(
            (0..12_u32, any::<u16>(), 1..250_000_u32, 1..300_u16, 0..40_u16, 0..5_000_u64, 0..40_u64, 0..10_u8), 0..300),
    ) {
        let mut cloud = Cloud::new();
        let mut now = at(0);
        let mut taken = 0;
        for (frame, index, object, data, repair, budget_ms, later, action) in steps {
            now = now.plus(Duration::from_millis(later));
            while cloud.due(now).is_some() {}
            if action == 0 {
                cloud.reassembly.abandon(now, frame, &mut cloud.purse);
                continue;
            }
            let Ok(layout) = ShardLayout::new(object, data, data + repair) else { continue };
            let index = index % layout.total_shards();
            let header = ShardHeader { frame, index, layout, budget: Duration::from_millis(budget_ms) };
            let bytes = vec![index as u8; layout.carried_bytes(index)];
            if let Step::Whole(whole) = cloud.shard(now, &header, &bytes) {
                prop_assert_eq!(whole.object.len() as u64, whole.held_bytes);
                taken += whole.held_bytes;
                cloud.purse.release(whole.held_bytes);
            }
            prop_assert!(cloud.reassembly.len() <= LIMITS.max_frames);
            prop_assert!(cloud.purse.held <= 300_000);
        }
        let _ = taken;
        cloud.reassembly.clear(&mut cloud.purse);
        prop_assert_eq!(cloud.purse.held, 0);
    }
}
