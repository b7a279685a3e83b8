//! Who gets the merged stream of events.

use rt_core::clock::Monotonic;

use super::Event;

/// Hears every event of the process, in the order of time and many at once, on the collector's thread.
///
/// Whoever takes its time here lets the rings of all threads fill; what may wait belongs on a thread of its own.
pub(crate) trait EventSink {
    /// The rings that events come through, once and before the first event; [`Event::source`] is a place in `sources`.
    /// Names may be of any characters.
    fn begin(&mut self, sources: &[String]) {
        let _ = sources;
    }

    /// The next events: in the order of time within a call and from call to call, but for those marked
    /// [`LATE`](super::LATE).
    fn events(&mut self, events: &[Event]);

    /// No more for now, and none from before `watermark` but late ones: what was gathered may go. Called after every pass
    /// over the rings, about forty times a second.
    fn settle(&mut self, watermark: Monotonic);

    /// No more at all.
    fn finish(&mut self) {}
}
