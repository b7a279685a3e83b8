//! The hand-overs on a frame's way from thread to thread, made so that the collector can show how full they are.

use rt_core::mailbox;
use rt_core::ring;
use telemetry::collector::Collector;

/// What is handed over, and between which threads.
pub struct Route<'a> {
    /// What.
    pub what: &'a str,
    /// The thread that sends it.
    pub from: &'a str,
    /// The thread that takes it.
    pub to: &'a str,
}

impl<'a> Route<'a> {
    /// What goes from one thread to another.
    pub const fn of(what: &'a str, from: &'a str, to: &'a str) -> Self {
        Self { what, from, to }
    }

    /// A ring of `capacity` for it.
    pub fn ring<T>(&self, capacity: usize, collector: &mut Collector) -> (ring::Producer<T>, ring::Consumer<T>) {
        let (producer, consumer, watch) = ring::watched(capacity);
        collector.watch_handover(self.what, self.from, self.to, watch);
        (producer, consumer)
    }

    /// A mailbox for it, where only the newest counts.
    pub fn mailbox<T: Send>(&self, collector: &mut Collector) -> (mailbox::Sender<T>, mailbox::Receiver<T>) {
        let (sender, receiver, watch) = mailbox::watched();
        collector.watch_handover(self.what, self.from, self.to, watch);
        (sender, receiver)
    }
}
