use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::super::*;

const PACKETS: usize = 100_000;

/// A direction in which everything happens at once, at a rate at which packets now queue and now do not.
fn rough() -> PathConfig {
    PathConfig {
        queue_bytes: 6_000,
        jitter: Duration::from_millis(3),
        loss: 0.05,
        burst: BurstLoss { loss: 0.05, mean_packets: 4.0 },
        reorder: Reorder { probability: 0.1, extra_delay: Duration::from_millis(2) },
        duplicate: 0.1,
        corrupt: 0.1,
        ..PathConfig::shaped(Trace::fixed(8_000_000)).delayed(Duration::from_millis(10))
    }
}

/// A direction so fast and roomy that nothing but the dice decides.
fn fast() -> PathConfig {
    PathConfig { queue_bytes: u64::MAX / 2, ..PathConfig::fast() }
}

/// Offers [`PACKETS`] packets, one every 10 µs, and gives what came out.
fn all_through(config: PathConfig, seed: u64) -> Vec<Delivery<usize>> {
    let mut path = Path::new(config, seed, Monotonic::ZERO, PACKETS);
    let mut out = Vec::with_capacity(PACKETS);
    for packet in 0..PACKETS {
        let now = Monotonic::from_ns(packet as u64 * 10_000);
        path.offer(now, 1000, packet).expect("there is room");
        out.extend(std::iter::from_fn(|| path.take(now)));
    }
    out.extend(std::iter::from_fn(|| path.take(Monotonic::from_ns(u64::MAX))));
    assert_eq!(out.len(), PACKETS);
    out
}

/// Five standard deviations: of a million honest runs, none is refused.
fn is_near(measured: f64, expected: f64, variance: f64) -> bool {
    (measured - expected).abs() <= 5.0 * variance.sqrt()
}

fn change() -> impl Strategy<Value = Change> {
    let ms = || (0_u64..8).prop_map(Duration::from_millis);
    prop_oneof![
        (0_u64..20_000_000).prop_map(|bps| Change::Trace(Trace::fixed(bps))),
        ms().prop_map(Change::Delay),
        ms().prop_map(Change::Jitter),
        (0.0..1.0).prop_map(Change::Loss),
        (0.0..0.4, 1.0..9.0).prop_map(|(loss, mean_packets)| Change::Burst(BurstLoss { loss, mean_packets })),
        (0.0..1.0, ms()).prop_map(|(probability, extra_delay)| Change::Reorder(Reorder { probability, extra_delay })),
        (0.0..1.0).prop_map(Change::Duplicate),
        (0.0..1.0).prop_map(Change::Corrupt),
        (1500_u64..20_000).prop_map(Change::Queue),
        any::<bool>().prop_map(Change::Blackout),
    ]
}

#[derive(Clone, Debug)]
enum Event {
    Packet(u32),
    Change(Change),
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let kind = prop_oneof![12 => (0_u32..1473).prop_map(Event::Packet), 1 => change().prop_map(Event::Change)];
    proptest::collection::vec((prop_oneof![0_u64..50, 0_u64..3000], kind), 1..200)
}

/// What became of a scenario.
#[derive(Debug, PartialEq)]
struct Outcome {
    out: Vec<Delivery<usize>>,
    refused: Vec<usize>,
    left: usize,
}

