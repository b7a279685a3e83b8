//! The stack's side of datagrams: it asks for one when a packet can really be sent, and hands over those that came.
//!
//! Both are reached through the connection's own lock, which every call on a connection takes anyway.

use std::sync::Arc;

use s2n_quic::connection::{Error, Handle};
use s2n_quic::provider::datagram::{
    ConnectionInfo, Endpoint, Packet, PreConnectionInfo, ReceiveContext, Receiver, Sender,
};
use tokio::sync::Notify;

use super::outbox::Outbox;
use crate::wire::datagram::SHARD_HEADER_BYTES;

/// The largest datagram this end takes: more than any packet holds.
const MOST_DATAGRAM_BYTES: u64 = 65_535;
/// A peer that takes less than this does not speak of these datagrams.
const LEAST_PEER_BYTES: u64 = 1_000;
/// The longest datagram sent before any packet was seen, bytes: what QUIC's smallest packet of 1,200 bytes leaves beside
/// its header, tag and acknowledgements.
const FIRST_BYTES: usize = 1_120;
/// After this many packets in a row without room a shard is given up: no interest may last that nothing can satisfy.
const MOST_MISFITS: u32 = 8;
/// Bytes that may wait for the application; beyond it datagrams are lost, as on any network.
const MOST_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Datagrams on every connection of an endpoint.
pub(crate) struct Datagrams {
    /// Woken when datagrams came; without one each connection has its own.
    pub(crate) wake: Option<Arc<Notify>>,
    /// Whether the peer may send any.
    pub(crate) accept: bool,
}

impl Endpoint for Datagrams {
    type Sender = Pull;
    type Receiver = Inbox;

    fn create_connection(&mut self, info: &ConnectionInfo) -> (Pull, Inbox) {
        let wake = self.wake.as_ref().map_or_else(Arc::default, Arc::clone);
        (Pull::new(info.max_datagram_payload), Inbox { batch: Batch::default(), wake })
    }

    fn max_datagram_frame_size(&self, _: &PreConnectionInfo) -> u64 {
        if self.accept { MOST_DATAGRAM_BYTES } else { 0 }
    }
}

/// The sending half of a connection.
pub(crate) struct Pull {
    pub(crate) outbox: Outbox,
    peer_bytes: u64,
    /// What packets have room for, which shards fill: the stack pads what is left over, and every other packet takes a
    /// datagram before acknowledgements. The stack falls back to its smallest packet where several larger ones in a row are
    /// lost; then a shard or two of the frames that were cut before are lost as well, and later ones are cut smaller.
    packet_bytes: usize,
    misfits: u32,
}

impl Pull {
    fn new(peer_bytes: u64) -> Self {
        Self { outbox: Outbox::default(), peer_bytes, packet_bytes: FIRST_BYTES, misfits: 0 }
    }

    /// The longest shard that a packet holds; `None` where the peer takes no datagrams.
    pub(crate) fn shard_room(&self) -> Option<usize> {
        let peer = usize::try_from(self.peer_bytes).ok().filter(|_| self.peer_bytes >= LEAST_PEER_BYTES)?;
        Some(peer.min(self.packet_bytes).saturating_sub(SHARD_HEADER_BYTES))
    }
}

impl Sender for Pull {
    fn on_transmit<P: Packet>(&mut self, packet: &mut P) {
        let mut written = false;
        let room = packet.remaining_capacity();
        self.packet_bytes = self.packet_bytes.max(room);
        while let Some(bytes) = self.outbox.next_bytes() {
            if bytes > packet.remaining_capacity()
                || !self.outbox.pull(|parts| packet.write_datagram_vectored(parts).is_ok())
            {
                break;
            }
            written = true;
        }
        self.misfits = if written || !self.outbox.has_something() { 0 } else { self.misfits + 1 };
        if self.misfits >= MOST_MISFITS {
            self.misfits = 0;
            self.packet_bytes = room;
            self.outbox.skip();
        }
    }

    fn has_transmission_interest(&self) -> bool {
        self.outbox.has_something()
    }

    fn on_connection_error(&mut self, _: Error) {
        self.outbox.clear();
    }
}

