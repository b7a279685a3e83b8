//! The emulator's address translation: which client has which socket towards the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rt_core::clock::Monotonic;

use super::command::Rebind;
use super::receive::stamp_arrivals;

/// A client's place may be taken by another after this much silence in both directions.
const IDLE: Duration = Duration::from_secs(10);

/// One client and the socket the server sees it through.
pub(super) struct Flow {
    pub(super) client: SocketAddr,
    pub(super) upstream: UdpSocket,
    /// The one before the last rebinding. It takes what the server still sends to it, and nobody reads that: closed, it
    /// would have the kernel tell the server that nobody listens, which no NAT does.
    forgotten: Option<UdpSocket>,
    last_seen: Monotonic,
    /// Tells this client from earlier holders of its place.
    generation: u32,
}

/// Names a client's place and which of its holders is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowId {
    pub(super) index: u32,
    generation: u32,
}

/// All clients; never more than it was built for.
pub(super) struct Flows {
    flows: Vec<Flow>,
    server: SocketAddr,
    /// Address that the server sees clients at.
    from: Option<IpAddr>,
    next_generation: u32,
}

impl Flows {
    pub(super) fn new(max_clients: usize, server: SocketAddr) -> Self {
        Self { flows: Vec::with_capacity(max_clients), server, from: None, next_generation: 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.flows.iter()
    }

    pub(super) fn get(&self, id: FlowId) -> Option<&Flow> {
        self.flows.get(id.index as usize).filter(|flow| flow.generation == id.generation)
    }

    pub(super) fn at(&self, index: usize) -> Option<(FlowId, &Flow)> {
        let flow = self.flows.get(index)?;
        Some((FlowId { index: u32::try_from(index).ok()?, generation: flow.generation }, flow))
    }

    /// Notes that the client at `index` is alive.
    pub(super) fn touch(&mut self, index: usize, now: Monotonic) {
        if let Some(flow) = self.flows.get_mut(index) {
            flow.last_seen = now;
        }
    }

    /// The client's place, new where it has none; whether it is new. `None` where there is no room or no socket.
    pub(super) fn of_client(&mut self, client: SocketAddr, now: Monotonic) -> Option<(FlowId, bool)> {
        if let Some(index) = self.flows.iter().position(|flow| flow.client == client) {
            self.touch(index, now);
            return Some((self.at(index)?.0, false));
        }
        let index = if self.flows.len() < self.flows.capacity() {
            self.flows.len()
        } else {
            let (index, idlest) = self.flows.iter().enumerate().min_by_key(|(_, flow)| flow.last_seen)?;
            (now.saturating_since(idlest.last_seen) >= IDLE).then_some(index)?
        };
        let upstream = upstream_socket(self.server, self.from).ok()?;
        let flow = Flow { client, upstream, forgotten: None, last_seen: now, generation: self.next_generation };
        self.next_generation = self.next_generation.wrapping_add(1);
        match self.flows.get_mut(index) {
            Some(place) => *place = flow,
            None => self.flows.push(flow),
        }
        Some((self.at(index)?.0, true))
    }

    /// Gives every client a new socket; how many the kernel had none for, which keep the old one.
    pub(super) fn rebind(&mut self, rebind: Rebind) -> u64 {
        self.from = rebind.from.or(self.from);
        let mut refused = 0;
        for flow in &mut self.flows {
            match upstream_socket(self.server, self.from) {
                Ok(upstream) => flow.forgotten = Some(std::mem::replace(&mut flow.upstream, upstream)),
                Err(_) => refused += 1,
            }
        }
        refused
    }
}

/// A socket that exchanges packets with `server` alone, at the local address `from` where one is given.
pub(super) fn upstream_socket(server: SocketAddr, from: Option<IpAddr>) -> std::io::Result<UdpSocket> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((from.unwrap_or(any), 0))?;
    socket.connect(server)?;
    socket.set_nonblocking(true)?;
    stamp_arrivals(&socket);
    Ok(socket)
}
