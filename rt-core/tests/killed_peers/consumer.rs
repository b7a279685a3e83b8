//! Consumers that are killed, after taking a message and before.

use std::ops::RangeInclusive;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::memory::arena::HugePages;
use rt_core::process::latest;
use rt_core::process::ring::{self, Consumer, Producer, PushError, WaitError};
use rt_core::process::segment::{Access, Segment};

use crate::message::{BLANK, Message, mark, sequence};
use crate::peer::{Random, Victim, far};

const CAPACITY: usize = 8;

/// How the consumer takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At most once.
    Pop,
    /// At least once.
    Peek,
}

/// The peer: takes message after message and says in a latest value which it has dealt with; the first
/// must be one of `due`.
pub fn consume(segment: &Segment, due: RangeInclusive<u64>, mode: Mode) {
    let mut progress = latest::Writer::<u64>::attach(segment, "progress").expect("the writer before is dead");
    let mut consumer = Consumer::<Message>::attach(segment, "messages").expect("the consumer before is dead");
    let mut next = None;
    loop {
        let taken = match mode {
            Mode::Pop => consumer.pop_until(far()).ok(),
            Mode::Peek => consumer.wait(far()).ok().and_then(|()| consumer.peek().expect("sound")),
        };
        let Some(taken) = taken else { return };
        let found = sequence(&taken);
        match next {
            None => assert!(due.contains(&found), "{mode:?}: {found} came first, {due:?} were due"),
            Some(next) => assert_eq!(found, next, "{mode:?}"),
        }
        next = Some(found + 1);
        progress.publish(&(found + 1));
        if mode == Mode::Peek {
            assert!(consumer.discard().expect("sound"));
        }
    }
}

pub fn kill_consumers(kills: u64, mode: Mode, random: &mut Random) {
    let parts = [
        ring::part::<Message>("messages", CAPACITY).expect("a ring"),
        latest::part::<u64>("progress").expect("a value"),
    ];
    let segment = Segment::create(&parts, Access::ReadWrite, HugePages::Never, false).expect("a segment");
    let mut producer = Producer::<Message>::attach(&segment, "messages").expect("free");
    let mut progress = latest::Reader::<u64>::attach(&segment, "progress").expect("a value");
    let role = if mode == Mode::Pop { "pop" } else { "peek" };
    let mut message = BLANK;
    let (mut sent, mut dealt) = (0, 0);
    // One message may have been under way in a consumer that was killed: popped, it is lost, and again with the next
    // that is killed before it has dealt with any; looked at and dealt with, it is delivered again.
    let mut slack = 0;
    for kill in 1..=kills {
        let mut victim = Victim::start(&segment, role, [dealt, slack], random);
        let pid = victim.pid();
        while !victim.holds(producer.peer()) {
            std::thread::yield_now();
        }
        let end = Monotonic::now().plus(Duration::from_nanos(random.below(1_000_000)));
        // At times nothing is sent, so that it is killed while it sleeps on an empty ring.
        let lazy = random.below(4) == 0;
        while Monotonic::now() < end {
            if !lazy {
                mark(&mut message, sent);
                match producer.push(&message) {
                    Ok(()) => sent += 1,
                    Err(PushError::Full { .. }) => std::hint::spin_loop(),
                    Err(error) => panic!("{error}"),
                }
            }
        }
        victim.kill();
        let told = loop {
            mark(&mut message, sent);
            match producer.push_until(&message, far()) {
                Ok(()) => sent += 1,
                Err(told) => break told,
            }
        };
        assert!(matches!(told, WaitError::PeerDied { pid: dead, .. } if dead == pid), "{told}");
        assert_eq!(producer.room().expect("sound"), 0, "it goes on as long as there is room");
        assert_eq!(producer.peers_so_far(), kill);
        let before = dealt;
        dealt = progress.newest().expect("its writer is dead").map_or(0, |newest| newest.value);
        slack = if mode == Mode::Peek || dealt > before { 1 } else { slack + 1 };
        assert!(dealt + CAPACITY as u64 + slack >= sent && dealt <= sent, "{dealt} dealt with of {sent}");
    }
    assert!(dealt > 0, "nothing was ever dealt with");
    println!("killed_peers: {kills} consumers that {role}, {dealt} messages");
}
