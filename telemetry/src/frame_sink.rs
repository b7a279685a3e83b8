//! A place for the program to look at every decision, off the hot path.

use crate::records::FrameRecord;

/// Called on the collector's thread with every decision, in the order each service made them.
///
/// It may allocate and write files (accuracy against ground truth, overlays); while it does, the rings fill, so slow
/// work wants a ring that is large enough. Any `FnMut(&FrameRecord) + Send` is one.
pub trait FrameSink: Send {
    /// One decision.
    fn frame(&mut self, record: &FrameRecord);

    /// After the last decision, before the collector returns.
    fn finish(&mut self) {}
}

impl<F: FnMut(&FrameRecord) + Send> FrameSink for F {
    fn frame(&mut self, record: &FrameRecord) {
        self(record);
    }
}
