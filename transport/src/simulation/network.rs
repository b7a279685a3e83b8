//! The simulated network: packets leave the endpoints' sockets, travel one of an uplink's two paths,
//! arrive. Clients are behind a network address translator, and the gateway may be replaced under its address.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use rt_core::clock::Monotonic;
use s2n_quic::provider::io::testing::network::{Buffers, Network as SocketNetwork, Packet};
use s2n_quic::provider::io::testing::{spawn, time};
use send_wrapper::SendWrapper;
use tokio::sync::Notify;

use super::Setup;
use super::nat::Nat;
use crate::link::{Effects, Path, Trace};
use crate::reactor::{self, simulated::UplinkOf};

/// The uplinks with their two directions, and a script's hand on them.
#[derive(Clone)]
pub struct SimulatedLink(Rc<Shared>);

struct Shared {
    state: RefCell<State>,
    uplinks: UplinkOf,
    /// Told whenever the next arrival may have changed.
    changed: Notify,
}

struct State {
    links: Vec<Directions>,
    up_packets: u64,
    /// Whatever is sent over the first uplink is lost.
    hole: bool,
    /// Whatever goes there goes up.
    server: Option<Server>,
    /// The sockets' queues, known from the first packet on.
    buffers: Option<Buffers>,
}

struct Directions {
    up: Path<Packet>,
    down: Path<Packet>,
    nat: Nat,
}

/// The gateway as its clients know it, and as it is; a gateway that was killed is nowhere.
#[derive(Clone, Copy)]
struct Server {
    public: SocketAddr,
    actual: Option<SocketAddr>,
}

impl SimulatedLink {
    pub(super) fn new(setup: &Setup) -> Self {
        let origin = reactor::simulated::epoch();
        let room = setup.packets_per_direction;
        let all = std::iter::once((&setup.up, &setup.down)).chain(setup.more.iter().map(|(up, down)| (up, down)));
        // The directions differ in their losses.
        let links = all.zip((0_u64..).step_by(2)).map(|((up, down), place)| {
            let seed = setup.seed.wrapping_mul(2).wrapping_add(place << 32);
            Directions {
                up: Path::new(up.clone(), seed, origin, room),
                down: Path::new(down.clone(), seed.wrapping_add(1), origin, room),
                nat: Nat::default(),
            }
        });
        let state = State { links: links.collect(), up_packets: 0, hole: false, server: None, buffers: None };
        Self(Rc::new(Shared { state: RefCell::new(state), uplinks: UplinkOf::default(), changed: Notify::new() }))
    }

    pub(super) fn uplinks(&self) -> UplinkOf {
        Rc::clone(&self.0.uplinks)
    }

    /// A gateway is there; the address by which it is known.
    pub(super) fn set_server(&self, actual: SocketAddr) -> SocketAddr {
        let server = &mut self.0.state.borrow_mut().server;
        let public = server.map_or(actual, |server| server.public);
        *server = Some(Server { public, actual: Some(actual) });
        public
    }

    /// The gateway falls silent without a word, as a process that is killed; another may be started.
    pub fn kill_gateway(&self) {
        if let Some(server) = &mut self.0.state.borrow_mut().server {
            server.actual = None;
        }
    }

    /// Every client of the first uplink has another address from now on, as when a NAT forgets what it knew.
    pub fn rebind(&self) {
        if let Some(link) = self.0.state.borrow_mut().links.first_mut() {
            link.nat.rebind();
        }
    }

    /// Changes the directions of the first uplink, the first one up, the second one down, at the instant given.
    pub fn change<R>(&self, change: impl FnOnce(&mut Path<Packet>, &mut Path<Packet>, Monotonic) -> R) -> R {
        self.change_uplink(0, change)
    }

