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
