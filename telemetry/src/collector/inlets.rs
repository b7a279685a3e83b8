//! The collector's ends of all rings.

use rt_core::trace::emitter::{Emitter, Inlet, ring};

use crate::records::{AllocationRecord, CameraRecord, FrameRecord, ImageRecord, LinkRecord, PingRecord, ServedRecord};

/// Every ring, by what comes out of it.
#[derive(Default)]
pub(super) struct Inlets {
    pub(super) frames: Vec<Inlet<FrameRecord>>,
    pub(super) cameras: Vec<Inlet<CameraRecord>>,
    pub(super) links: Vec<Inlet<LinkRecord>>,
    pub(super) allocations: Vec<Inlet<AllocationRecord>>,
    pub(super) served: Vec<Inlet<ServedRecord>>,
    pub(super) pings: Vec<Inlet<PingRecord>>,
    pub(super) images: Vec<Inlet<ImageRecord>>,
}

/// What can be asked of a ring whatever comes out of it.
trait Ring {
    fn dropped(&self) -> u64;
    fn is_abandoned(&self) -> bool;
}

impl<T> Ring for Inlet<T> {
    fn dropped(&self) -> u64 {
        Inlet::dropped(self)
    }

    fn is_abandoned(&self) -> bool {
        Inlet::is_abandoned(self)
    }
}

impl Inlets {
    /// Every ring.
    fn all(&self) -> impl Iterator<Item = &dyn Ring> {
        fn of<T>(inlets: &[Inlet<T>]) -> impl Iterator<Item = &dyn Ring> {
            inlets.iter().map(|inlet| inlet as &dyn Ring)
        }
        of(&self.frames)
            .chain(of(&self.cameras))
            .chain(of(&self.links))
            .chain(of(&self.allocations))
            .chain(of(&self.served))
            .chain(of(&self.pings))
            .chain(of(&self.images))
    }

    /// Records lost so far because a ring was full.
    pub(super) fn dropped(&self) -> u64 {
        self.all().map(Ring::dropped).sum()
    }

    /// Whether every emitter is gone.
    pub(super) fn are_abandoned(&self) -> bool {
        self.all().all(Ring::is_abandoned)
    }
}

/// A ring of `capacity` records, whose inlet is kept.
pub(super) fn add<T: Send>(inlets: &mut Vec<Inlet<T>>, capacity: usize) -> Emitter<T> {
    let (emitter, inlet) = ring(capacity);
    inlets.push(inlet);
    emitter
}
