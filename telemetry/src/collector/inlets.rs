//! The collector's ends of all rings.

use rt_core::trace::emitter::{Emitter, Inlet, RingDepth, ring};

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
    fn depth(&self) -> RingDepth;
}

impl<T> Ring for Inlet<T> {
    fn dropped(&self) -> u64 {
        Inlet::dropped(self)
    }

    fn is_abandoned(&self) -> bool {
        Inlet::is_abandoned(self)
    }

    fn depth(&self) -> RingDepth {
        Inlet::depth(self)
    }
}

/// Where each kind of ring begins among the event log's sources, in the order of [`Inlets::all`].
#[derive(Clone, Copy, Default)]
pub(super) struct Places {
    pub(super) frames: usize,
    pub(super) cameras: usize,
    pub(super) links: usize,
    pub(super) allocations: usize,
    pub(super) served: usize,
    pub(super) pings: usize,
    pub(super) images: usize,
}

impl Inlets {
    /// Where each kind begins where the first has the number `first`.
    pub(super) fn places(&self, first: usize) -> Places {
        let frames = first;
        let cameras = frames + self.frames.len();
        let links = cameras + self.cameras.len();
        let allocations = links + self.links.len();
        let served = allocations + self.allocations.len();
        let pings = served + self.served.len();
        let images = pings + self.pings.len();
        Places { frames, cameras, links, allocations, served, pings, images }
    }

    /// A name for every ring, in the order of [`Inlets::all`].
    pub(super) fn names(&self) -> Vec<String> {
        let kinds = [
            ("decisions", self.frames.len()),
            ("cameras", self.cameras.len()),
            ("link", self.links.len()),
            ("allocations", self.allocations.len()),
            ("served", self.served.len()),
            ("pings", self.pings.len()),
            ("images", self.images.len()),
        ];
        kinds.into_iter().flat_map(|(kind, count)| (1..=count).map(move |n| format!("{kind}-{n}"))).collect()
    }

    /// What each ring has lost, in the order of [`Inlets::all`].
    pub(super) fn losses(&self) -> impl Iterator<Item = u64> {
        self.all().map(Ring::dropped)
    }

    /// How full each ring is, in the order of [`Inlets::all`].
    pub(super) fn depths(&self) -> impl Iterator<Item = RingDepth> {
        self.all().map(Ring::depth)
    }

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
