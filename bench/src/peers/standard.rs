//! The standard library's bounded channel between two threads.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rt_core::doorbell::Doorbell;

use crate::error::{BenchError, Result};
use crate::hop::{About, End, Pair, Threads, Wait, Waiter};

struct ChannelEnd {
    out: SyncSender<u64>,
    inbox: Receiver<u64>,
    /// `None`: the channel's own blocking receive.
    spin: Option<Waiter>,
}

impl End for ChannelEnd {
    fn send(&mut self, message: u64) -> Result<()> {
        self.out.send(message).map_err(|error| BenchError::Closed(error.to_string()))
    }

    fn receive(&mut self) -> Result<u64> {
        match &self.spin {
            Some(waiter) => waiter.receive(|| self.inbox.try_recv().ok()),
            None => self.inbox.recv().map_err(|error| BenchError::Closed(error.to_string())),
        }
    }
}

/// The channel, polled and with its own way of waiting.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let pair = |about: About, spinning: bool| {
        let make = move || {
            let ((there, arrived), (back, returned)) = (sync_channel(8), sync_channel(8));
            let spin = || spinning.then(|| Waiter { wait: Wait::Spin, bell: Doorbell::futex() });
            let near = ChannelEnd { out: there, inbox: returned, spin: spin() };
            let far = ChannelEnd { out: back, inbox: arrived, spin: spin() };
            Ok((move || Ok(near), move || Ok(far)))
        };
        Box::new(Threads { about, make }) as Box<dyn Pair>
    };
    vec![
        pair(About::threads("std sync_channel, spin", "spin (try_recv)").never_yielding(), true),
        pair(About::threads("std sync_channel, recv", "spin briefly, then park"), false),
    ]
}
