//! Every interleaving of a stop and of a thread that registers its bell and goes to sleep; a bell that is missed would
//! be a deadlock.

use loom::sync::atomic::AtomicU32;

use super::*;
use crate::clock::Monotonic;

#[test]
fn no_thread_sleeps_through_a_stop() {
    loom::model(|| {
        let (stop, reason) = (StopToken::default(), Arc::new(AtomicU32::new(0)));
        let stopping = loom::thread::spawn({
            let (stop, reason) = (stop.clone(), Arc::clone(&reason));
            move || {
                reason.store(1, Ordering::Relaxed);
                stop.set();
            }
        });
        let bell = Doorbell::futex();
        stop.wakes(&bell);
        loop {
            let seen = bell.count();
            if stop.is_set() {
                break;
            }
            bell.wait_until(seen, Monotonic::from_ns(u64::MAX));
        }
        assert_eq!(reason.load(Ordering::Relaxed), 1, "who sees the stop sees what came before it");
        stopping.join().expect("stops and ends");
    });
}

#[test]
fn who_sees_the_stop_sees_what_came_before_it() {
    loom::model(|| {
        let (stop, reason) = (StopToken::default(), Arc::new(AtomicU32::new(0)));
        let stopping = loom::thread::spawn({
            let (stop, reason) = (stop.clone(), Arc::clone(&reason));
            move || {
                reason.store(1, Ordering::Relaxed);
                stop.set();
            }
        });
        if stop.is_set() {
            assert_eq!(reason.load(Ordering::Relaxed), 1, "without a bell in between");
        }
        stopping.join().expect("stops and ends");
    });
}
