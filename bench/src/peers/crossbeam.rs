//! crossbeam-channel, bounded, between two threads.

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::error::{BenchError, Result};
use crate::hop::{About, End, Pair, Threads, Wait, Waiter};
use rt_core::doorbell::Doorbell;

struct ChannelEnd {
    out: Sender<u64>,
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

/// Row of the spinning channel.
pub const SPIN: &str = "crossbeam-channel, spin";
/// Row of the channel's own way of waiting.
pub const RECV: &str = "crossbeam-channel, recv";

/// The channel, polled and with its own way of waiting.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let pair = |about: About, spinning: bool| {
        let make = move || {
            let ((there, arrived), (back, returned)) = (bounded(8), bounded(8));
            let spin = || spinning.then(|| Waiter { wait: Wait::Spin, bell: Doorbell::futex() });
            let near = ChannelEnd { out: there, inbox: returned, spin: spin() };
            let far = ChannelEnd { out: back, inbox: arrived, spin: spin() };
            Ok((move || Ok(near), move || Ok(far)))
        };
        Box::new(Threads { about, make }) as Box<dyn Pair>
    };
    vec![
        pair(About::threads(SPIN, "spin (try_recv)").never_yielding(), true),
        pair(About::threads(RECV, "spin and yield briefly, then park"), false),
    ]
}
