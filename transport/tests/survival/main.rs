//! What becomes of a car's link when the network, the gateway or another car do their worst: the real endpoints in
//! virtual time, so that times are exact and the same on every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod rig;

use std::time::Duration;

use rig::{Act, MS, Plan, S, link, play};
use transport::car::{LinkEvent, ReplyStatus};
use transport::carrier::{Carrier, CarrierChoice};
use transport::gateway::GatewayEvent;
use transport::link::{PathConfig, Reorder, Trace};
use transport::simulation::Setup;

/// 10 Mbit/s, 50 ms, 1 % loss.
fn uplink(seed: u64) -> Setup {
    let (up, down) = directions(25, 0.01);
    Setup::new(seed, up, down)
}

fn directions(one_way_ms: u32, loss: f64) -> (PathConfig, PathConfig) {
    let up = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(10_000_000)) };
    let down = PathConfig { overhead_bytes: 0, ..PathConfig::fast() };
    (up.delayed(MS * one_way_ms).lossy(loss), down.delayed(MS * one_way_ms).lossy(loss))
}

fn plan(setup: Setup, duration: Duration, acts: Vec<(Duration, Act)>) -> Plan {
    Plan {
        setup,
        carrier: CarrierChoice::default(),
        uplinks: 1,
        frame_bytes: 12_000,
        period: MS * 33,
        budget: MS * 200,
        execution: Duration::ZERO,
        duration,
        acts,
    }
}

fn blackout(from: Duration, to: Duration) -> Vec<(Duration, Act)> {
    vec![(from, link(|link| link.set_blackout(true))), (to, link(|link| link.set_blackout(false)))]
}

fn hole(from: Duration, to: Duration) -> Vec<(Duration, Act)> {
    vec![(from, link(|link| link.set_hole(true))), (to, link(|link| link.set_hole(false)))]
}

fn dead_from(at: Duration) -> Vec<(Duration, Act)> {
    vec![(at, link(|link| link.set_blackout(true)))]
}

#[test]
fn after_a_blackout_of_30_s_the_first_frame_is_answered_within_300_ms() {
    for seed in 1..=6_u32 {
        // The link returns at any phase of the pings, the attempts and the frames.
        let back = S * 35 + MS * 17 * seed;
        // What is sent meanwhile waits in a radio's queue, and takes its time on the link's return; or it is lost.
        for acts in [blackout(S * 5, back), hole(S * 5, back)] {
            let seen = play(plan(uplink(u64::from(seed)), back + S * 4, acts));
            let first = seen.first_on_time(back).expect("a frame on time") - back;
            assert!(first <= MS * 300, "seed {seed}: {first:?}");
            seen.assert_once();
            // A fresh connection takes over from the one that rested, and loses none of the frames.
            let moves = seen.moves();
            assert!(moves.len() == 1 && moves[0].contains("was silent"), "seed {seed}: {moves:?}");
            assert_eq!(seen.connections_left(), 1, "seed {seed}: {:?}", seen.gateway);
            assert!(seen.on_time(back + MS * 500, back + S * 3) > 0.95, "seed {seed}: {:?}", seen.frames);
        }
    }
}

#[test]
fn a_blackout_longer_than_any_rest_ends_within_a_backoff() {
    let back = S * 100;
    let seen = play(plan(uplink(1), back + S * 4, blackout(S * 5, back)));
    let first = seen.first_on_time(back).expect("a frame on time") - back;
    assert!(first <= S + MS * 400, "{first:?}");
    seen.assert_once();
}

#[test]
fn a_silent_death_is_seen_within_2_s_with_frames_and_without() {
    for period in [MS * 33, S * 100] {
        let (start, died) = (S * 5, S * 5 + MS * 100);
        let mut plan = plan(uplink(3), S * 9, dead_from(died));
        plan.period = period;
        let seen = play(plan);
        let noticed = seen.connected(died, false).expect("it is noticed") - died;
        assert!(noticed < S * 2, "{noticed:?} with a frame every {period:?}");
        assert!(seen.connected(start, false) >= Some(died), "no false alarm before");
        let suspected = seen.events.iter().find(|(_, event)| *event == LinkEvent::Suspected).expect("a suspicion");
        assert!(suspected.0 > died && suspected.0 < died + MS * 1_100, "{suspected:?}");
        seen.assert_once();
    }
}

