use std::sync::atomic::AtomicU32;

use super::*;
use crate::testing::rounds;
use std::time::Duration;

#[test]
fn a_ring_before_the_wait_is_not_missed() {
    let bell = Doorbell::futex();
    let seen = bell.count();
    bell.ring();
    bell.wait_until(seen, Monotonic::now().plus(Duration::from_secs(3600)));
}

#[test]
fn two_threads_hand_a_turn_back_and_forth_without_losing_one() {
    let rounds = rounds(20_000) as u32;
    let (ping, pong) = (Doorbell::futex(), Doorbell::futex());
    let turns = AtomicU32::new(0);
    let far = Monotonic::now().plus(Duration::from_secs(3600));
    let wait_for = |bell: &Doorbell, turn: u32| {
        loop {
            let seen = bell.count();
            if turns.load(Ordering::SeqCst) >= turn {
                break;
            }
            bell.wait_until(seen, far);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..rounds {
                wait_for(&ping, 2 * turn + 1);
                turns.fetch_add(1, Ordering::SeqCst);
                pong.ring();
            }
        });
        for turn in 0..rounds {
            turns.fetch_add(1, Ordering::SeqCst);
            ping.ring();
            wait_for(&pong, 2 * turn + 2);
        }
    });
    assert_eq!(turns.load(Ordering::SeqCst), 2 * rounds);
}

#[test]
fn the_event_is_readable_after_a_ring_and_not_after_clearing() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let bell = Doorbell::eventfd().expect("an eventfd");
    let readable = || {
        let fd = bell.event().expect("a reactor's bell");
        poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], PollTimeout::ZERO).expect("poll") == 1
    };
    assert!(!readable());
    bell.ring();
    bell.ring();
    assert!(readable());
    bell.clear_event();
    assert!(!readable());
}
