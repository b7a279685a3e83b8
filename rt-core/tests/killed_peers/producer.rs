//! Producers and writers that are killed, mid-write included.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::memory::arena::HugePages;
use rt_core::process::claim::Peer;
use rt_core::process::latest;
use rt_core::process::ring::{self, Consumer, Producer, WaitError};
use rt_core::process::segment::{Access, Segment};

use crate::message::{BLANK, Message, mark, sequence};
use crate::peer::{Random, Victim, far};

const CAPACITY: usize = 8;

/// The peer: pushes message after message from `first` on, one by one and in batches, and after each says in a latest
/// value how far it has come.
pub fn produce(segment: &Segment, first: u64, random: &mut Random) {
    let mut progress = latest::Writer::<Message>::attach(segment, "progress").expect("the writer before is dead");
    let mut producer = Producer::<Message>::attach(segment, "messages").expect("the producer before is dead");
    let mut batch = vec![BLANK; 4];
    let mut next = first;
    loop {
        if producer.wait(far()).is_err() {
            return;
        }
        let batch = &mut batch[..=random.below(3) as usize];
        for (message, sequence) in batch.iter_mut().zip(next..) {
            mark(message, sequence);
        }
        let pushed = producer.push_slice(batch).expect("sound");
        next += pushed as u64;
        progress.publish(&batch[pushed - 1]);
        mark(&mut batch[0], next);
        if producer.push_until(&batch[0], far()).is_err() {
            return;
        }
        next += 1;
    }
}

pub fn kill_producers(kills: u64, random: &mut Random) {
    let parts = [
        ring::part::<Message>("messages", CAPACITY).expect("a ring"),
        latest::part::<Message>("progress").expect("a value"),
    ];
    let segment = Segment::create(&parts, Access::ReadWrite, HugePages::Never, false).expect("a segment");
    let mut consumer = Consumer::<Message>::attach(&segment, "messages").expect("free");
    let mut progress = latest::Reader::<Message>::attach(&segment, "progress").expect("a value");
    let mut next = 0;
    for kill in 1..=kills {
        let mut victim = Victim::start(&segment, "producer", [next, 0], random);
        let pid = victim.pid();
        while !victim.holds(consumer.peer()) {
            std::thread::yield_now();
        }
        // Up to 1 ms into its work: some 100 messages, and as often in the middle of one as not.
        let end = Monotonic::now().plus(Duration::from_nanos(random.below(1_000_000)));
        // At times nobody reads, so that it is killed while it sleeps on a full ring.
        let lazy = random.below(4) == 0;
        while Monotonic::now() < end {
            if !lazy && let Some(popped) = consumer.pop().expect("sound") {
                assert_eq!(sequence(&popped), next);
                next += 1;
            }
        }
        victim.kill();
        let told = loop {
            match consumer.pop_until(far()) {
                Ok(popped) => assert_eq!(sequence(&popped), next, "after kill {kill}"),
                Err(told) => break told,
            }
            next += 1;
        };
        assert!(matches!(told, WaitError::PeerDied { pid: dead, .. } if dead == pid), "{told}");
        assert!(matches!(consumer.peer(), Peer::Died(dead, _) if dead.pid() == pid));
        if let Some(newest) = progress.newest().expect("its writer is dead") {
            let committed = sequence(&newest.value);
            assert!(committed < next, "message {committed} was committed and never came");
        }
        assert_eq!(consumer.peers_so_far(), kill);
    }
    assert!(next > 0, "nothing was ever sent");
    println!("killed_peers: {kills} producers, {next} messages");
}
