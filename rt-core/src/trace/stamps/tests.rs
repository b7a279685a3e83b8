use super::*;
use crate::frame::FrameId;

fn at(ns: u64) -> Monotonic {
    Monotonic::from_ns(ns)
}

#[test]
fn every_stamp_of_every_thread_is_in_its_hops_histogram_or_counted_as_lost() {
    const STAMPS: u64 = 50_000;
    let mut tracer = Tracer::default();
    let stampers = [(Hop::Encode, tracer.stamper("encoder", 64)), (Hop::Send, tracer.stamper("transport", 64))];
    std::thread::scope(|scope| {
        for (hop, mut stamper) in stampers {
            scope.spawn(move || {
                for seq in 0..STAMPS {
                    stamper.stamp(hop, FrameId { service: 1, seq }, at(seq), at(seq + 1_000));
                }
            });
        }
        let mut told = 0;
        let mut last = [None; 2];
        loop {
            let over = tracer.is_abandoned();
            let drained = tracer.drain_with(|thread, stamp| {
                let last = &mut last[usize::from(thread == "transport")];
                assert!(last.is_none_or(|last| last < stamp.seq), "{thread}: {stamp:?} after {last:?}");
                *last = Some(stamp.seq);
            });
            told += drained.dropped;
            if over {
                break;
            }
        }
        assert_eq!(told, tracer.dropped());
    });
    let lost: Vec<u64> = tracer.dropped_by_thread().map(|(_, lost)| lost).collect();
    for (hop, lost) in [Hop::Encode, Hop::Send].into_iter().zip(lost) {
        assert_eq!(tracer.histograms().count(hop) + lost, STAMPS, "{}", hop.name());
    }
    assert_eq!(tracer.histograms().count(Hop::Total), 0);
}

#[test]
fn a_hop_that_ended_before_it_began_took_no_time() {
    let mut tracer = Tracer::default();
    let mut stamper = tracer.stamper("any", 1);
    stamper.stamp(Hop::Network, FrameId { service: 1, seq: 0 }, at(2_000), at(1_000));
    tracer.drain();
    assert_eq!(tracer.histograms().quantiles(Hop::Network).map(|times| times.max), Some(Duration::ZERO));
}
