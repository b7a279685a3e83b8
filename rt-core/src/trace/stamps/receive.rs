//! The end of whoever keeps the books.

use super::{Stamp, Stamper};
use crate::trace::HopHistograms;
use crate::trace::emitter::{Inlet, RingDepth, ring};

/// Gathers the stamps of every thread into one histogram per hop.
///
/// ```
/// use rt_core::{clock::Monotonic, frame::FrameId, trace::{Hop, Tracer}};
/// let mut tracer = Tracer::default();
/// let mut stamper = tracer.stamper("encoder-1", 2);
/// let begun = Monotonic::from_ns(1_000);
/// for seq in 0..3 {
///     stamper.stamp(Hop::Encode, FrameId { service: 1, seq }, begun, Monotonic::from_ns(6_000));
/// }
/// let drained = tracer.drain();
/// assert_eq!((drained.stamps, drained.dropped), (2, 1));
/// let encode = tracer.histograms().quantiles(Hop::Encode).ok_or("two frames were encoded")?;
/// assert_eq!(encode.max.as_nanos(), 5_000);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Default)]
pub struct Tracer {
    sources: Vec<Source>,
    histograms: HopHistograms,
}

#[derive(Debug)]
struct Source {
    thread: String,
    inlet: Inlet<Stamp>,
    /// Losses that a drain has told already.
    told: u64,
}

/// What one call of [`Tracer::drain`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Stamps taken.
    pub stamps: u64,
    /// Stamps lost since the call before, because their thread's ring was full.
    pub dropped: u64,
}

impl Tracer {
    /// A stamper for a thread, with room for `capacity` stamps between two drains. Made before the thread starts.
    pub fn stamper(&mut self, thread: impl Into<String>, capacity: usize) -> Stamper {
        let (emitter, inlet) = ring(capacity);
        self.sources.push(Source { thread: thread.into(), inlet, told: 0 });
        Stamper(emitter)
    }

    /// Takes every stamp that is there into the histograms. Allocates nothing.
    pub fn drain(&mut self) -> Drained {
        self.drain_with(|_, _| {})
    }

    /// As [`Tracer::drain`]; `see` gets each stamp, with its thread's name, in the order the thread made them.
    pub fn drain_with(&mut self, mut see: impl FnMut(&str, &Stamp)) -> Drained {
        self.drain_slices(|_, thread, stamps| stamps.iter().for_each(|stamp| see(thread, stamp)))
    }

    /// As [`Tracer::drain_with`], many stamps of one thread at once and with the thread's place in
    /// [`Tracer::dropped_by_thread`] as well.
    pub fn drain_slices(&mut self, mut see: impl FnMut(usize, &str, &[Stamp])) -> Drained {
        let mut drained = Drained::default();
        for (place, Source { thread, inlet, told }) in self.sources.iter_mut().enumerate() {
            drained.stamps += inlet.drain_slices(|stamps| {
                stamps.iter().for_each(|stamp| self.histograms.record_ns(stamp.hop, stamp.elapsed_ns()));
                see(place, thread, stamps);
            }) as u64;
            let dropped = inlet.dropped();
            drained.dropped += dropped - *told;
            *told = dropped;
        }
        drained
    }

    /// What was drained so far.
    #[must_use]
    pub const fn histograms(&self) -> &HopHistograms {
        &self.histograms
    }

    /// Stamps lost so far, by all threads.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.sources.iter().map(|source| source.inlet.dropped()).sum()
    }

    /// Each thread with what it lost so far.
    pub fn dropped_by_thread(&self) -> impl Iterator<Item = (&str, u64)> {
        self.sources.iter().map(|source| (source.thread.as_str(), source.inlet.dropped()))
    }

    /// How full each thread's ring is, in the same order.
    pub fn depths(&self) -> impl Iterator<Item = RingDepth> {
        self.sources.iter().map(|source| source.inlet.depth())
    }

    /// Whether every stamper is gone, so that nothing comes that is not in its ring by now.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.sources.iter().all(|source| source.inlet.is_abandoned())
    }
}
