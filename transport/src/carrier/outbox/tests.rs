use super::*;
use crate::carrier::code::CodeError;
use crate::wire::datagram::{Datagram, Ranges, Reception, decode};
use proptest::prelude::*;

const RTT: Duration = Duration::from_millis(50);

fn at(ms: u64) -> Monotonic {
    Monotonic::from_ns(1_000_000_000 + ms * 1_000_000)
}

/// A frame of `data` shards of 1,000 bytes and `repair` more, whose bytes do not matter here.
fn begin(outbox: &mut Outbox, frame: u32, data: u16, repair: u16) -> Bytes {
    let payload = Bytes::from(vec![frame as u8; usize::from(data) * 1_000 - HEADER_BYTES]);
    let layout = ShardLayout::cut(usize::from(data) * 1_000, 1_000, repair).unwrap();
    let new = NewFrame {
        frame,
        layout,
        header: [1; HEADER_BYTES],
        payload: payload.clone(),
        deadline: Deadline::at(at(380)),
    };
    let fill = |_: Object<'_>, bytes: &mut Vec<u8>| {
        bytes.resize(usize::from(repair) * 1_000, 9);
        Ok::<(), CodeError>(())
    };
    outbox.begin(new, fill).unwrap();
    payload
}

/// Pulls everything that may go; frame and index of each.
fn pull_all(outbox: &mut Outbox) -> Vec<(u32, u16)> {
    let mut pulled = vec![];
    while outbox.has_something() {
        outbox.pull(|parts| {
            let bytes = parts.concat();
            if let Ok(Datagram::Shard(header, _)) = decode(&bytes) {
                pulled.push((header.frame, header.index));
            }
            true
        });
    }
    pulled
}

fn report(frame: u32, needed: u16, highest: u16, missing: &[u16]) -> Progress {
    let mut ranges = Ranges::default();
    missing.iter().for_each(|index| assert!(ranges.push(*index)));
    Progress { frame, state: Reception::Partial, needed, received: 0, highest, missing: ranges }
}

#[test]
fn only_what_was_released_goes_and_all_of_it_is_counted() {
    let mut outbox = Outbox::default();
    begin(&mut outbox, 7, 4, 1);
    assert!(!outbox.has_something());
    assert_eq!(outbox.unsent_bytes(7), 5 * 1_020);
    assert_eq!(outbox.release(7, 2_000, at(0)), 2 * 1_020);
    assert_eq!(outbox.unsent_bytes(7), 3 * 1_020);
    assert_eq!(pull_all(&mut outbox), [(7, 0), (7, 1)]);
    outbox.release(7, usize::MAX, at(1));
    assert_eq!(pull_all(&mut outbox), [(7, 2), (7, 3), (7, 4)]);
    assert_eq!((outbox.unsent_bytes(7), outbox.release(7, 1, at(1))), (0, 0));
}

#[test]
fn a_packet_without_room_keeps_the_shard_and_skipping_loses_it() {
    let mut outbox = Outbox::default();
    begin(&mut outbox, 1, 2, 0);
    outbox.release(1, usize::MAX, at(0));
    assert_eq!(outbox.next_bytes(), Some(1_020));
    assert!(!outbox.pull(|_| false));
    assert_eq!(outbox.next_bytes(), Some(1_020));
    outbox.skip();
    assert_eq!(pull_all(&mut outbox), [(1, 1)]);
    outbox.remove(1, true);
    assert_eq!(outbox.next_bytes(), Some(Message::abandon(1).as_ref().len()), "the cloud has heard of it");
    begin(&mut outbox, 2, 1, 0);
    outbox.release(2, usize::MAX, at(0));
    assert!(outbox.pull(|_| true));
    outbox.skip();
    outbox.remove(2, true);
    assert!(!outbox.has_something(), "of this one it has not");
}

#[test]
fn a_frame_that_is_removed_takes_everything_with_it_and_is_told_of() {
    let mut outbox = Outbox::default();
    let payload = begin(&mut outbox, 1, 4, 0);
    begin(&mut outbox, 2, 1, 0);
    outbox.release(1, 2_000, at(0));
    outbox.remove(1, true);
    assert!(payload.is_unique(), "the payload is given back");
    assert!(!outbox.has_something(), "nothing went, nothing is told");
    outbox.release(2, usize::MAX, at(0));
    pull_all(&mut outbox);
    outbox.remove(2, true);
    let mut told = vec![];
    outbox.pull(|parts| {
        told = parts.concat();
        true
    });
    assert_eq!(decode(&told), Ok(Datagram::Abandon(2)));
    assert_eq!((outbox.release(2, 1, at(0)), outbox.unsent_bytes(2)), (0, 0));
}

