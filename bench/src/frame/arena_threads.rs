//! turbo's hand-over between threads: the frame stays in its slot, a lease of it crosses a ring.

use rt_core::doorbell::Doorbell;
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::{FramePool, ReadLease};
use rtrb::{Consumer, Producer, RingBuffer};

use super::marks;
use crate::error::{BenchError, Result};
use crate::hop::{About, End, Pair, Threads, Wait, Waiter};

/// Row of the frame that is produced where it lies.
pub const LEASE: &str = "turbo slot lease, threads";
/// Row of the frame that has to be copied into its slot first.
const COPIED_IN: &str = "turbo slot lease, copied in, threads";

/// One in the other end's hands, one being filled.
const SLOTS: usize = 2;
const CAPACITY: usize = 8;

struct LeaseEnd {
    pool: FramePool,
    bytes: usize,
    /// What is copied into the slot, where the frame was not produced there.
    source: Option<Vec<u8>>,
    out: Producer<ReadLease>,
    inbox: Consumer<ReadLease>,
    waiter: Waiter,
    other: Doorbell,
}

impl End for LeaseEnd {
    fn send(&mut self, message: u64) -> Result<()> {
        let mut slot = self.pool.acquire().ok_or_else(|| BenchError::Closed("no slot has come home".into()))?;
        let frame = slot.as_mut().get_mut(..self.bytes).unwrap_or_default();
        if let Some(source) = &self.source {
            frame.copy_from_slice(source);
        }
        marks::mark(frame, message);
        let [lease] = slot.share(self.bytes)?;
        self.out.push(lease).map_err(|_| BenchError::Closed("the ring is full: the other end has stopped".into()))?;
        self.other.ring();
        Ok(())
    }

    fn receive(&mut self) -> Result<u64> {
        let lease = self.waiter.receive(|| self.inbox.pop().ok())?;
        marks::read(lease.as_ref(), self.bytes)
    }
}

/// With the frame produced in its slot, and with one that is copied in.
pub fn pairs(bytes: usize) -> Vec<Box<dyn Pair>> {
    let pair = |name, copied: bool| {
        let wait = Wait::SpinThenFutex;
        let make = move || {
            let pool = || {
                FramePool::new(SLOTS, bytes, HugePages::Prefer, false).map_err(BenchError::library("a pool of frames"))
            };
            let source = || copied.then(|| vec![1; bytes]);
            let ((there, arrived), (back, returned)) = (RingBuffer::new(CAPACITY), RingBuffer::new(CAPACITY));
            let (client, server) = (Doorbell::futex(), Doorbell::futex());
            let near = LeaseEnd {
                pool: pool()?,
                bytes,
                source: source(),
                out: there,
                inbox: returned,
                waiter: Waiter { wait, bell: client.clone() },
                other: server.clone(),
            };
            let far = LeaseEnd {
                pool: pool()?,
                bytes,
                source: source(),
                out: back,
                inbox: arrived,
                waiter: Waiter { wait, bell: server },
                other: client,
            };
            Ok((move || Ok(near), move || Ok(far)))
        };
        Box::new(Threads { about: About::threads(name, wait.name()).ours(), make }) as Box<dyn Pair>
    };
    vec![pair(LEASE, false), pair(COPIED_IN, true)]
}