    /// Changes the directions of one uplink; one that there is not is the last.
    #[expect(clippy::expect_used, reason = "there is a first uplink always")]
    pub fn change_uplink<R>(
        &self,
        uplink: usize,
        change: impl FnOnce(&mut Path<Packet>, &mut Path<Packet>, Monotonic) -> R,
    ) -> R {
        let state = &mut *self.0.state.borrow_mut();
        let place = uplink.min(state.links.len().saturating_sub(1));
        let link = state.links.get_mut(place).expect("an uplink");
        let result = change(&mut link.up, &mut link.down, reactor::now());
        self.0.changed.notify_one();
        result
    }

    /// Packets that cars have sent so far.
    #[must_use]
    pub fn up_packets(&self) -> u64 {
        self.0.state.borrow().up_packets
    }

    /// Sets the uplink's rate, bits per second.
    pub fn set_up_rate(&self, bits_per_s: u64) {
        self.change(|up, _, now| up.set_trace(now, Trace::fixed(bits_per_s)));
    }

    /// Loses whatever is sent over the first uplink (`true`), in both directions, and keeps nothing of it.
    pub fn set_hole(&self, on: bool) {
        self.0.state.borrow_mut().hole = on;
    }

    /// Stops both directions of the first uplink (`true`), or lets them go on with what has queued up.
    pub fn set_blackout(&self, on: bool) {
        self.set_uplink_blackout(0, on);
    }

    /// The same for any uplink.
    pub fn set_uplink_blackout(&self, uplink: usize, on: bool) {
        self.change_uplink(uplink, |up, down, now| {
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
        let State { links, server, buffers, .. } = &mut *self.0.state.borrow_mut();
        let mut next = None;
        for Directions { up, down, nat } in links {
            while let Some(delivery) = up.take(now) {
                let mut packet = delivery.token;
                let Some(actual) = server.and_then(|server| server.actual).filter(|_| !delivery.lost) else { continue };
                packet.path.remote_address.0 = actual.into();
                arrive(buffers.as_ref(), packet, delivery.effects);
            }
            while let Some(delivery) = down.take(now) {
                let mut packet = delivery.token;
                let client = nat.inside(packet.path.remote_address.0.into()).filter(|_| !delivery.lost);
                let (Some(client), Some(server)) = (client, *server) else { continue };
                packet.path.remote_address.0 = client.into();
                packet.path.local_address.0 = server.public.into();
                arrive(buffers.as_ref(), packet, delivery.effects);
            }
            let events = [up.next_event(), down.next_event()];
            next = events.into_iter().flatten().chain(next).min();
        }
        next
    }
}

fn arrive(buffers: Option<&Buffers>, mut packet: Packet, effects: Effects) {
    // From here on it is seen from the receiver's side.
    packet.switch();
    if let Some(damage) = effects.damage {
        damage.apply(&mut packet.payload);
    }
    let Some(buffers) = buffers else { return };
    buffers.rx(*packet.path.local_address, |queue| {
        if effects.duplicated {
            queue.enqueue(packet.clone());
        }
        queue.enqueue(packet);
    });
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
        let last = state.links.len().saturating_sub(1);
        let hole = state.hole;
        let falls = |uplink: usize| hole && uplink == 0;
        for mut packet in sent.drain(..) {
            let bytes = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
            let (from, to): (SocketAddr, SocketAddr) =
                (packet.path.local_address.0.into(), packet.path.remote_address.0.into());
            let uplink = link.0.uplinks.borrow().get(&from).copied();
            // A refused packet is a packet lost, as on any network; so is one of a gateway that was killed.
            if let Some(uplink) = uplink {
                state.up_packets += 1;
                let uplink = uplink.min(last);
                let Some(link) = state.links.get_mut(uplink).filter(|_| !falls(uplink)) else { continue };
                packet.path.local_address.0 = link.nat.outside(from).into();
                let _ = link.up.offer(now, bytes, packet);
            } else if state.server.is_some_and(|server| server.actual == Some(from)) {
                let mut links = state.links.iter_mut().enumerate();
                let Some((uplink, link)) = links.find(|(_, link)| link.nat.inside(to).is_some()) else { continue };
                if falls(uplink) {
                    continue;
                }
                let _ = link.down.offer(now, bytes, packet);
            }
        }
        link.0.changed.notify_one();
        count
    }
}
