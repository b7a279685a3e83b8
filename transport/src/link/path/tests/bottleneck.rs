use std::time::Duration;

use proptest::prelude::*;

use super::super::*;

const NS_PER_US: u64 = 1000;

/// What happens at one instant of a scenario.
#[derive(Clone, Debug)]
enum Event {
    Packet(u32),
    /// A constant rate, in whole bits per microsecond so that the oracle is exact.
    Rate(u64),
    Blackout(bool),
}

/// A link simulated microsecond by microsecond: it earns bits while it has something to send, and sends with them.
struct Oracle {
    bits_per_us: Vec<u64>,
    blackout: bool,
    limit_bytes: u64,
    queue: VecDeque<(usize, u64)>,
    earned_bits: u64,
    /// What could have left, had there always been something to send.
    possible_bits: u64,
    now_us: u64,
    /// Packet and the microsecond by whose end it had left.
    departed: Vec<(usize, u64)>,
    refused: Vec<usize>,
}

impl Oracle {
    fn advance_to(&mut self, until_us: u64) {
        while self.now_us < until_us {
            let period_us = self.bits_per_us.len() as u64;
            let rate = self.bits_per_us[(self.now_us % period_us) as usize];
            self.now_us += 1;
            if !self.blackout {
                self.possible_bits += rate;
                if !self.queue.is_empty() {
                    self.earned_bits += rate;
                }
            }
            while let Some(&(packet, bytes)) = self.queue.front() {
                if self.earned_bits < bytes * 8 {
                    break;
                }
                self.earned_bits -= bytes * 8;
                self.queue.pop_front();
                self.departed.push((packet, self.now_us));
            }
            if self.queue.is_empty() {
                self.earned_bits = 0;
            }
        }
    }

    fn offer(&mut self, packet: usize, bytes: u64) {
        let queued: u64 = self.queue.iter().map(|(_, bytes)| bytes).sum();
        if queued + bytes > self.limit_bytes {
            self.refused.push(packet);
        } else {
            self.queue.push_back((packet, bytes));
        }
    }
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let kind = prop_oneof![
        20 => (1_u32..1473).prop_map(Event::Packet),
        1 => prop_oneof![Just(0_u64), 1_u64..40].prop_map(Event::Rate),
        1 => any::<bool>().prop_map(Event::Blackout),
    ];
    (prop_oneof![0_u64..5, 0_u64..2500], kind)
}

