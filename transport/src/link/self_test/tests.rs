use rt_core::clock::Monotonic;

use super::*;

#[test]
fn every_part_measures_through_a_real_link() {
    let plan = SelfTest { one_way: Duration::from_millis(3), rate_bps: 20_000_000, each_for: Duration::from_secs(1) };
    let found = plan.run(&StopToken::default()).expect("a measurement");
    // How true it is depends on how busy this machine is; that no packet is early does not.
    assert!(found.round_trips.measured > 0 && found.round_trips.least_ms >= 6.0, "{found:?}");
    assert!(found.rate.measured >= 100 && found.rate.measured_mbps > 0.0, "{found:?}");
    assert!(found.round_trips_link.up.passed_packets >= found.round_trips.measured as u64, "{found:?}");
    assert!(found.rate_link.up.passed_packets >= found.rate.measured as u64, "{found:?}");
}

#[test]
fn a_stop_before_anything_was_measured_is_told() {
    let stop = StopToken::default();
    stop.set();
    let error = SelfTest { one_way: Duration::ZERO, ..SelfTest::default() }.run(&stop).expect_err("nothing measured");
    assert!(matches!(error, SelfTestError::TooFew { measured: 0, .. }), "{error}");
}

#[test]
fn round_trips_are_within_bounds_from_what_was_asked_for_to_half_a_millisecond_more() {
    let us = Duration::from_micros;
    let judged = |trips: &[u64]| {
        let trips = trips.iter().map(|trip| us(*trip)).collect();
        round_trip::found(trips, us(40_000)).expect("trips")
    };
    let good = judged(&[40_100, 47_000, 40_000, 40_500]);
    assert!(good.within_bounds, "{good:?}");
    assert_eq!(good.measured, 4);
    for (found, expected) in [(good.least_ms, 40.0), (good.median_ms, 40.1), (good.p95_ms, 47.0), (good.most_ms, 47.0)]
    {
        assert!((found - expected).abs() < 1e-9, "{good:?}");
    }
    assert!(!judged(&[39_999, 40_100, 40_100]).within_bounds, "one that is too short");
    assert!(!judged(&[40_000, 40_501, 40_501]).within_bounds, "a median that is too long");
}

#[test]
fn a_rate_is_within_bounds_up_to_half_a_percent() {
    let judged = |gap_ns: u64| {
        let arrivals: Vec<_> = (0..101).map(|k| Monotonic::from_ns(5_000 + k * gap_ns)).collect();
        rate::found(&arrivals, 10_000_000).expect("arrivals")
    };
    // 1500 bytes at 10 Mbit/s are 1.2 ms.
    assert!((judged(1_200_000).ratio - 1.0).abs() < 1e-9 && judged(1_200_000).within_bounds);
    assert!(judged(1_205_000).within_bounds && !judged(1_207_000).within_bounds && !judged(1_193_000).within_bounds);
    assert!(rate::found(&[Monotonic::ZERO; 99], 1).is_err());
}
