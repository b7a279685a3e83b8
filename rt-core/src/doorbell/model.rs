//! Every interleaving of ringing threads and the one that waits; a lost wake-up would be a deadlock.

use loom::sync::atomic::AtomicU32;

use super::*;

const FAR: Monotonic = Monotonic::from_ns(u64::MAX);

/// Leaves mail, then rings.
fn ringing(bell: &Doorbell, mail: &Arc<AtomicU32>) -> loom::thread::JoinHandle<()> {
    let (bell, mail) = (bell.clone(), Arc::clone(mail));
    loom::thread::spawn(move || {
        mail.fetch_add(1, Ordering::Relaxed);
        bell.ring();
    })
}

/// Waits as every owner of a bell does, until there are `letters`.
fn wait_for(letters: u32, bell: &Doorbell, mail: &Arc<AtomicU32>) {
    loop {
        let seen = bell.count();
        if mail.load(Ordering::Relaxed) == letters {
            break;
        }
        bell.wait_until(seen, FAR);
    }
}

#[test]
fn no_interleaving_loses_a_wake_up() {
    loom::model(|| {
        let (bell, mail) = (Doorbell::futex(), Arc::new(AtomicU32::new(0)));
        let ringing = ringing(&bell, &mail);
        wait_for(1, &bell, &mail);
        ringing.join().expect("rings and ends");
    });
}

#[test]
fn neither_of_two_ringers_is_lost() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (bell, mail) = (Doorbell::futex(), Arc::new(AtomicU32::new(0)));
        let both = [ringing(&bell, &mail), ringing(&bell, &mail)];
        wait_for(2, &bell, &mail);
        for ringing in both {
            ringing.join().expect("rings and ends");
        }
    });
}

#[test]
fn a_wait_that_ends_for_no_reason_loses_nothing() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (bell, mail) = (Doorbell::futex(), Arc::new(AtomicU32::new(0)));
        let ringing = ringing(&bell, &mail);
        let stray = loom::thread::spawn({
            let bell = bell.clone();
            move || bell.0.rings.wake_all(Reach::Private)
        });
        wait_for(1, &bell, &mail);
        ringing.join().expect("rings and ends");
        stray.join().expect("wakes and ends");
    });
}

#[test]
fn what_was_put_before_the_ring_is_there_after_the_wait() {
    loom::model(|| {
        let (bell, mail) = (Doorbell::futex(), Arc::new(AtomicU32::new(0)));
        let seen = bell.count();
        let ringing = ringing(&bell, &mail);
        bell.wait_until(seen, FAR);
        assert_eq!(mail.load(Ordering::Relaxed), 1, "without a look at the count");
        ringing.join().expect("rings and ends");
    });
}