#[test]
fn another_process_of_the_same_identity_is_refused_as_long_as_the_first_lives() {
    let (up, down) = directions(25, 0.0);
    let (died, back) = (S * 6, S * 12);
    let mut acts = vec![(S, Act::Impostor)];
    acts.extend(blackout(died, back));
    // The link that dies is the first car's only one.
    let seen = play(plan(uplink(4).and_uplink(up, down), S * 16, acts));
    let (before, after): (Vec<_>, Vec<_>) = seen.impostor.iter().cloned().partition(|(at, _)| *at < died);
    let refused = before.iter().filter(|(_, event)| matches!(event, LinkEvent::Refused { .. })).count();
    assert!((10..45).contains(&refused), "refusals follow the backoff: {refused} in 5 s on two uplinks");
    assert!(before.iter().all(|(_, event)| *event != LinkEvent::Connected));
    assert!(seen.on_time(S * 2, died - MS * 200) > 0.97, "the first is not disturbed");
    // The first one's death is seen within 2 s, and the next attempt is a second away at most.
    let taken = after.iter().find(|(_, event)| *event == LinkEvent::Connected).expect("its place is taken").0;
    assert!(taken > died + S && taken < died + S * 3, "{taken:?}");
    // Now it is the first one's turn to be refused.
    let refused = |(at, event): &(Duration, LinkEvent)| *at > back && matches!(event, LinkEvent::Refused { .. });
    assert!(seen.events.iter().any(refused), "{:?}", seen.events);
    assert!(seen.frames.iter().all(|frame| frame.answers.len() == 1));
}

#[test]
fn attempts_into_the_dark_back_off_to_one_or_two_a_second() {
    let mut acts = vec![(Duration::ZERO, link(transport::simulation::SimulatedLink::kill_gateway))];
    let counted = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
    for at in [10, 30, 60] {
        let counted = std::rc::Rc::clone(&counted);
        acts.push((S * at, link(move |link| counted.borrow_mut().push(link.up_packets()))));
    }
    let seen = play(plan(uplink(5), S * 61, acts));
    let counted = counted.borrow();
    assert!((100..=250).contains(&counted[0]), "{counted:?}");
    assert!((20..=45).contains(&(counted[1] - counted[0])), "{counted:?}");
    assert!((30..=65).contains(&(counted[2] - counted[1])), "{counted:?}");
    assert!(seen.frames.iter().all(|frame| frame.answers[0].0 == ReplyStatus::LinkDown));
}

#[test]
fn car_and_gateway_start_in_any_order() {
    for late in [MS * 300, S * 5, S * 40] {
        let acts =
            vec![(Duration::ZERO, link(transport::simulation::SimulatedLink::kill_gateway)), (late, Act::StartGateway)];
        let seen = play(plan(uplink(6), late + S * 4, acts));
        let first = seen.first_on_time(late).expect("a frame on time") - late;
        // Within the first ten seconds attempts are brisk, after them up to a second apart.
        let most = if late < S * 10 { MS * 300 } else { S + MS * 300 };
        assert!(first <= most, "{late:?}: {first:?}");
        assert_eq!(seen.connections_left(), 1, "the first success wins, others are closed: {:?}", seen.gateway);
        seen.assert_once();
    }
}

#[test]
fn a_gateway_killed_in_the_middle_of_frames_and_started_again_is_found_again() {
    for dark in [MS * 200, S * 3, S * 20] {
        let (killed, back) = (S * 5 + MS * 3, S * 5 + MS * 3 + dark);
        let acts = vec![(killed, link(transport::simulation::SimulatedLink::kill_gateway)), (back, Act::StartGateway)];
        let mut plan = plan(uplink(7), back + S * 5, acts);
        plan.execution = MS * 20;
        let seen = play(plan);
        seen.assert_once();
        let first = seen.first_on_time(back).expect("a frame on time") - back;
        assert!(first <= S + MS * 500, "dark for {dark:?}: {first:?}");
        assert!(seen.on_time(back + S * 2, back + S * 4) > 0.95, "dark for {dark:?}");
    }
}

#[test]
fn six_changes_of_address_in_a_row_are_survived() {
    for gap in [S, MS * 400, S * 3] {
        let acts = (0..6).map(|n| (S * 3 + gap * n, link(transport::simulation::SimulatedLink::rebind))).collect();
        let end = S * 3 + gap * 6;
        let (up, down) = directions(25, 0.0);
        let mut plan = plan(Setup::new(8, up, down), end + S * 4, acts);
        plan.execution = MS * 25;
        let seen = play(plan);
        seen.assert_once();
        seen.assert_one_at_a_time(MS * 25);
        assert!(seen.connected(S, false).is_none(), "never without a connection: {:?}", seen.events);
        let moves = seen.moves();
        assert!(!moves.is_empty(), "three changes are enough for one connection: {:?}", seen.events);
        // What was on its way to an address that is gone is lost: a round trip's frames for each change.
        let share = seen.on_time(S * 2, end);
        let lost = (1.0 - share) * ((end - S * 2).as_secs_f64() / 0.033);
        assert!(lost <= 6.0 * 4.0, "{gap:?}: {lost} frames were lost; {:?}", seen.events);
        assert!(seen.on_time(end + S, end + S * 3) > 0.97);
    }
}

