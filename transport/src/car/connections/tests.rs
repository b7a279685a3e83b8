//! The rules by example, and what must hold whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rt_core::clock::Monotonic;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn at(ms: u32) -> Monotonic {
    Monotonic::from_ns(1).plus(MS * ms)
}

/// A connection that has sent and heard so much, in tens of bytes.
fn signs(sent: u64, acked: u64) -> Signs {
    Signs {
        sent_bytes: sent * 10,
        acked_bytes: acked * 10,
        in_flight_bytes: (sent - acked) * 10,
        probe_timeout: MS * 80,
        rtt: MS * 50,
        min_rtt: MS * 50,
        ..Signs::default()
    }
}

fn steps(rules: &mut Connections, now: Monotonic) -> Vec<Step> {
    std::iter::from_fn(|| rules.step(now)).collect()
}

/// The first attempt is accepted at once.
fn connected(uplinks: usize) -> (Connections, Vec<Id>) {
    let mut rules = Connections::new(uplinks, 7);
    let ids: Vec<Id> = steps(&mut rules, at(0))
        .into_iter()
        .map(|step| match step {
            Step::Attempt { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    for id in &ids {
        assert!(rules.accepted(*id, signs(0, 0), at(0)));
    }
    let first = ids[0];
    assert_eq!(steps(&mut rules, at(0)), [Step::Use { id: first, uplink: 0, why: Why::First }]);
    (rules, ids)
}

fn attempts(steps: &[Step]) -> Vec<Id> {
    let attempt = |step: &Step| if let Step::Attempt { id, .. } = step { Some(*id) } else { None };
    steps.iter().filter_map(attempt).collect()
}

#[test]
fn without_a_connection_attempts_are_brisk_at_first_and_never_end() {
    let mut rules = Connections::new(1, 3);
    let mut begun: Vec<u32> = vec![];
    for ms in 0..120_000 {
        begun.extend(attempts(&steps(&mut rules, at(ms))).iter().map(|_| ms));
    }
    let within = |from: u32, to: u32| begun.iter().filter(|ms| (from..to).contains(ms)).count();
    assert!((100..=230).contains(&within(0, 10_000)), "{}", within(0, 10_000));
    assert!(begun.windows(2).take_while(|pair| pair[1] < 10_000).all(|pair| pair[1] - pair[0] <= 91));
    assert!((10..=20).contains(&within(20_000, 30_000)), "{}", within(20_000, 30_000));
    assert!((10..=20).contains(&within(110_000, 120_000)), "{}", within(110_000, 120_000));
}

#[test]
fn an_answered_attempt_has_others_wait_and_a_refused_one_does_too() {
    let mut rules = Connections::new(1, 3);
    let first = attempts(&steps(&mut rules, at(0)))[0];
    rules.heard(first, at(50));
    assert_eq!(rules.due(at(50)), Some(at(550)));
    assert_eq!(steps(&mut rules, at(549)), []);
    rules.failed(first, false, at(549));
    let due = rules.due(at(549)).expect("another attempt");
    assert!(due > at(549) && due <= at(600), "the first backoff is up to 50 ms");
}

#[test]
fn a_suspect_connection_and_its_successor_race_and_the_faster_one_stays() {
    for old_answers in [true, false] {
        let (mut rules, ids) = connected(1);
        rules.observe(ids[0], signs(5, 0), at(10));
        assert_eq!(rules.due(at(10)), Some(at(510)));
        assert_eq!(steps(&mut rules, at(509)), []);
        assert!(!rules.is_suspect(at(509)));
        let begun = attempts(&steps(&mut rules, at(510)));
        assert!(rules.is_suspect(at(510)) && begun.len() == 1);
        if old_answers {
            rules.observe(ids[0], signs(5, 5), at(560));
            assert_eq!(steps(&mut rules, at(560)), [Step::Abandon { id: begun[0] }]);
            assert!(!rules.accepted(begun[0], signs(0, 0), at(570)), "it is not wanted any more");
            assert!(!rules.is_suspect(at(570)));
        } else {
            rules.observe(ids[0], Signs { frames: 1, ..signs(5, 0) }, at(560));
            assert!(rules.accepted(begun[0], signs(0, 0), at(560)));
            assert_eq!(steps(&mut rules, at(560))[0], Step::Use { id: begun[0], uplink: 0, why: Why::Suspect });
            assert_eq!(steps(&mut rules, at(570)), [], "the old one has a frame to answer");
            rules.observe(ids[0], signs(5, 0), at(580));
            assert_eq!(steps(&mut rules, at(580)), [Step::Close { id: ids[0], why: Closing::Replaced }]);
        }
    }
}

#[test]
fn the_dead_rest_and_go_on_where_they_answer() {
    let (mut rules, ids) = connected(1);
    rules.observe(ids[0], signs(1, 0), at(0));
    let _ = steps(&mut rules, at(600));
    let seen = steps(&mut rules, at(1_200));
    assert_eq!(seen.iter().filter(|step| **step == Step::Rest { id: ids[0] }).count(), 1, "{seen:?}");
    let mut pings = 0;
    for ms in 1_201..11_200 {
        let seen = steps(&mut rules, at(ms));
        pings += seen.iter().filter(|step| **step == Step::Ping { id: ids[0] }).count();
    }
    assert_eq!(pings, 99);
    rules.observe(ids[0], signs(100, 1), at(11_300));
    let seen = steps(&mut rules, at(11_300));
    assert!(seen.contains(&Step::Use { id: ids[0], uplink: 0, why: Why::First }), "{seen:?}");
    // A fresh one is wanted all the same.
    let fresh = (11_300..12_400).flat_map(|ms| attempts(&steps(&mut rules, at(ms)))).next().expect("an attempt");
    rules.observe(ids[0], signs(100, 100), at(12_400));
    assert!(rules.accepted(fresh, signs(0, 0), at(12_400)));
    assert!(steps(&mut rules, at(12_400)).contains(&Step::Use { id: fresh, uplink: 0, why: Why::Worn }));
}

#[test]
fn rest_ends_after_a_minute() {
    let (mut rules, ids) = connected(1);
    rules.observe(ids[0], signs(1, 0), at(0));
    let closed =
        (0..70_000).find(|ms| steps(&mut rules, at(*ms)).contains(&Step::Close { id: ids[0], why: Closing::Dead }));
    assert_eq!(closed, Some(61_200));
}

#[test]
fn three_changes_of_address_are_enough() {
    let (mut rules, ids) = connected(1);
    rules.observe(ids[0], Signs { path_changes: 2, ..signs(5, 5) }, at(100));
    assert_eq!(steps(&mut rules, at(100)), []);
    rules.observe(ids[0], Signs { path_changes: 3, ..signs(6, 6) }, at(200));
    let fresh = attempts(&steps(&mut rules, at(200)));
    assert!(rules.accepted(fresh[0], signs(0, 0), at(300)));
    let seen = steps(&mut rules, at(300));
    assert_eq!(seen[0], Step::Use { id: fresh[0], uplink: 0, why: Why::Worn });
    assert_eq!(attempts(&seen), []);
}

#[test]
fn with_another_uplink_frames_move_sooner_and_no_further() {
    let (mut rules, ids) = connected(2);
    rules.observe(ids[0], signs(5, 0), at(10));
    assert_eq!(attempts(&steps(&mut rules, at(169))), []);
    assert_eq!(steps(&mut rules, at(170)), [Step::Use { id: ids[1], uplink: 1, why: Why::Suspect }]);
    // It answers again: nothing moves back.
    rules.observe(ids[0], signs(5, 5), at(200));
    assert_eq!(steps(&mut rules, at(200)), []);
    // The other one ends: the first takes over at once.
    rules.lost(ids[1]);
    assert_eq!(steps(&mut rules, at(300))[0], Step::Use { id: ids[0], uplink: 0, why: Why::First });
}

#[test]
fn an_uplink_is_left_for_a_clearly_better_one_after_two_seconds_and_not_back_within_ten() {
    let (mut rules, ids) = connected(2);
    let with_rtt = |rtt: u32, n: u64| Signs { rtt: MS * rtt, ..signs(n, n) };
    let mut moves = vec![];
    for ms in (0..30_000).step_by(10) {
        // Each is bad when it is used, which is when hysteresis matters.
        let used = moves.last().map_or(ids[0], |(_, id)| *id);
        for id in [ids[0], ids[1]] {
            rules.observe(id, with_rtt(if id == used { 200 } else { 50 }, u64::from(ms)), at(ms));
        }
        for step in steps(&mut rules, at(ms)) {
            if let Step::Use { id, why, .. } = step {
                assert_eq!(why, Why::Worse);
                moves.push((ms, id));
            }
        }
    }
    assert_eq!(moves.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [2_000, 12_000, 22_000]);
}

#[derive(Clone, Debug)]
enum Event {
    Pass(u32),
    Accept(usize),
    Fail(usize, bool),
    Heard(usize),
    Lose(usize),
    Sent(usize),
    Acked(usize),
    Moved(usize),
    Frames(usize, usize),
}

fn event() -> impl Strategy<Value = Event> {
    let which = || 0..8_usize;
    prop_oneof![
        4 => (1..800_u32).prop_map(Event::Pass),
        3 => which().prop_map(Event::Accept),
        2 => (which(), any::<bool>()).prop_map(|(n, silent)| Event::Fail(n, silent)),
        1 => which().prop_map(Event::Heard),
        1 => which().prop_map(Event::Lose),
        3 => which().prop_map(Event::Sent),
        3 => which().prop_map(Event::Acked),
        1 => which().prop_map(Event::Moved),
        1 => (which(), 0..3_usize).prop_map(|(n, frames)| Event::Frames(n, frames)),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_stay_consistent(
        uplinks in 1..4_usize,
        seed in any::<u64>(),
        events in prop::collection::vec(event(), 1..200),
    ) {
        let mut rules = Connections::new(uplinks, seed);
        let mut ms = 0;
        let (mut tried, mut live) = (BTreeSet::<Id>::new(), BTreeMap::<Id, Signs>::new());
        let (mut used, mut resting) = (None, BTreeSet::<Id>::new());
        for event in events {
            let now = at(ms);
            let nth_tried = |n: usize| tried.iter().nth(n % tried.len().max(1)).copied();
            let nth_live = |n: usize| live.keys().nth(n % live.len().max(1)).copied();
            match event {
                Event::Pass(time) => ms += time,
                Event::Accept(n) => if let Some(id) = nth_tried(n) {
                    tried.remove(&id);
                    prop_assert!(rules.accepted(id, Signs::default(), now), "an attempt that was not abandoned is wanted");
                    live.insert(id, Signs::default());
                },
                Event::Fail(n, silent) => if let Some(id) = nth_tried(n) {
                    tried.remove(&id);
                    rules.failed(id, silent, now);
                },
                Event::Heard(n) => if let Some(id) = nth_tried(n) {
                    rules.heard(id, now);
                },
                Event::Lose(n) => if let Some(id) = nth_live(n) {
                    live.remove(&id);
                    resting.remove(&id);
                    rules.lost(id);
                    used = used.filter(|used| *used != id);
                },
                Event::Sent(n) | Event::Acked(n) | Event::Moved(n) | Event::Frames(n, _) => if let Some(id) = nth_live(n)
                    && let Some(signs) = live.get_mut(&id)
                {
                    match event {
                        Event::Sent(_) => signs.sent_bytes += 10,
                        Event::Acked(_) => {
                            signs.acked_bytes = signs.sent_bytes;
                            resting.remove(&id);
                        }
                        Event::Moved(_) => signs.path_changes += 1,
                        Event::Frames(_, frames) => signs.frames = frames,
                        _ => {}
                    }
                    signs.in_flight_bytes = signs.sent_bytes - signs.acked_bytes;
                    rules.observe(id, *signs, now);
                },
            }
            let now = at(ms);
            let steps = steps(&mut rules, now);
            prop_assert!(steps.len() < 50, "{steps:?}");
            for step in steps {
                match step {
                    Step::Attempt { id, uplink } => prop_assert!(uplink < uplinks && tried.insert(id)),
                    Step::Abandon { id } => prop_assert!(tried.remove(&id), "an attempt that there is"),
                    Step::Use { id, uplink, .. } => {
                        // A connection that ended in the same round may still be named; the driver knows it no more.
                        if live.contains_key(&id) {
                            prop_assert!(uplink < uplinks);
                            resting.remove(&id);
                            used = Some(id);
                        }
                    }
                    Step::Rest { id } => {
                        prop_assert!(live.contains_key(&id) && resting.insert(id));
                        used = used.filter(|used| *used != id);
                    }
                    Step::Ping { id } => prop_assert!(live.contains_key(&id)),
                    Step::Close { id, .. } => {
                        prop_assert!(live.remove(&id).is_some());
                        resting.remove(&id);
                        prop_assert!(used != Some(id), "what carries the frames is never closed");
                    }
                }
            }
            prop_assert_eq!(used, rules.active);
            prop_assert!(used.is_none_or(|used| live.contains_key(&used) && !resting.contains(&used)));
            // Something is always about to happen for an uplink without a connection that works.
            for uplink in &rules.uplinks {
                prop_assert!(uplink.live.is_some_and(|live| live.works(now, false)) || uplink.schedule.due().is_some());
            }
            prop_assert!(live.len() <= 2 * uplinks + rules.retiring.len());
        }
    }
}
