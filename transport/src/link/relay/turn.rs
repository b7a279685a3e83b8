//! One turn of the relay after another.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

use super::Link;
use crate::link::command::{Command, Rebind};
use crate::link::duplex::Duplex;
use crate::link::error::LinkError;
use crate::link::flows::{FlowId, Flows};
use crate::link::path::{Delivery, Path, Refusal};
use crate::link::receive::Receiver;
use crate::link::slots::Slots;
use crate::link::stats::{DirectionStats, LinkStats, count};
use crate::link::wait::Wait;

/// Packets read from one socket before the others, and what is due, get their turn.
const BATCH: usize = 32;

/// A packet in the emulator.
#[derive(Clone, Copy)]
struct Parcel {
    slot: u32,
    len: u32,
    flow: FlowId,
}

pub(super) struct Relay {
    listen: UdpSocket,
    bell: Doorbell,
    commands: mpsc::Receiver<Command>,
    stats: Arc<LinkStats>,
    flows: Flows,
    slots: Slots,
    link: Duplex<Parcel>,
    wait: Wait,
    receiver: Receiver,
    mtu_bytes: u32,
}

impl Relay {
    pub(super) fn new(link: Link) -> Self {
        let Link { config, listen, bell, commands, stats } = link;
        let packets = config.packets_per_direction;
        Self {
            listen,
            bell,
            commands,
            stats,
            flows: Flows::new(config.max_clients, config.server),
            // One more than both paths can hold, so that there is always one to receive into.
            slots: Slots::new(packets.saturating_mul(2).saturating_add(1), config.mtu_bytes as usize),
            link: Duplex::new(config.up, config.down, config.script, config.seed, Monotonic::now(), packets),
            wait: Wait::new(config.max_clients.saturating_add(2)),
            receiver: Receiver::new(),
            mtu_bytes: config.mtu_bytes,
        }
    }

    /// Delivers what is due, sleeps until there is something to do, and takes in what has come.
    pub(super) fn turn(&mut self) -> Result<(), LinkError> {
        self.play();
        self.deliver();
        let Some(bell) = self.bell.event() else { return Ok(()) };
        let fixed = [self.listen.as_raw_fd(), bell.as_raw_fd()];
        let sockets = self.flows.iter().map(|flow| &flow.upstream);
        self.wait.sleep(fixed, sockets, self.link.next_event()).map_err(LinkError::Wait)?;
        self.play();
        // Before the packets: what was commanded before one was sent holds for it.
        if self.wait.ready(1) {
            self.bell.clear_event();
            self.obey();
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

    /// Does what the script has for the time until now, before anything else sees that time.
    fn play(&mut self) {
        while let Some(rebind) = self.link.play(Monotonic::now()) {
            self.rebind(rebind);
        }
    }

    fn obey(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            if let Some(rebind) = self.link.apply(Monotonic::now(), command) {
                self.rebind(rebind);
            }
            count(&self.stats.commands);
        }
    }

    fn rebind(&mut self, rebind: Rebind) {
        // What has come to the old sockets by now was translated while they were good.
        (0..self.flows.iter().count()).for_each(|index| self.receive_down(index));
        let refused = self.flows.rebind(rebind);
        count(&self.stats.rebinds);
        self.stats.rebinds_refused.fetch_add(refused, Ordering::Relaxed);
    }

    fn receive_up(&mut self) {
        for _ in 0..BATCH {
            let Some(slot) = self.slots.take() else { return };
            let Ok(received) = self.receiver.receive(&self.listen, self.slots.buffer(slot)) else {
                self.slots.give_back(slot);
                return;
            };
            count(&self.stats.up.offered_packets);
            let flow = received.from.and_then(|client| self.flows.of_client(client, received.now));
            let Some((flow, new)) = flow else {
                count(&self.stats.up.dropped_no_client);
                self.slots.give_back(slot);
                continue;
            };
            if new {
                count(&self.stats.clients);
            }
            let parcel = Parcel { slot, len: u32::try_from(received.len).unwrap_or(u32::MAX), flow };
            accept(&mut self.link.up, &self.stats.up, &mut self.slots, parcel, self.mtu_bytes, received.at);
        }
    }

    fn receive_down(&mut self, index: usize) {
        for _ in 0..BATCH {
            let Some(slot) = self.slots.take() else { return };
            let Some((flow, upstream)) = self.flows.at(index).map(|(id, flow)| (id, &flow.upstream)) else {
                self.slots.give_back(slot);
                return;
            };
            let Ok(received) = self.receiver.receive(upstream, self.slots.buffer(slot)) else {
                // Nothing more, or word that nobody listens at the server's address: the next send will tell again.
                self.slots.give_back(slot);
                return;
            };
            self.flows.touch(index, received.now);
            count(&self.stats.down.offered_packets);
            let parcel = Parcel { slot, len: u32::try_from(received.len).unwrap_or(u32::MAX), flow };
            accept(&mut self.link.down, &self.stats.down, &mut self.slots, parcel, self.mtu_bytes, received.at);
        }
    }

    fn deliver(&mut self) {
        let Self { link, slots, flows, stats, listen, .. } = self;
        let now = Monotonic::now();
        while let Some(delivery) = link.up.take(now) {
            let flow = flows.get(delivery.token.flow);
            hand_over(&delivery, slots, &stats.up, flow.map(|flow| |bytes: &[u8]| flow.upstream.send(bytes)));
        }
        while let Some(delivery) = link.down.take(now) {
            let flow = flows.get(delivery.token.flow);
            hand_over(
                &delivery,
                slots,
                &stats.down,
                flow.map(|flow| |bytes: &[u8]| listen.send_to(bytes, flow.client)),
            );
        }
        for (stats, path) in [(&stats.up, &link.up), (&stats.down, &link.down)] {
            stats.queue_bytes.store(path.queued_bytes(), Ordering::Relaxed);
            stats.capacity_bytes.store(path.capacity_bits(now) / 8, Ordering::Relaxed);
            stats.counted_at_ns.store(now.as_ns(), Ordering::Relaxed);
        }
    }
}

/// Does to a packet what befell it and hands it to the kernel; `send` is `None` where its client has lost its place.
fn hand_over(
    delivery: &Delivery<Parcel>,
    slots: &mut Slots,
    stats: &DirectionStats,
    send: Option<impl Fn(&[u8]) -> std::io::Result<usize>>,
) {
    let Parcel { slot, len, .. } = delivery.token;
    if delivery.lost {
        count(if delivery.effects.in_burst { &stats.dropped_burst } else { &stats.dropped_loss });
    } else if let Some(send) = send {
        let bytes = slots.filled(slot, len as usize);
        if let Some(damage) = delivery.effects.damage {
            damage.apply(bytes);
        }
        stats.note_lateness(Monotonic::now().saturating_since(delivery.at));
        if passed(|| send(bytes)) {
            book_passed(delivery, stats);
            if delivery.effects.duplicated && passed(|| send(bytes)) {
                count(&stats.duplicated);
            }
        } else {
            count(&stats.dropped_undeliverable);
        }
    } else {
        count(&stats.dropped_no_client);
    }
    slots.give_back(slot);
}

fn book_passed(delivery: &Delivery<Parcel>, stats: &DirectionStats) {
    count(&stats.passed_packets);
    stats.passed_bytes.fetch_add(u64::from(delivery.wire_bytes), Ordering::Relaxed);
    if delivery.effects.overtaken {
        count(&stats.reordered);
    }
    if delivery.effects.damage.is_some() {
        count(&stats.corrupted);
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
