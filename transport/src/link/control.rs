//! Changing a link while it runs, and reading its counters, from another thread.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::Sender;

use super::stats::{LinkSnapshot, LinkStats};
use super::trace::Trace;

/// What the uplink shall be like from now on; complete, so that only the newest counts.
#[derive(Clone)]
pub(super) struct Shape {
    pub(super) trace: Trace,
    /// Changes with the trace, so that the relay need not compare traces.
    pub(super) version: u64,
    pub(super) blackout: bool,
}

/// The controls of a running link; see [`super::Link::bind`].
pub struct LinkHandle {
    pub(super) listen: SocketAddr,
    pub(super) shape: Shape,
    pub(super) sender: Sender<Shape>,
    pub(super) bell: Doorbell,
    pub(super) stats: Arc<LinkStats>,
}

impl LinkHandle {
    /// Where clients send; the port is the real one where 0 was asked for.
    #[must_use]
    pub const fn listen_addr(&self) -> SocketAddr {
        self.listen
    }

    /// Shapes the uplink by another trace from now on; queued packets stay.
    pub fn set_up_trace(&mut self, trace: Trace) {
        self.shape.trace = trace;
        self.shape.version += 1;
        self.send();
    }

    /// Gives the uplink a constant rate in bit/s from now on; at 0 nothing passes.
    pub fn set_up_rate(&mut self, bps: u64) {
        self.set_up_trace(Trace::fixed(bps));
    }

    /// Stops the uplink (a tunnel), or lets it go on where its trace then is; packets wait in its queue meanwhile.
    pub fn set_blackout(&mut self, on: bool) {
        self.shape.blackout = on;
        self.send();
    }

    /// The counters now.
    #[must_use]
    pub fn stats(&self) -> LinkSnapshot {
        self.stats.snapshot()
    }

    /// What the uplink could have carried on average in the `window` before now, bit/s: the truth that an estimator
    /// is held against. 0 before the link runs and during a blackout.
    #[must_use]
    pub fn up_capacity_bps(&self, window: Duration) -> f64 {
        let started = Monotonic::from_ns(self.stats.started_ns.load(Ordering::Relaxed));
        if started == Monotonic::ZERO || self.shape.blackout {
            return 0.0;
        }
        let elapsed = Monotonic::now().saturating_since(started);
        let from = elapsed.saturating_sub(window);
        self.shape.trace.capacity_bps(from, elapsed.saturating_sub(from))
    }

    fn send(&mut self) {
        // What comes back is an older wish that the newer one contains.
        drop(self.sender.put(self.shape.clone()));
        self.bell.ring();
    }
}