/// Opportunities in each millisecond of a short recorded trace.
fn opportunities() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(prop_oneof![3 => Just(0_u64), 5 => 1_u64..4], 1..25).prop_map(|mut counts| {
        if let Some(last) = counts.last_mut() {
            *last = (*last).max(1);
        }
        counts
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn departures_drops_and_order_are_those_of_a_step_by_step_link(
        counts in opportunities(),
        events in proptest::collection::vec(event(), 1..150),
        limit_bytes in 1500_u64..20_000,
        delay_us in 0_u64..50_000,
    ) {
        let text: String =
            (1..).zip(&counts).flat_map(|(ms, &count)| (0..count).map(move |_| format!("{ms}\n"))).collect();
        let trace = Trace::parse(&text, "t").expect("rising times");
        let config = PathConfig { queue_bytes: limit_bytes, ..PathConfig::shaped(trace) }
            .delayed(Duration::from_micros(delay_us));
        let overhead = u64::from(config.overhead_bytes);
        let origin_ns = 77_000;
        let at = |us: u64| Monotonic::from_ns(origin_ns + us * NS_PER_US);
        let mut path = Path::new(config, 3, at(0), 1000);
        let mut oracle = Oracle {
            bits_per_us: counts.iter().flat_map(|&count| std::iter::repeat_n(count * 12, 1000)).collect(),
            blackout: false,
            limit_bytes,
            queue: VecDeque::new(),
            earned_bits: 0,
            possible_bits: 0,
            now_us: 0,
            departed: Vec::new(),
            refused: Vec::new(),
        };
        let (mut refused, mut arrived, mut now_us) = (Vec::new(), Vec::new(), 0);
        for (packet, (gap_us, event)) in events.iter().enumerate() {
            now_us += gap_us;
            oracle.advance_to(now_us);
            match *event {
                Event::Packet(bytes) => {
                    oracle.offer(packet, u64::from(bytes) + overhead);
                    if let Err((reason, token)) = path.offer(at(now_us), bytes, packet) {
                        prop_assert_eq!(reason, Refusal::QueueFull);
                        refused.push(token);
                    }
                }
                Event::Rate(bits_per_us) => {
                    oracle.bits_per_us = vec![bits_per_us];
                    path.set_trace(at(now_us), Trace::fixed(bits_per_us * 1_000_000));
                }
                Event::Blackout(on) => {
                    oracle.blackout = on;
                    path.set_blackout(at(now_us), on);
                }
            }
            // Taken now and then only, as by a relay that is late: that must change nothing.
            if packet % 7 == 0 {
                arrived.extend(std::iter::from_fn(|| path.take(at(now_us))));
            }
            let queued: u64 = oracle.queue.iter().map(|(_, bytes)| bytes).sum();
            prop_assert!(path.packets() >= oracle.queue.len());
            prop_assert_eq!(path.capacity_bits(at(now_us)), oracle.possible_bits);
            if packet % 7 == 0 {
                prop_assert_eq!(path.queued_bytes(), queued);
            }
        }
        let end_us = now_us + 100_000;
        oracle.advance_to(end_us);
        path.set_trace(at(end_us), Trace::fixed(0));
        arrived.extend(std::iter::from_fn(|| path.take(at(end_us + delay_us))));
        prop_assert_eq!(&refused, &oracle.refused);
        let arrived: Vec<(usize, u64)> = arrived
            .iter()
            .map(|packet| (packet.token, (packet.at.as_ns() - origin_ns).div_ceil(NS_PER_US) - delay_us))
            .collect();
        prop_assert_eq!(&arrived, &oracle.departed);
        let offered = events.iter().filter(|(_, event)| matches!(event, Event::Packet(_))).count();
        prop_assert_eq!(offered, arrived.len() + refused.len() + path.packets());
    }

    #[test]
    fn which_packets_are_lost_depends_on_the_seed_and_not_on_timing(
        seed: u64,
        gaps_us in proptest::collection::vec(0_u64..400, 200),
    ) {
        let config = PathConfig { queue_bytes: 10_000_000, ..PathConfig::fast() }.lossy(0.2);
        let lost = |gaps: &[u64]| {
            let mut path = Path::new(config.clone(), seed, Monotonic::ZERO, 1000);
            let mut now = Monotonic::ZERO;
            for (packet, gap) in gaps.iter().enumerate() {
                now = now.plus(Duration::from_micros(*gap));
                path.offer(now, 1000, packet).expect("there is room");
            }
            let end = now.plus(Duration::from_secs(1));
            let all: Vec<_> = std::iter::from_fn(|| path.take(end)).collect();
            all.iter().filter(|packet| packet.lost).map(|packet| packet.token).collect::<Vec<_>>()
        };
        prop_assert_eq!(lost(&gaps_us), lost(&[50; 200]));
    }

    #[test]
    fn jitter_delays_within_its_bounds_and_never_reorders(seed: u64, gaps_us in proptest::collection::vec(0_u64..9000, 100)) {
        let (delay, jitter) = (Duration::from_millis(20), Duration::from_millis(5));
        let config = PathConfig { jitter, queue_bytes: 10_000_000, overhead_bytes: 0, ..PathConfig::fast() }.delayed(delay);
        let mut path = Path::new(config, seed, Monotonic::ZERO, 1000);
        let mut sent = Vec::new();
        let mut now = Monotonic::ZERO;
        for (packet, gap) in gaps_us.iter().enumerate() {
            now = now.plus(Duration::from_micros(*gap));
            path.offer(now, 125, packet).expect("there is room");
            sent.push(now);
        }
        let end = now.plus(Duration::from_secs(1));
        let arrived: Vec<_> = std::iter::from_fn(|| path.take(end)).collect();
        prop_assert_eq!(arrived.len(), sent.len());
        prop_assert!(arrived.is_sorted_by_key(|packet| packet.at));
        prop_assert!(arrived.iter().map(|packet| packet.token).eq(0..sent.len()));
        for (packet, sent) in arrived.iter().zip(&sent) {
            let took = packet.at.saturating_since(*sent);
            // 125 bytes take 1 µs at 1 Gbit/s; a hundred of them may stand before it.
            prop_assert!(took >= delay && took <= delay + jitter + Duration::from_micros(101), "{took:?}");
        }
    }
}

#[test]
fn a_saturated_path_carries_what_its_trace_can() {
    let trace = Trace::generated(5, Duration::from_secs(30), 16_000_000);
    let mut path = Path::new(PathConfig::shaped(trace.clone()), 1, Monotonic::ZERO, 4096);
    let (mut carried_bytes, length) = (0_u64, Duration::from_secs(60));
    for step in 0..60_000_u64 {
        let now = Monotonic::from_ns(step * 1_000_000);
        while path.offer(now, 1200, ()).is_ok() {}
        carried_bytes += std::iter::from_fn(|| path.take(now)).map(|packet| u64::from(packet.wire_bytes)).sum::<u64>();
    }
    let possible = trace.bits_by(length) as f64 / 8.0;
    assert!((carried_bytes as f64 / possible - 1.0).abs() < 0.005, "{carried_bytes} of {possible} bytes");
}

#[test]
fn an_idle_path_saves_nothing_up_and_a_dead_one_never_delivers() {
    let config = PathConfig { overhead_bytes: 0, ..PathConfig::shaped(Trace::fixed(8_000_000)) };
    let mut path = Path::new(config, 1, Monotonic::ZERO, 8);
    let late = Monotonic::from_ns(5_000_000_000);
    path.offer(late, 1000, 'a').expect("room");
    path.offer(late, 1000, 'b').expect("room");
    assert_eq!(path.next_event(), Some(late.plus(Duration::from_millis(1))));
    path.set_trace(late, Trace::fixed(0));
    assert_eq!(path.next_event(), None);
    assert!(path.take(Monotonic::from_ns(u64::MAX)).is_none());
    assert_eq!(path.queued_bytes(), 2000);
}

#[test]
fn room_for_packets_is_a_limit_of_its_own() {
    let mut path = Path::new(PathConfig::fast().delayed(Duration::from_secs(1)), 1, Monotonic::ZERO, 2);
    path.offer(Monotonic::ZERO, 10, 1).expect("room");
    path.offer(Monotonic::ZERO, 10, 2).expect("room");
    assert_eq!(path.offer(Monotonic::from_ns(500_000_000), 10, 3), Err((Refusal::TooMany, 3)));
    assert!(path.take(Monotonic::from_ns(2_000_000_000)).is_some());
    assert!(path.offer(Monotonic::from_ns(2_000_000_000), 10, 4).is_ok());
}

#[test]
fn a_direction_that_cannot_be_is_refused_with_its_value() {
    let fault = |config: PathConfig| config.check("uplink", 1500).expect_err("a fault").to_string();
    assert!(fault(PathConfig::fast().lossy(1.5)).contains("uplink: loss is 1.5; a fraction from 0 to 1"));
    assert!(fault(PathConfig::fast().lossy(f64::NAN)).contains("loss is NaN"));
    assert!(fault(PathConfig { queue_bytes: 900, ..PathConfig::fast() }).contains("queue of 900 bytes"));
}
