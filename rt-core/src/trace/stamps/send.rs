//! The real-time thread's end.

use super::Stamp;
use crate::clock::Monotonic;
use crate::frame::FrameId;
use crate::trace::Hop;
use crate::trace::emitter::Emitter;

/// Stamps the hops that one thread carries out; made by [`Tracer::stamper`](super::Tracer::stamper).
///
/// A stamp is one push of 32 bytes into a ring: no allocation, no waiting, no system call. The caller reads the clock,
/// because it nearly always has the instant already.
#[derive(Debug)]
pub struct Stamper(pub(super) Emitter<Stamp>);

impl Stamper {
    /// Tells that `hop` of `frame` lasted from `start` to `end`; `false` where the ring was full, so that the stamp is
    /// lost (and counted, see [`Drained::dropped`](super::Drained::dropped)).
    pub fn stamp(&mut self, hop: Hop, frame: FrameId, start: Monotonic, end: Monotonic) -> bool {
        self.0.emit(Stamp { seq: frame.seq, start, end, service: frame.service, hop })
    }

    /// Stamps lost so far because the ring was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}
