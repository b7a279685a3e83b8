use super::*;
use crate::clock::Monotonic;
use crate::testing::rounds;
use std::time::Duration;

#[test]
fn a_bell_registered_after_the_stop_rings_at_once() {
    let stop = StopToken::default();
    stop.set();
    let bell = Doorbell::futex();
    let seen = bell.count();
    stop.wakes(&bell);
    assert_ne!(bell.count(), seen);
}

#[test]
fn every_sleeper_wakes_whenever_it_registered() {
    for _ in 0..rounds(200) {
        let stop = StopToken::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let bell = Doorbell::futex();
                    stop.wakes(&bell);
                    let far = Monotonic::now().plus(Duration::from_secs(3600));
                    loop {
                        let seen = bell.count();
                        if stop.is_set() {
                            break;
                        }
                        bell.wait_until(seen, far);
                    }
                });
            }
            stop.set();
        });
    }
}
