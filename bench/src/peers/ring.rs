//! turbo's ring between two threads: rtrb carries the message, a doorbell wakes a sleeper.

use rt_core::doorbell::Doorbell;
use rtrb::{Consumer, Producer, RingBuffer};

use crate::error::{BenchError, Result};
use crate::hop::{About, End, Pair, Threads, Wait, Waiter};

/// Messages that a ring holds; one is ever in flight.
const CAPACITY: usize = 8;

struct RingEnd {
    out: Producer<u64>,
    inbox: Consumer<u64>,
    waiter: Waiter,
    other: Doorbell,
}

impl End for RingEnd {
    fn send(&mut self, message: u64) -> Result<()> {
        self.out.push(message).map_err(|_| BenchError::Closed("the ring is full: the other end has stopped".into()))?;
        if self.waiter.wait != Wait::Spin {
            self.other.ring();
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<u64> {
        self.waiter.receive(|| self.inbox.pop().ok())
    }
}

fn ends(wait: Wait) -> (RingEnd, RingEnd) {
    let (there, arrived) = RingBuffer::new(CAPACITY);
    let (back, returned) = RingBuffer::new(CAPACITY);
    let (client, server) = (Doorbell::futex(), Doorbell::futex());
    let near =
        RingEnd { out: there, inbox: returned, waiter: Waiter { wait, bell: client.clone() }, other: server.clone() };
    (near, RingEnd { out: back, inbox: arrived, waiter: Waiter { wait, bell: server }, other: client })
}

/// The ring with each way of waiting.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let pair = |name, wait: Wait| {
        let about = About { never_yields: wait == Wait::Spin, ..About::threads(name, wait.name()).ours() };
        let make = move || {
            let (near, far) = ends(wait);
            Ok((move || Ok(near), move || Ok(far)))
        };
        Box::new(Threads { about, make }) as Box<dyn Pair>
    };
    vec![pair(SPIN, Wait::Spin), pair(SPIN_THEN_FUTEX, Wait::SpinThenFutex), pair("turbo ring, futex", Wait::Futex)]
}

/// Row of the spinning ring.
pub const SPIN: &str = "turbo ring, spin";
/// Row of the ring as the car waits on it.
pub const SPIN_THEN_FUTEX: &str = "turbo ring, spin then futex";
