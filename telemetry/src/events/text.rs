//! An event in words, for people.

use std::fmt;

use rt_core::trace::Hop;

use super::note::words;
use super::{Event, EventKind, LATE};
use crate::records::Source;

/// An event with the name of the ring it came through; `Display` is one line.
struct Told<'a> {
    event: &'a Event,
    source: &'a str,
}

impl Event {
    /// What happened, in words; `source` is the name of the ring it came through.
    ///
    /// ```
    /// use rt_core::clock::Monotonic;
    /// use telemetry::events::{Event, EventKind};
    /// let decided = Event { service: 1, seq: 7, value: 83_400_000, ..Event::new(EventKind::Decided, Monotonic::ZERO) };
    /// assert_eq!(decided.text("decisions-1"), "service 1 frame 7: decided after 83.4 ms, source cloud");
    /// ```
    #[must_use]
    pub fn text(&self, source: &str) -> String {
        Told { event: self, source }.to_string()
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { seq, value, service, kind, detail, flags, .. } = *self.event;
        let ms = value as f64 * 1e-6;
        let mbps = value as f64 * 8e-6;
        if kind.note().is_some() {
            // One piece alone, for whoever looks at single events; words may end within a character.
            let words = String::from_utf8_lossy(&words(self.event)).into_owned();
            return write!(f, "{:?}", words);
        }
        if service > 0 {
            write!(f, "service {service} frame {seq}: ")?;
        }
        match kind {
            EventKind::Hop => {
                write!(f, "{} took {ms:.3} ms", Hop::ALL.get(usize::from(detail)).map_or("a hop", |hop| hop.name()))?
            }
            EventKind::Captured => write!(f, "captured, and handed on after {ms:.1} ms")?,
            EventKind::Decided => {
                let source = Source::ALL.get(usize::from(detail)).map_or("another", |source| source.name());
                write!(f, "decided after {ms:.1} ms, source {source}")?;
            }
            EventKind::Carried => {
                let way = if detail & 1 == 0 { "out" } else { "in" };
                let end = if detail & 2 == 0 { "" } else { ", and did not arrive" };
                write!(f, "on its way {way} for {ms:.1} ms{end}")?;
            }
            EventKind::Link => {
                let by = if detail == 1 { ", as little was sent" } else { "" };
                write!(f, "estimated capacity {mbps:.2} Mbit/s")?;
                if let Some((low, high)) = self.event.link_range() {
                    write!(f, " (low {:.2}, high {:.2})", low as f64 * 8e-6, high as f64 * 8e-6)?;
                }
                f.write_str(by)?;
            }
            EventKind::Allocated => write!(f, "{mbps:.2} Mbit/s divided anew")?,
            EventKind::Ping if detail == 1 => write!(f, "round trip {ms:.1} ms")?,
            EventKind::Ping => write!(f, "no answer to a ping in {ms:.0} ms")?,
            EventKind::Served => write!(f, "served, the model took {ms:.1} ms")?,
            EventKind::Dropped => write!(f, "{value} records lost: the ring {:?} was full", self.source)?,
            // Said above.
            _ => {}
        }
        if flags & LATE != 0 {
            f.write_str(" (told late)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EVENT_BYTES;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_event_has_words_on_one_line(bytes: [u8; EVENT_BYTES]) {
            if let Some(event) = Event::decode(&bytes) {
                let text = event.text("odd\n\"ring\"");
                prop_assert!(!text.is_empty() && !text.contains('\n'), "{}", text);
            }
        }
    }
}
