//! turbo's latest-wins mailbox between two threads.

use rt_core::doorbell::Doorbell;
use rt_core::mailbox::{Receiver, Sender, mailbox};

use crate::error::{BenchError, Result};
use crate::hop::{About, End, Pair, Threads, Wait, Waiter};

struct MailboxEnd {
    out: Sender<u64>,
    inbox: Receiver<u64>,
    waiter: Waiter,
    other: Doorbell,
}

impl End for MailboxEnd {
    fn send(&mut self, message: u64) -> Result<()> {
        if self.out.put(message).is_some() {
            return Err(BenchError::Closed("a message was overtaken: the other end has stopped".into()));
        }
        if self.waiter.wait != Wait::Spin {
            self.other.ring();
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<u64> {
        self.waiter.receive(|| self.inbox.take())
    }
}

/// The mailbox, spinning and as the car waits on it.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let pair = |name, wait: Wait| {
        let about = About { never_yields: wait == Wait::Spin, ..About::threads(name, wait.name()).ours() };
        let make = move || {
            let ((there, arrived), (back, returned)) = (mailbox(), mailbox());
            let (client, server) = (Doorbell::futex(), Doorbell::futex());
            let waiter = Waiter { wait, bell: client.clone() };
            let near = MailboxEnd { out: there, inbox: returned, waiter, other: server.clone() };
            let far = MailboxEnd { out: back, inbox: arrived, waiter: Waiter { wait, bell: server }, other: client };
            Ok((move || Ok(near), move || Ok(far)))
        };
        Box::new(Threads { about, make }) as Box<dyn Pair>
    };
    vec![pair("turbo mailbox, spin", Wait::Spin), pair("turbo mailbox, spin then futex", Wait::SpinThenFutex)]
}
