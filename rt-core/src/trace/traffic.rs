//! Bytes that a transport carried, per service: counted by its thread, read by whoever keeps the books. No number ever
//! falls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::count::Count;
use super::emitter::Emitter;
use super::images::ImageRecord;
use crate::clock::Monotonic;

/// Services told apart; a gateway hears their numbers from its peers, so that they have to be bounded.
pub const MOST_SERVICES: usize = 64;

/// No service has this number plus one.
const FREE: u32 = 0;

#[derive(Debug)]
struct Cell {
    /// The service's number plus one.
    service: AtomicU32,
    sent: Count,
    received: Count,
}

#[derive(Debug)]
struct Shared {
    cells: [Cell; MOST_SERVICES],
    /// Bytes of services for which there was no cell.
    unlisted: Count,
    /// Zero while there is no connection.
    connected_ns: AtomicU64,
}

/// The transport thread's end. It never waits, allocates or makes a system call.
///
/// ```
/// use rt_core::trace::traffic::Traffic;
/// let mut traffic = Traffic::default();
/// let watch = traffic.watch();
/// traffic.sent(2, 1_500);
/// traffic.received(2, 80);
/// assert_eq!(watch.services().collect::<Vec<_>>(), [(2, 1_500, 80)]);
/// ```
#[derive(Debug)]
pub struct Traffic(Arc<Shared>);

impl Default for Traffic {
    fn default() -> Self {
        let cell = |_| Cell { service: AtomicU32::new(FREE), sent: Count::default(), received: Count::default() };
        let cells = std::array::from_fn(cell);
        Self(Arc::new(Shared { cells, unlisted: Count::default(), connected_ns: AtomicU64::new(0) }))
    }
}

impl Traffic {
    /// For whoever keeps the books.
    #[must_use]
    pub fn watch(&self) -> TrafficWatch {
        TrafficWatch(Arc::clone(&self.0))
    }

    /// So many bytes of `service` were given to QUIC.
    pub fn sent(&mut self, service: u16, bytes: u64) {
        self.cell(service).map_or(&self.0.unlisted, |cell| &cell.sent).add(bytes);
    }

    /// So many bytes of `service` came from QUIC.
    pub fn received(&mut self, service: u16, bytes: u64) {
        self.cell(service).map_or(&self.0.unlisted, |cell| &cell.received).add(bytes);
    }

    /// The connection's beginning; `None` where there is none.
    pub fn connected(&mut self, since: Option<Monotonic>) {
        self.0.connected_ns.store(since.map_or(0, Monotonic::as_ns), Ordering::Relaxed);
    }

    fn cell(&self, service: u16) -> Option<&Cell> {
        let name = u32::from(service) + 1;
        let known = self.0.cells.iter().find_map(|cell| match cell.service.load(Ordering::Relaxed) {
            FREE => Some((cell, true)),
            found => (found == name).then_some((cell, false)),
        });
        let (cell, is_new) = known?;
        if is_new {
            cell.service.store(name, Ordering::Release);
        }
        Some(cell)
    }
}

/// Reads the numbers; may be shared out.
#[derive(Clone, Debug)]
pub struct TrafficWatch(Arc<Shared>);

impl TrafficWatch {
    /// Every service that was seen: its number, bytes sent, bytes received, all since the start.
    pub fn services(&self) -> impl Iterator<Item = (u16, u64, u64)> + '_ {
        let seen = |cell: &Cell| {
            let service = u16::try_from(cell.service.load(Ordering::Acquire).checked_sub(1)?).ok()?;
            Some((service, cell.sent.get(), cell.received.get()))
        };
        self.0.cells.iter().filter_map(seen)
    }

    /// Bytes, in both directions, of services beyond the first [`MOST_SERVICES`].
    #[must_use]
    pub fn unlisted(&self) -> u64 {
        self.0.unlisted.get()
    }

    /// When the connection began; `None` while there is none.
    #[must_use]
    pub fn connected(&self) -> Option<Monotonic> {
        let ns = self.0.connected_ns.load(Ordering::Relaxed);
        (ns > 0).then(|| Monotonic::from_ns(ns))
    }
}

/// What a transport tells of what it carries.
#[derive(Debug, Default)]
pub struct TrafficLog {
    /// Bytes.
    pub traffic: Traffic,
    /// Images; `None` where nobody logs them.
    pub images: Option<Emitter<ImageRecord>>,
}

impl TrafficLog {
    /// Tells of an image whose way is over; what finds no room is counted by the emitter.
    pub fn image(&mut self, image: ImageRecord) {
        if let Some(images) = &mut self.images {
            images.emit(image);
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_its_own_numbers_and_those_beyond_the_last_are_counted_together() {
        let mut traffic = Traffic::default();
        let watch = traffic.watch();
        for service in 0..MOST_SERVICES as u16 + 3 {
            traffic.sent(service, 10 + u64::from(service));
            traffic.received(service, 1);
            traffic.sent(service, 1);
        }
        let expected: Vec<_> = (0..MOST_SERVICES as u16).map(|service| (service, 11 + u64::from(service), 1)).collect();
        assert_eq!(watch.services().collect::<Vec<_>>(), expected);
        assert_eq!(watch.unlisted(), (64 + 65 + 66) + 3 * 12);
    }

    #[test]
    fn a_connection_is_known_from_its_beginning_to_its_end() {
        let mut traffic = Traffic::default();
        let watch = traffic.watch();
        assert_eq!(watch.connected(), None);
        traffic.connected(Some(Monotonic::from_ns(7)));
        assert_eq!(watch.connected(), Some(Monotonic::from_ns(7)));
        traffic.connected(None);
        assert_eq!(watch.connected(), None);
    }
}
