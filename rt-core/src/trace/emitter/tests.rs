use super::*;

#[test]
fn every_record_is_either_taken_in_order_or_counted_as_dropped() {
    const SENT: u64 = 200_000;
    let (mut emitter, mut inlet) = ring(64);
    let mut taken = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..SENT {
                emitter.emit(number);
            }
        });
        while !inlet.is_finished() {
            inlet.drain(|number| taken.push(number));
        }
    });
    assert!(taken.is_sorted_by(|a, b| a < b));
    assert_eq!(taken.len() as u64 + inlet.dropped(), SENT);
}

#[test]
fn an_inlet_with_records_left_by_a_dead_emitter_is_not_finished() {
    let (mut emitter, mut inlet) = ring(4);
    emitter.emit(1);
    drop(emitter);
    assert!(!inlet.is_finished());
    inlet.drain(drop);
    assert!(inlet.is_finished());
}

#[test]
fn slices_hold_every_record_once_and_in_order_across_the_ring_s_end() {
    const SENT: u64 = 50_000;
    let (mut emitter, mut inlet) = ring(1_000);
    let mut taken = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut number = 0;
            while number < SENT {
                match emitter.emit(number) {
                    true => number += 1,
                    false => std::thread::yield_now(),
                }
            }
        });
        while !inlet.is_finished() {
            let before = taken.len();
            let told = inlet.drain_slices(|numbers| taken.extend_from_slice(numbers));
            assert_eq!(taken.len() - before, told);
        }
    });
    assert_eq!(taken, (0..SENT).collect::<Vec<_>>());
}

#[test]
fn records_seen_in_slices_are_dropped_once() {
    let (mut emitter, mut inlet) = ring(3);
    let alive = Arc::new(());
    for _ in 0..2 {
        for _ in 0..3 {
            assert!(emitter.emit(Arc::clone(&alive)));
        }
        assert_eq!(inlet.drain_slices(|_| {}), 3);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