#[test]
fn packets_that_come_corrupted_twice_and_out_of_order_harm_nothing() {
    for (seed, carrier) in [(11, CarrierChoice::Auto), (12, CarrierChoice::Pinned(Carrier::Datagram))] {
        let (mut up, mut down) = directions(25, 0.0);
        for way in [&mut up, &mut down] {
            (way.corrupt, way.duplicate) = (0.01, 0.05);
            way.reorder = Reorder { probability: 0.05, extra_delay: MS * 8 };
        }
        let mut plan = plan(Setup::new(seed, up, down), S * 20, vec![]);
        plan.carrier = carrier;
        let seen = play(plan);
        seen.assert_once();
        assert!(seen.connected(S, false).is_none(), "{:?}", seen.events);
        // A corrupted packet fails its tag and is no more than a lost one.
        assert!(seen.on_time(S * 2, S * 18) > 0.97, "{carrier:?}: {}", seen.on_time(S * 2, S * 18));
        let told = seen.gateway.iter().filter_map(|(_, event)| match event {
            GatewayEvent::Tally(tally) => Some((tally.refused, tally.dropped_datagrams)),
            _ => None,
        });
        let (refused, dropped) = told.fold((0, 0), |sum, tally| (sum.0 + tally.0, sum.1 + tally.1));
        assert!(refused == 0 && dropped > 0, "{refused} frames refused, {dropped} packets that belong to nobody");
    }
}

#[test]
fn with_two_uplinks_a_handover_loses_at_most_what_was_on_its_way() {
    for seed in 1..=4_u32 {
        let ((up, down), (other_up, other_down)) = (directions(25, 0.0), directions(40, 0.0));
        let died = S * 6 + MS * 11 * seed;
        let acts = vec![
            (died, link(|link| link.set_uplink_blackout(0, true))),
            (S * 12, link(|link| link.set_uplink_blackout(0, false))),
        ];
        let setup = Setup::new(u64::from(seed), up, down).and_uplink(other_up, other_down);
        let mut plan = plan(setup, S * 20, acts);
        plan.uplinks = 2;
        // Less than is taken for granted of an uplink that has carried nothing yet.
        plan.frame_bytes = 6_000;
        let seen = play(plan);
        seen.assert_once();
        let stands_by = |(_, event): &(Duration, LinkEvent)| matches!(event, LinkEvent::StandsBy { .. });
        assert!(seen.events.iter().any(stands_by), "{:?}", seen.events);
        assert!(seen.connected(S, false).is_none(), "never without a connection: {:?}", seen.events);
        let moved = |(_, event): &&(Duration, LinkEvent)| matches!(event, LinkEvent::Moved { .. });
        let moved = seen.events.iter().find(moved).expect("a move").0;
        assert!(moved > died && moved < died + MS * 250, "moved after {:?}", moved - died);
        // What was captured within a round trip before the death, or after it and before the move, was on its way.
        for frame in seen.frames.iter().filter(|frame| frame.captured > S * 2 && !frame.on_time()) {
            assert!(frame.captured + MS * 100 > died && frame.captured < moved, "seed {seed}: {frame:?}, {moved:?}");
        }
        assert_eq!(seen.moves().len(), 1, "the first uplink's return disturbs nothing: {:?}", seen.events);
    }
}

#[test]
fn an_uplink_that_has_become_clearly_worse_is_left_once() {
    let (up, down) = directions(30, 0.0);
    let slow = link(|link| link.set_up_rate(150_000));
    let mut plan = plan(uplink(10).and_uplink(up, down), S * 30, vec![(S * 15, slow)]);
    plan.uplinks = 2;
    let seen = play(plan);
    seen.assert_once();
    assert_eq!(seen.moves().len(), 1, "{:?}", seen.events);
    let (moved, _) = seen.events.iter().find(|(_, event)| matches!(event, LinkEvent::Moved { .. })).expect("a move");
    assert!(*moved > S * 15 && *moved < S * 19, "{moved:?}");
    assert!(seen.on_time(*moved + MS * 500, S * 29) > 0.97);
}

#[test]
#[ignore = "prints"]
fn figures() {
    for seed in 1..=12_u32 {
        let back = S * 35 + MS * 17 * seed;
        for (name, acts) in [("queued", blackout(S * 5, back)), ("lost", hole(S * 5, back))] {
            let seen = play(plan(uplink(u64::from(seed)), back + S * 4, acts));
            let connected = seen.connected(back, true).map(|at| at - back);
            let first = seen.first_on_time(back).map(|at| at - back);
            eprintln!("blackout {name} {seed}: connected {connected:?} first {first:?}");
        }
    }
    for gap in [MS * 100, MS * 400, S, S * 3] {
        let acts = (0..6).map(|n| (S * 3 + gap * n, link(transport::simulation::SimulatedLink::rebind))).collect();
        let end = S * 3 + gap * 6;
        let seen = play(plan(uplink(8), end + S * 4, acts));
        let late = seen.frames.iter().filter(|f| f.captured > S * 2 && f.captured < end && !f.on_time()).count();
        eprintln!("rebinds every {gap:?}: {late} late, moves {:?}, down {:?}", seen.moves(), seen.connected(S, false));
    }
}