/// Datagrams in the order they came, in one buffer.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(start..*end))
    }

    fn push(&mut self, datagram: &[u8]) -> bool {
        let fits = self.bytes.len().saturating_add(datagram.len()) <= MOST_WAITING_BYTES;
        if fits {
            self.bytes.extend_from_slice(datagram);
            self.ends.push(self.bytes.len());
        }
        fits
    }
}

/// The receiving half of a connection.
pub(crate) struct Inbox {
    batch: Batch,
    wake: Arc<Notify>,
}

impl Receiver for Inbox {
    fn on_datagram(&mut self, _: &ReceiveContext<'_>, datagram: &[u8]) {
        // An empty one would cost memory that the limit on bytes does not count.
        if !datagram.is_empty() && self.batch.push(datagram) {
            self.wake.notify_one();
        }
    }

    fn on_connection_error(&mut self, _: Error) {
        self.wake.notify_one();
    }
}

/// What wakes when datagrams come to `connection`.
pub(crate) fn arrivals(connection: &Handle) -> Arc<Notify> {
    connection.datagram_mut(|inbox: &mut Inbox| Arc::clone(&inbox.wake)).unwrap_or_default()
}

/// Swaps what came with `batch`, which is emptied first.
pub(crate) fn receive(connection: &Handle, batch: &mut Batch) {
    batch.clear();
    // A connection that is gone brings nothing more.
    let _ = connection.datagram_mut(|inbox: &mut Inbox| std::mem::swap(&mut inbox.batch, batch));
}

/// Does something with the connection's outbox; `None` where the connection is gone.
pub(crate) fn with_outbox<T>(connection: &Handle, work: impl FnOnce(&mut Outbox) -> T) -> Option<T> {
    connection.datagram_mut(|pull: &mut Pull| work(&mut pull.outbox)).ok()
}

/// The longest shard that a packet of `connection` holds; `None` where the peer takes no datagrams.
pub(crate) fn shard_room(connection: &Handle) -> Option<usize> {
    connection.datagram_mut(|pull: &mut Pull| pull.shard_room()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::datagram::Message;
    use s2n_quic::provider::datagram::WriteError;

    struct Space(usize);

    impl Packet for Space {
        fn remaining_capacity(&self) -> usize {
            self.0
        }
        fn write_datagram(&mut self, data: &[u8]) -> Result<(), WriteError> {
            self.write_datagram_vectored(&[data])
        }
        fn write_datagram_vectored(&mut self, data: &[&[u8]]) -> Result<(), WriteError> {
            self.0 -= data.iter().map(|part| part.len()).sum::<usize>();
            Ok(())
        }
        fn has_pending_streams(&self) -> bool {
            false
        }
        fn datagrams_prioritized(&self) -> bool {
            false
        }
    }

    #[test]
    fn a_shard_fits_into_the_smallest_packet_and_to_the_peer() {
        let shard = |peer| Pull::new(peer).shard_room();
        assert_eq!(shard(65_527), Some(FIRST_BYTES - SHARD_HEADER_BYTES));
        assert_eq!(shard(1_050), Some(1_050 - SHARD_HEADER_BYTES));
        assert_eq!((shard(0), shard(LEAST_PEER_BYTES - 1)), (None, None));
    }

    #[test]
    fn what_fits_goes_together_and_what_never_fits_is_given_up() {
        let mut pull = Pull::new(65_527);
        (0..3).for_each(|frame| pull.outbox.message(Message::abandon(frame)));
        let mut packet = Space(20);
        pull.on_transmit(&mut packet);
        assert_eq!((packet.0, pull.has_transmission_interest()), (4, true), "two of eight bytes each");
        (0..MOST_MISFITS).for_each(|_| pull.on_transmit(&mut Space(4)));
        assert!(!pull.has_transmission_interest(), "never an interest that nothing can satisfy");
    }

    #[test]
    fn a_batch_keeps_the_borders_and_its_limit() {
        let mut batch = Batch::default();
        assert!(batch.push(b"ab") && batch.push(b"cde"));
        assert_eq!(batch.iter().collect::<Vec<_>>(), [b"ab".as_slice(), b"cde"]);
        assert!(!batch.push(&vec![0; MOST_WAITING_BYTES]));
        batch.clear();
        assert_eq!(batch.iter().count(), 0);
    }
}
