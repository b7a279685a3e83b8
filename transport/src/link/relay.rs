//! The relay itself: one thread, no allocation per packet.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::{Receiver, mailbox};
use rt_core::stop::StopToken;

use super::config::LinkConfig;
use super::control::{LinkHandle, Shape};
use super::error::LinkError;
use super::flows::{FlowId, Flows, upstream_socket};
use super::path::{Delivery, Path, Refusal};
use super::slots::Slots;
use super::stats::{DirectionStats, LinkSnapshot, LinkStats, count};
use super::wait::Wait;

/// Packets read from one socket before the others, and what is due, get their turn.
const BATCH: usize = 32;

/// A packet in the emulator.
#[derive(Clone, Copy)]
struct Parcel {
    slot: u32,
    len: u32,
    flow: FlowId,
}

/// A link that has its address but does not relay yet.
///
/// ```
/// use rt_core::stop::StopToken;
/// use std::net::UdpSocket;
/// use transport::link::{Link, LinkConfig, Trace};
/// let server = UdpSocket::bind("127.0.0.1:0")?;
/// let config = LinkConfig::new("127.0.0.1:0".parse()?, server.local_addr()?, Trace::fixed(50_000_000));
/// let (link, handle) = Link::bind(config)?;
/// let stop = StopToken::default();
/// std::thread::scope(|scope| -> Result<(), Box<dyn std::error::Error>> {
///     let running = scope.spawn(|| link.run(&stop));
///     UdpSocket::bind("127.0.0.1:0")?.send_to(b"frame", handle.listen_addr())?;
///     let mut buffer = [0; 16];
///     assert_eq!(server.recv(&mut buffer)?, 5);
///     stop.set();
///     let counters = running.join().map_err(|_| "the link's thread failed")??;
///     assert_eq!(counters.up.passed_packets, 1);
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Link {
    config: LinkConfig,
    listen: UdpSocket,
    bell: Doorbell,
    shape: Receiver<Shape>,
    stats: Arc<LinkStats>,
}

/// Binds and relays in the calling thread until `stop`; `ready` gets the controls once the address is taken.
///
/// # Errors
/// As [`Link::bind`] and [`Link::run`].
pub fn run_link(
    config: LinkConfig,
    stop: &StopToken,
    ready: impl FnOnce(LinkHandle),
) -> Result<LinkSnapshot, LinkError> {
    let (link, handle) = Link::bind(config)?;
    ready(handle);
    link.run(stop)
}

impl Link {
    /// Takes the address clients send to, and makes sure that there is a way to the server's.
    ///
    /// # Errors
    /// A configuration that cannot be, an address in use or not of this machine, no route to the server.
    pub fn bind(config: LinkConfig) -> Result<(Self, LinkHandle), LinkError> {
        config.check()?;
        let refused = |source| LinkError::Listen { addr: config.listen, source };
        let listen = UdpSocket::bind(config.listen).map_err(refused)?;
        listen.set_nonblocking(true).map_err(refused)?;
        let listen_addr = listen.local_addr().map_err(refused)?;
        upstream_socket(config.server).map_err(|source| LinkError::Server { addr: config.server, source })?;
        let bell = Doorbell::eventfd().map_err(LinkError::Wait)?;
        let stats = Arc::new(LinkStats::default());
        let (sender, receiver) = mailbox();
        let shape = Shape { trace: config.up.trace.clone(), version: 0, blackout: false };
        let handle = LinkHandle { listen: listen_addr, shape, sender, bell: bell.clone(), stats: Arc::clone(&stats) };
        Ok((Self { config, listen, bell, shape: receiver, stats }, handle))
    }

    /// Where clients send; the port is the real one where 0 was asked for.
    ///
    /// # Errors
    /// The kernel's, which has none for a bound socket.
    pub fn listen_addr(&self) -> std::io::Result<SocketAddr> {
        self.listen.local_addr()
    }

    /// Relays in this thread until `stop` is set; the traces begin now. Packets still on their way are discarded.
    ///
    /// # Errors
    /// Where the kernel refuses to wait for packets. A server that is not there is no error: its packets are counted
    /// as undeliverable until it is.
    pub fn run(self, stop: &StopToken) -> Result<LinkSnapshot, LinkError> {
        stop.wakes(&self.bell);
        let stats = Arc::clone(&self.stats);
        let mut relay = Relay::new(self);
        while !stop.is_set() {
            relay.turn()?;
        }
        Ok(stats.snapshot())
    }
}

struct Relay {
    listen: UdpSocket,
    bell: Doorbell,
    shape: Receiver<Shape>,
    shape_version: u64,
    stats: Arc<LinkStats>,
    flows: Flows,
    slots: Slots,
    up: Path<Parcel>,
    down: Path<Parcel>,
    wait: Wait,
    mtu_bytes: u32,
}

impl Relay {
    fn new(link: Link) -> Self {
        let Link { config, listen, bell, shape, stats } = link;
        let start = Monotonic::now();
        stats.started_ns.store(start.as_ns(), Ordering::Relaxed);
        let packets = config.packets_per_direction;
        // One more than both paths can hold, so that there is always one to receive into.
        let slots = Slots::new(packets.saturating_mul(2).saturating_add(1), config.mtu_bytes as usize);
        Self {
            listen,
            bell,
            shape,
            shape_version: 0,
            stats,
            flows: Flows::new(config.max_clients, config.server),
            slots,
            up: Path::new(config.up, config.seed, start, packets),
            // Another stream of numbers, or both directions would lose the same packets.
            down: Path::new(config.down, !config.seed, start, packets),
            wait: Wait::new(config.max_clients.saturating_add(2)),
            mtu_bytes: config.mtu_bytes,
        }
    }

