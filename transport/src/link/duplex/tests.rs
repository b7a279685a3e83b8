use std::path::Path as FilePath;
use std::time::Duration;

use super::*;
use crate::link::trace::Trace;

const MS: u64 = 1_000_000;

fn at_ms(ms: u64) -> Monotonic {
    Monotonic::from_ns(ms * MS)
}

fn link(script: &str) -> Duplex<u64> {
    let script = Script::parse(script, "script", FilePath::new(".")).expect("a script");
    let way = || PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(8_000_000)) };
    Duplex::new(way(), way(), script, 5, Monotonic::ZERO, 10_000)
}

/// Drives packets of 1000 bytes up, one a millisecond for a second, looking every `period_ms`; what arrived when.
fn arrivals(link: &mut Duplex<u64>, period_ms: u64) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    for ms in 0..3000 {
        if ms < 1000 {
            while link.play(at_ms(ms)).is_some() {}
            link.up.offer(at_ms(ms), 1000, ms).expect("there is room");
        }
        if ms % period_ms == 0 {
            while link.play(at_ms(ms)).is_some() {}
            out.extend(std::iter::from_fn(|| link.up.take(at_ms(ms))).map(|packet| (packet.token, packet.at.as_ns())));
        }
    }
    out
}

#[test]
fn a_script_changes_the_way_at_its_own_times_however_late_it_is_played() {
    // 8 Mbit/s carry a packet a millisecond; a blackout of 50 ms, and 4 Mbit/s from 200 ms to 300 ms.
    let script = "100ms blackout up on\n150ms blackout up off\n200ms rate up 4\n300ms rate up 80\n400ms delay up 20ms";
    let exact = arrivals(&mut link(script), 1);
    assert_eq!(arrivals(&mut link(script), 17), exact);
    assert_eq!(exact.len(), 1000);
    let at = |packet: usize| exact[packet];
    assert_eq!(at(99), (99, 100 * MS));
    assert_eq!(at(100), (100, 151 * MS), "held in the queue for 50 ms");
    assert_eq!(at(149), (149, 200 * MS));
    assert_eq!(at(150), (150, 202 * MS), "at half the rate");
    assert_eq!(at(350), (350, 350 * MS + MS / 10), "at ten times the rate, the queue is gone");
    assert_eq!(at(500), (500, 520 * MS + MS / 10), "with the new delay");
}

#[test]
fn a_change_both_ways_changes_both_and_one_way_only_that() {
    let mut link = link("");
    let command = |text| Command::parse(text, FilePath::new(".")).expect("a command");
    assert_eq!(link.apply(at_ms(1), command("delay both 7ms")), None);
    assert_eq!(link.apply(at_ms(1), command("loss down 1%")), None);
    assert_eq!(
        (link.up.config().delay, link.down.config().delay),
        (Duration::from_millis(7), Duration::from_millis(7))
    );
    assert_eq!((link.up.config().loss, link.down.config().loss), (0.0, 0.01));
    assert_eq!(link.apply(at_ms(2), command("rebind")), Some(Rebind { from: None }));
}

#[test]
fn every_rebinding_is_handed_out_and_the_rest_is_done_beside() {
    let mut link = link("1ms rebind\n1ms delay up 5ms\n2ms rebind 127.0.0.3\n9ms rebind\n10ms repeat");
    assert_eq!(link.next_event(), Some(at_ms(1)));
    assert_eq!(link.play(at_ms(5)), Some(Rebind { from: None }));
    assert_eq!(link.play(at_ms(5)), Some(Rebind { from: Some([127, 0, 0, 3].into()) }));
    assert_eq!(link.play(at_ms(5)), None);
    assert_eq!(link.up.config().delay, Duration::from_millis(5));
    assert_eq!(std::iter::from_fn(|| link.play(at_ms(29))).count(), 7);
}

#[test]
fn the_two_directions_lose_different_packets() {
    let mut link = link("0s loss both 50%\n0s queue both 1000000");
    let mut lost = |up: bool| -> Vec<bool> {
        while link.play(at_ms(0)).is_some() {}
        let way = if up { &mut link.up } else { &mut link.down };
        (0..100).for_each(|packet| way.offer(at_ms(0), 100, packet).expect("there is room"));
        std::iter::from_fn(|| way.take(at_ms(100))).map(|packet| packet.lost).collect()
    };
    assert_ne!(lost(true), lost(false));
}
