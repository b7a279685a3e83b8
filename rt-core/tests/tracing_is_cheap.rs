//! What tracing costs, beside what a look at the clock costs: printed, and held to a generous ratio.
//!
//! `cargo test --release -p rt-core --test tracing_is_cheap -- --nocapture` shows the nanoseconds of this machine.

use std::hint::black_box;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::frame::FrameId;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::{Hop, LatencyHistogram, Tracer};

/// As many as fit in the ring between two drains.
const BATCH: u64 = 4_096;
const BATCHES: u64 = 200;

/// Nanoseconds of one `act`, the median of all batches, so that being interrupted in some does not count.
fn cost_ns<T>(mut act: impl FnMut(u64) -> T, mut between: impl FnMut()) -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            between();
            let begun = Monotonic::now();
            (0..BATCH).for_each(|number| drop(black_box(act(number))));
            Monotonic::now().saturating_since(begun).as_nanos() as f64 / BATCH as f64
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches.get(batches.len() / 2).copied().unwrap_or(f64::INFINITY)
}

#[test]
fn a_stamp_costs_no_more_than_a_few_looks_at_the_clock() {
    let clock = cost_ns(|_| Monotonic::now(), || {});
    let mut tracer = Tracer::default();
    let mut stamper = tracer.stamper("measured", BATCH as usize);
    let (start, end) = (Monotonic::from_ns(1_000), Monotonic::from_ns(2_500));
    let mut taken = 0;
    let mut stamp = |seq| stamper.stamp(Hop::Encode, FrameId { service: 1, seq }, start, end);
    let stamped = cost_ns(&mut stamp, || taken += tracer.drain().stamps);
    let dropped = cost_ns(&mut stamp, || {});
    assert_eq!((taken, tracer.dropped()), (BATCH * (BATCHES - 1), BATCH * BATCHES), "both paths were measured");
    let (mut counters, watch) = ThreadCounters::new("measured");
    let counted = cost_ns(|_| counters.count(black_box(Counter::Items)), || {});
    let ticked = cost_ns(|_| counters.tick(black_box(start)), || {});
    assert_eq!(watch.snapshot().get(Counter::Items), BATCH * BATCHES);
    let mut histogram = LatencyHistogram::default();
    let recorded = cost_ns(|number| histogram.record(Duration::from_nanos(number * 997)), || {});
    assert_eq!(histogram.count(), BATCH * BATCHES);
    println!("clock {clock:.1} ns, stamp {stamped:.1} ns, stamp into a full ring {dropped:.1} ns");
    println!("count {counted:.1} ns, tick {ticked:.1} ns, record in a histogram {recorded:.1} ns");
    let costs = [stamped, dropped, counted, ticked, recorded];
    for (what, cost) in ["stamp", "lost stamp", "count", "tick", "record"].into_iter().zip(costs) {
        assert!(cost <= 10.0 * clock, "a {what} costs {cost:.1} ns, a look at the clock {clock:.1} ns");
    }
}
