//! Every interleaving of one ringing and one waiting thread; a lost wake-up would be a deadlock.

use loom::sync::atomic::AtomicU32;

use super::*;

#[test]
fn no_interleaving_loses_a_wake_up() {
    loom::model(|| {
        let bell = Doorbell::futex();
        let mail = Arc::new(AtomicU32::new(0));
        let far = Monotonic::from_ns(u64::MAX);
        let ringing = loom::thread::spawn({
            let (bell, mail) = (bell.clone(), Arc::clone(&mail));
            move || {
                mail.store(1, Ordering::Relaxed);
                bell.ring();
            }
        });
        loop {
            let seen = bell.count();
            if mail.load(Ordering::Relaxed) == 1 {
                break;
            }
            bell.wait_until(seen, far);
        }
        ringing.join().expect("rings and ends");
    });
}
