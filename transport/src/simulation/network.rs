//! The simulated network: packets leave the endpoints' sockets, travel one of two paths, arrive.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use rt_core::clock::Monotonic;
use s2n_quic::provider::io::testing::network::{Buffers, Network as SocketNetwork, Packet};
use s2n_quic::provider::io::testing::{spawn, time};
use send_wrapper::SendWrapper;
use tokio::sync::Notify;

use super::Setup;
use crate::link::{Path, Trace};
use crate::reactor;

/// The two directions, and a script's hand on them.
#[derive(Clone)]
pub struct SimulatedLink(Rc<Shared>);

struct Shared {
    state: RefCell<State>,
    /// Told whenever the next arrival may have changed.
    changed: Notify,
}

struct State {
    up: Path<Packet>,
    down: Path<Packet>,
    /// Whatever goes there goes up.
    server: Option<SocketAddr>,
    /// The sockets' queues, known from the first packet on.
    buffers: Option<Buffers>,
}

impl SimulatedLink {
    pub(super) fn new(setup: &Setup) -> Self {
        // The directions differ in their losses.
        let (up_seed, down_seed) = (setup.seed.wrapping_mul(2), setup.seed.wrapping_mul(2).wrapping_add(1));
        let origin = reactor::simulated::epoch();
        let room = setup.packets_per_direction;
        let state = State {
            up: Path::new(setup.up.clone(), up_seed, origin, room),
            down: Path::new(setup.down.clone(), down_seed, origin, room),
            server: None,
            buffers: None,
        };
        Self(Rc::new(Shared { state: RefCell::new(state), changed: Notify::new() }))
    }

    pub(super) fn set_server(&self, server: SocketAddr) {
        self.0.state.borrow_mut().server = Some(server);
    }

    /// Changes the directions, the first one up, the second one down, at the instant given.
    pub fn change<R>(&self, change: impl FnOnce(&mut Path<Packet>, &mut Path<Packet>, Monotonic) -> R) -> R {
        let state = &mut *self.0.state.borrow_mut();
        let result = change(&mut state.up, &mut state.down, reactor::now());
        self.0.changed.notify_one();
        result
    }

    /// Sets the uplink's rate, bits per second.
    pub fn set_up_rate(&self, bits_per_s: u64) {
        self.change(|up, _, now| up.set_trace(now, Trace::fixed(bits_per_s)));
    }

    /// Stops both directions (`true`), or lets them go on.
    pub fn set_blackout(&self, on: bool) {
        self.change(|up, down, now| {
            up.set_blackout(now, on);
            down.set_blackout(now, on);
        });
    }

    /// Starts the task that delivers what has arrived.
    pub(super) fn attach(&self) {
        let link = self.clone();
        spawn(SendWrapper::new(async move {
            loop {
                let next = link.deliver();
                let Some(next) = next else {
                    link.0.changed.notified().await;
                    continue;
                };
                tokio::select! {
                    biased;
                    () = link.0.changed.notified() => {}
                    () = time::delay(next.saturating_since(reactor::now())) => {}
                }
            }
        }));
    }

    /// Delivers what has arrived by now; when the next arrival is due.
    fn deliver(&self) -> Option<Monotonic> {
        let now = reactor::now();
        let state = &mut *self.0.state.borrow_mut();
        for path in [&mut state.up, &mut state.down] {
            while let Some(delivery) = path.take(now) {
                let mut packet = delivery.token;
                if delivery.lost {
                    continue;
                }
                // From here on it is seen from the receiver's side.
                packet.switch();
                if let Some(buffers) = &state.buffers {
                    buffers.rx(*packet.path.local_address, |queue| queue.enqueue(packet));
                }
            }
        }
        match (state.up.next_event(), state.down.next_event()) {
            (Some(up), Some(down)) => Some(up.min(down)),
            (up, down) => up.or(down),
        }
    }
}

/// Takes what the sockets send.
pub(super) struct Network {
    link: SimulatedLink,
    sent: Vec<Packet>,
}

impl Network {
    pub(super) fn new(link: SimulatedLink) -> Self {
        Self { link, sent: Vec::new() }
    }
}

impl SocketNetwork for Network {
    fn execute(&mut self, buffers: &Buffers) -> usize {
        let Self { link, sent } = self;
        buffers.drain_pending_transmissions(|packet| {
            sent.push(packet);
            Ok(())
        });
        if sent.is_empty() {
            return 0;
        }
        // The sockets are kept in an order that differs from run to run.
        sent.sort_by_key(|packet| SocketAddr::from(packet.path.local_address.0));
        let now = reactor::now();
        let state = &mut *link.0.state.borrow_mut();
        state.buffers.get_or_insert_with(|| buffers.clone());
        let count = sent.len();
        for packet in sent.drain(..) {
            let up = state.server == Some(SocketAddr::from(packet.path.remote_address.0));
            let path = if up { &mut state.up } else { &mut state.down };
            let bytes = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
            // A refused packet is a packet lost, as on any network.
            let _ = path.offer(now, bytes, packet);
        }
        link.0.changed.notify_one();
        count
    }
}