#[test]
fn what_is_lost_for_certain_goes_again_once_and_again_after_a_round_trip() {
    let mut outbox = Outbox::default();
    begin(&mut outbox, 1, 20, 1);
    outbox.release(1, usize::MAX, at(0));
    pull_all(&mut outbox);
    // Three lost, one repaired; 18 is missing too, but may only be late.
    let news = report(1, 3, 20, &[2, 3, 9, 18]);
    assert!(outbox.hear(&news, at(60), RTT, 0));
    outbox.release(1, usize::MAX, at(60));
    assert_eq!(pull_all(&mut outbox), [(1, 2), (1, 3)], "two of the three, as 18 is on its way");
    assert!(!outbox.hear(&news, at(60), RTT, 0), "they are on their way");
    assert!(outbox.hear(&news, at(140), RTT, 1), "they are lost again, and so is 18");
    outbox.release(1, usize::MAX, at(140));
    assert_eq!(pull_all(&mut outbox), [(1, 2), (1, 3), (1, 9), (1, 18)]);
}

#[test]
fn a_frame_of_which_nothing_is_heard_is_asked_after() {
    let mut outbox = Outbox::default();
    begin(&mut outbox, 1, 3, 0);
    outbox.release(1, usize::MAX, at(0));
    assert_eq!(outbox.next_probe(RTT), None, "nothing has gone yet");
    pull_all(&mut outbox);
    let due = outbox.next_probe(RTT).expect("a frame under way");
    outbox.probe(due.minus(Duration::from_nanos(1)), RTT);
    assert_eq!(outbox.release(1, 1, due), 0);
    outbox.probe(due, RTT);
    outbox.release(1, usize::MAX, due);
    assert_eq!(pull_all(&mut outbox), [(1, 0)]);
    assert_eq!(outbox.next_probe(RTT), Some(due.plus(due.saturating_since(at(0)))), "and again");
    let last = due.plus(due.saturating_since(at(0)));
    outbox.probe(last, RTT);
    outbox.release(1, usize::MAX, last);
    pull_all(&mut outbox);
    assert_eq!(outbox.next_probe(RTT), None, "what would be late is not asked after");
    outbox.hear(&Progress::last(1, Reception::Whole), due, RTT, 0);
    assert_eq!(outbox.next_probe(RTT), None, "nor what is there");
}

#[test]
fn shards_that_never_went_are_not_missing() {
    let mut outbox = Outbox::default();
    begin(&mut outbox, 1, 20, 1);
    outbox.release(1, 9 * 1_020, at(0));
    pull_all(&mut outbox);
    let missing: Vec<u16> = [1].into_iter().chain(9..21).collect();
    assert!(!outbox.hear(&report(1, 12, 8, &missing), at(100), RTT, 0), "12 are still to come");
    assert!(outbox.hear(&report(1, 13, 8, &missing), at(100), RTT, 0));
}

#[test]
fn a_frame_that_is_whole_or_unwanted_is_emptied() {
    for state in [Reception::Whole, Reception::Expired, Reception::Overload, Reception::Error] {
        let mut outbox = Outbox::default();
        let payload = begin(&mut outbox, 1, 4, 0);
        outbox.release(1, 2_000, at(0));
        assert!(!outbox.hear(&Progress::last(1, state), at(1), RTT, 0));
        assert!(payload.is_unique() && !outbox.has_something());
        assert_eq!((outbox.take_dropped(), outbox.take_dropped()), (2 * 1_020, 0), "the gate gets them back once");
        assert_eq!(outbox.unsent_bytes(1), 0);
        outbox.remove(1, true);
        assert!(!outbox.has_something(), "the cloud knows");
    }
}

proptest! {
    /// Whatever a report says, no shard is queued twice, none beyond the frame, and the counts stay consistent.
    #[test]
    fn any_report_is_survived(
        reports in prop::collection::vec((any::<u16>(), any::<u16>(), prop::collection::btree_set(0..60_u16, 0..20), 0..300_u64), 0..20),
        released in 0..30_usize,
    ) {
        let mut outbox = Outbox::default();
        begin(&mut outbox, 1, 20, 2);
        outbox.release(1, (released * 1_020).max(1), at(0));
        let mut now = 0;
        for (needed, highest, missing, later) in reports {
            now += later;
            let missing: Vec<u16> = missing.into_iter().collect();
            outbox.hear(&report(1, needed, highest, &missing), at(now), RTT, 1);
            outbox.release(1, usize::MAX, at(now));
            let mut pulled = pull_all(&mut outbox);
            prop_assert!(pulled.iter().all(|(frame, index)| *frame == 1 && *index < 22));
            let before = pulled.len();
            pulled.sort_unstable();
            pulled.dedup();
            prop_assert_eq!(pulled.len(), before, "one round sends a shard once");
            prop_assert_eq!((outbox.unsent_bytes(1), outbox.has_something()), (0, false));
        }
    }
}