/// Runs a scenario; `attentive` takes every packet at the instant that [`Path::next_event`] tells, else only `late`ly.
fn run(events: &[(u64, Event)], seed: u64, attentive: bool) -> Result<Outcome, TestCaseError> {
    let mut path = Path::new(rough(), seed, Monotonic::ZERO, 1000);
    let mut outcome = Outcome { out: Vec::new(), refused: Vec::new(), left: 0 };
    let mut now = Monotonic::ZERO;
    let ends = [(1_000_000, Event::Change(Change::Blackout(true)))];
    for (packet, (gap_us, event)) in events.iter().chain(&ends).enumerate() {
        let next = now.plus(Duration::from_micros(*gap_us));
        while let Some(at) = path.next_event().filter(|&at| attentive && at <= next) {
            now = now.max(at);
            while let Some(delivery) = path.take(now) {
                prop_assert_eq!(delivery.at, now, "told of in time");
                outcome.out.push(delivery);
            }
            prop_assert!(path.next_event().is_none_or(|later| later > now), "no standing still");
        }
        now = next;
        match event {
            Event::Packet(bytes) => {
                outcome.refused.extend(path.offer(now, *bytes, packet).err().map(|(_, token)| token));
            }
            Event::Change(change) => path.apply(now, change.clone()),
        }
        if packet % 7 == 0 && !attentive {
            outcome.out.extend(std::iter::from_fn(|| path.take(now)));
        }
    }
    outcome.out.extend(std::iter::from_fn(|| path.take(now)));
    outcome.left = path.packets();
    Ok(outcome)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_packet_is_made_or_vanishes_whoever_looks_and_when(seed: u64, events in events()) {
        let outcome = run(&events, seed, true)?;
        let offered: BTreeSet<usize> = (0..events.len()).filter(|&k| matches!(events[k].1, Event::Packet(_))).collect();
        let out: Vec<usize> = outcome.out.iter().map(|delivery| delivery.token).collect();
        prop_assert_eq!(out.len() + outcome.refused.len() + outcome.left, offered.len());
        let seen: BTreeSet<usize> = out.iter().chain(&outcome.refused).copied().collect();
        prop_assert_eq!(seen.len(), out.len() + outcome.refused.len(), "none twice");
        prop_assert!(seen.is_subset(&offered));
        prop_assert!(outcome.out.is_sorted_by_key(|delivery| delivery.at));
        prop_assert_eq!(run(&events, seed, false)?, outcome);
    }

    #[test]
    fn overtaken_is_what_arrives_after_a_later_one_and_nothing_without_reordering(seed: u64, events in events()) {
        let outcome = run(&events, seed, true)?;
        let mut newest = None;
        for delivery in outcome.out.iter().filter(|delivery| !delivery.lost) {
            prop_assert_eq!(delivery.effects.overtaken, Some(delivery.token) < newest);
            newest = newest.max(Some(delivery.token));
        }
        let orderly: Vec<_> =
            events.iter().filter(|(_, event)| !matches!(event, Event::Change(Change::Reorder(_)))).cloned().collect();
        let keep_turn = (0, Event::Change(Change::Reorder(Reorder::NONE)));
        let outcome = run(&[&[keep_turn], orderly.as_slice()].concat(), seed, true)?;
        prop_assert!(outcome.out.is_sorted_by_key(|delivery| delivery.token));
        prop_assert!(outcome.out.iter().all(|delivery| !delivery.effects.overtaken));
    }

    #[test]
    fn damage_changes_one_byte_and_always_the_same(draw: u64, payload in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let (mut once, mut again) = (payload.clone(), payload.clone());
        Damage(draw).apply(&mut once);
        Damage(draw).apply(&mut again);
        prop_assert_eq!(&once, &again);
        let changed = once.iter().zip(&payload).filter(|(a, b)| a != b).count();
        prop_assert_eq!(changed, payload.len().min(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn shares_are_those_asked_for(seed: u64, share in 0.0005..0.5) {
        let config = PathConfig {
            duplicate: share,
            corrupt: share,
            reorder: Reorder { probability: share, extra_delay: Duration::from_secs(9) },
            ..fast()
        };
        let n = PACKETS as f64;
        let variance = share * (1.0 - share) / n;
        let fraction = |out: &[Delivery<usize>], counts: fn(&Delivery<usize>) -> bool| {
            out.iter().filter(|delivery| counts(delivery)).count() as f64 / n
        };
        let lost = fraction(&all_through(fast().lossy(share), seed), |delivery| delivery.lost);
        prop_assert!(is_near(lost, share, variance), "lost {lost}");
        let out = all_through(config, seed);
        let duplicated = fraction(&out, |delivery| delivery.effects.duplicated);
        prop_assert!(is_near(duplicated, share, variance), "duplicated {duplicated}");
        let corrupted = fraction(&out, |delivery| delivery.effects.damage.is_some());
        prop_assert!(is_near(corrupted, share, variance), "corrupted {corrupted}");
        // Held back beyond the end: overtaken by all that follow.
        let overtaken = fraction(&out, |delivery| delivery.effects.overtaken);
        prop_assert!(is_near(overtaken, share, variance + 1.0 / (n * n)), "overtaken {overtaken}");
    }

    #[test]
    fn bursts_lose_the_share_and_have_the_length_asked_for(seed: u64, loss in 0.005..0.3, mean_packets in 1.5..12.0) {
        let burst = BurstLoss { loss, mean_packets };
        let out = all_through(fast().bursty(burst), seed);
        let lost = out.iter().filter(|delivery| delivery.lost).count() as f64;
        prop_assert!(out.iter().all(|delivery| delivery.lost == delivery.effects.in_burst));
        // A two-state chain's mean varies more than independent draws' by (1 + m) / (1 - m), m being its memory.
        let memory = 1.0 - burst.enter() - burst.leave();
        let variance = loss * (1.0 - loss) / PACKETS as f64 * (1.0 + memory) / (1.0 - memory);
        prop_assert!(is_near(lost / PACKETS as f64, loss, variance), "{lost} of {PACKETS}, not {loss}");
        let starts = out.iter().enumerate().filter(|(k, delivery)| delivery.lost && (*k == 0 || !out[k - 1].lost));
        let bursts = starts.count() as f64;
        // A burst's length is geometric; the last one may be cut off.
        let variance = mean_packets * (mean_packets - 1.0) / bursts + (mean_packets / bursts).powi(2);
        prop_assert!(is_near(lost / bursts, mean_packets, variance), "{} in a row, not {mean_packets}", lost / bursts);
    }
}

#[test]
fn one_effect_does_not_shift_the_dice_of_another() {
    let lost = |config: PathConfig| {
        let out = all_through(config, 11);
        out.into_iter().filter(|delivery| delivery.lost).map(|delivery| delivery.token).collect::<BTreeSet<_>>()
    };
    let plain = lost(fast().lossy(0.1));
    let beside = PathConfig { duplicate: 0.3, corrupt: 0.3, jitter: Duration::from_millis(1), ..fast().lossy(0.1) };
    assert_eq!(lost(beside.clone()), plain);
    let bursty = lost(beside.bursty(BurstLoss { loss: 0.1, mean_packets: 5.0 }));
    assert!(bursty.is_superset(&plain) && bursty.len() > plain.len());
}

#[test]
fn a_packet_held_back_arrives_so_much_later_and_holds_up_nobody() {
    let extra_delay = Duration::from_millis(5);
    let config = fast().delayed(Duration::from_millis(20));
    let held = PathConfig { reorder: Reorder { probability: 0.2, extra_delay }, ..config.clone() };
    let mut plain = all_through(config, 3);
    let mut reordered = all_through(held, 3);
    plain.sort_by_key(|delivery| delivery.token);
    reordered.sort_by_key(|delivery| delivery.token);
    for (a, b) in plain.iter().zip(&reordered) {
        let later = b.at.saturating_since(a.at);
        assert!(later == extra_delay || later == Duration::ZERO && !b.effects.overtaken, "{later:?}: {b:?}");
    }
    assert!(reordered.iter().filter(|delivery| delivery.effects.overtaken).count() > PACKETS / 10);
}

#[test]
fn bursts_that_cannot_be_are_refused_with_the_least_that_can() {
    let fault = |loss, mean_packets| {
        let config = PathConfig::fast().bursty(BurstLoss { loss, mean_packets });
        config.check("downlink", 1500).expect_err("a fault").to_string()
    };
    assert!(fault(0.1, 0.5).contains("downlink: bursts of 0.5 packets cannot lose a fraction of 0.1; at least 1.00"));
    assert!(fault(0.8, 2.0).contains("at least 4.00 packets"), "{}", fault(0.8, 2.0));
    assert!(fault(1.0, 2.0).contains("a fraction below 1"));
    assert!(fault(0.1, f64::NAN).contains("NaN packets"));
    assert!(fault(2.0, 9.0).contains("the loss in bursts is 2; a fraction from 0 to 1"));
}
