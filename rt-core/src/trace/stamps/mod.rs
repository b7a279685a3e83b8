//! Stamps: a real-time thread tells how long one hop of one frame took; another turns them into histograms.

mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::Hop;
use crate::clock::Monotonic;

pub use receive::{Drained, Tracer};
pub use send::Stamper;

/// One hop of one frame, as it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The frame's sequence number within its service.
    pub seq: u64,
    /// When the hop began.
    pub start: Monotonic,
    /// When it was over.
    pub end: Monotonic,
    /// The frame's service.
    pub service: u16,
    /// Which hop.
    pub hop: Hop,
}

const _: () = assert!(size_of::<Stamp>() == 32, "two stamps to a cache line: what pushing one costs follows from it");

impl Stamp {
    /// How long the hop took; zero where it ended before it began.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.end.saturating_since(self.start)
    }

    /// [`Self::elapsed`] in nanoseconds, without the detour through seconds: whoever takes millions a second asks this.
    #[must_use]
    #[inline]
    pub const fn elapsed_ns(&self) -> u64 {
        self.end.as_ns().saturating_sub(self.start.as_ns())
    }
}