    /// Delivers what is due, sleeps until there is something to do, and takes in what has come.
    fn turn(&mut self) -> Result<(), LinkError> {
        self.deliver();
        let until = [self.up.next_event(), self.down.next_event()].into_iter().flatten().min();
        let Some(bell) = self.bell.event() else { return Ok(()) };
        let fixed = [self.listen.as_raw_fd(), bell.as_raw_fd()];
        let sockets = self.flows.iter().map(|flow| &flow.upstream);
        self.wait.sleep(fixed, sockets, until).map_err(LinkError::Wait)?;
        if self.wait.ready(1) {
            self.bell.clear_event();
            self.reshape();
        }
        if self.wait.ready(0) {
            self.receive_up();
        }
        for index in 0..self.flows.iter().count() {
            if self.wait.ready(index + 2) {
                self.receive_down(index);
            }
        }
        Ok(())
    }

    fn reshape(&mut self) {
        if let Some(shape) = self.shape.take() {
            let now = Monotonic::now();
            if shape.version != self.shape_version {
                self.shape_version = shape.version;
                self.up.set_trace(now, shape.trace);
            }
            self.up.set_blackout(now, shape.blackout);
        }
    }

    fn receive_up(&mut self) {
        for _ in 0..BATCH {
            let Some(slot) = self.slots.take() else { return };
            let received = self.listen.recv_from(self.slots.buffer(slot));
            let now = Monotonic::now();
            let Ok((len, client)) = received else {
                self.slots.give_back(slot);
                return;
            };
            count(&self.stats.up.offered_packets);
            let Some((flow, new)) = self.flows.of_client(client, now) else {
                count(&self.stats.up.dropped_no_client);
                self.slots.give_back(slot);
                continue;
            };
            if new {
                count(&self.stats.clients);
            }
            let parcel = Parcel { slot, len: u32::try_from(len).unwrap_or(u32::MAX), flow };
            accept(&mut self.up, &self.stats.up, &mut self.slots, parcel, self.mtu_bytes, now);
        }
    }

    fn receive_down(&mut self, index: usize) {
        for _ in 0..BATCH {
            let Some(slot) = self.slots.take() else { return };
            let Some((flow, upstream)) = self.flows.at(index).map(|(id, flow)| (id, &flow.upstream)) else {
                self.slots.give_back(slot);
                return;
            };
            let received = upstream.recv(self.slots.buffer(slot));
            let now = Monotonic::now();
            let Ok(len) = received else {
                // Nothing more, or word that nobody listens at the server's address: the next send will tell again.
                self.slots.give_back(slot);
                return;
            };
            self.flows.touch(index, now);
            count(&self.stats.down.offered_packets);
            let parcel = Parcel { slot, len: u32::try_from(len).unwrap_or(u32::MAX), flow };
            accept(&mut self.down, &self.stats.down, &mut self.slots, parcel, self.mtu_bytes, now);
        }
    }

    fn deliver(&mut self) {
        let now = Monotonic::now();
        while let Some(delivery) = self.up.take(now) {
            let sent = self.flows.get(delivery.token.flow).map(|flow| {
                let bytes = self.slots.filled(delivery.token.slot, delivery.token.len as usize);
                !delivery.lost && passed(|| flow.upstream.send(bytes))
            });
            book(&self.stats.up, &delivery, sent);
            self.slots.give_back(delivery.token.slot);
        }
        while let Some(delivery) = self.down.take(now) {
            let sent = self.flows.get(delivery.token.flow).map(|flow| {
                let bytes = self.slots.filled(delivery.token.slot, delivery.token.len as usize);
                !delivery.lost && passed(|| self.listen.send_to(bytes, flow.client))
            });
            book(&self.stats.down, &delivery, sent);
            self.slots.give_back(delivery.token.slot);
        }
        self.stats.up.queue_bytes.store(self.up.queued_bytes(), Ordering::Relaxed);
        self.stats.down.queue_bytes.store(self.down.queued_bytes(), Ordering::Relaxed);
    }
}

fn accept(
    path: &mut Path<Parcel>,
    stats: &DirectionStats,
    slots: &mut Slots,
    parcel: Parcel,
    mtu_bytes: u32,
    now: Monotonic,
) {
    let refused = if parcel.len.saturating_add(path.config().overhead_bytes) > mtu_bytes {
        &stats.dropped_mtu
    } else {
        match path.offer(now, parcel.len, parcel) {
            Ok(()) => return,
            Err((Refusal::QueueFull, _)) => &stats.dropped_queue,
            Err((Refusal::TooMany, _)) => &stats.dropped_no_room,
        }
    };
    count(refused);
    slots.give_back(parcel.slot);
}

/// Sends; the kernel reports an earlier packet's "nobody listens" on the next send instead of sending, so that is
/// tried once more.
fn passed(mut send: impl FnMut() -> std::io::Result<usize>) -> bool {
    match send() {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => send().is_ok(),
        other => other.is_ok(),
    }
}

/// `sent` is `None` where the packet's client has lost its place.
fn book(stats: &DirectionStats, delivery: &Delivery<Parcel>, sent: Option<bool>) {
    match (delivery.lost, sent) {
        (true, _) => count(&stats.dropped_loss),
        (false, Some(true)) => {
            count(&stats.passed_packets);
            stats.passed_bytes.fetch_add(u64::from(delivery.wire_bytes), Ordering::Relaxed);
        }
        (false, Some(false)) => count(&stats.dropped_undeliverable),
        (false, None) => count(&stats.dropped_no_client),
    }
}

#[cfg(test)]
mod tests;
