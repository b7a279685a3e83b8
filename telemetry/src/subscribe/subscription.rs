//! The subscriber's end: what its queue brings, as lines of JSON. Whoever reads may take as long as it likes: what finds
//! no room meanwhile is lost to this subscriber alone, counted, and told to it.

use std::sync::Arc;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::trace::emitter::Inlet;
use serde::Serialize;

use super::picture::Picture;
use super::place::Place;
use super::tasks::add_tasks;
use super::{Hub, Note};
use crate::events::{Event, LATE, Severity};

/// The subsystem of what is told about the subscription itself.
const LIVE: &str = "live";

/// What is put into a queue.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Everything until then was given out before this subscription began.
    Begin(Monotonic),
    Event(Event),
    Note(Arc<Note>),
    Picture(Arc<Picture>),
}

/// One subscriber's end; whoever holds it reads, on a thread of its own.
#[derive(Debug)]
pub struct Subscription {
    hub: Hub,
    queue: Inlet<Item>,
    bell: Doorbell,
    /// Given back when this is dropped, which is how the publisher learns of it.
    place: Arc<Place>,
    lost_told: u64,
    over: bool,
}

/// What every line has, whatever it tells of.
#[derive(Serialize)]
struct Head<'a> {
    r#type: &'static str,
    at_unix_s: f64,
    at_ns: u64,
    severity: &'static str,
    subsystem: &'a str,
    topic: &'a str,
    text: &'a str,
}

/// What a line about an event has beside that.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    service: u16,
    seq: u64,
    value: u64,
    detail: u8,
    source: &'a str,
    late: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    low_bytes_per_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high_bytes_per_s: Option<u64>,
}

#[derive(Serialize)]
struct BeginLine<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    after_ns: u64,
}

#[derive(Serialize)]
struct LostLine<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    count: u64,
}

/// An event as a line of JSON without its end; `source` is the name of the ring it came through.
///
/// ```
/// use rt_core::clock::{ClockAnchor, Monotonic};
/// use telemetry::events::{Event, EventKind};
/// let event = Event { value: 3, ..Event::new(EventKind::Dropped, Monotonic::from_ns(5)) };
/// let line = telemetry::subscribe::event_line(&event, "link-1", &ClockAnchor::now());
/// let line: serde_json::Value = serde_json::from_str(&line)?;
/// assert_eq!((&line["topic"], &line["severity"], &line["value"]), (&"dropped".into(), &"warning".into(), &3.into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn event_line(event: &Event, source: &str, anchor: &ClockAnchor) -> String {
    let text = event.text(source);
    let Event { at, seq, value, service, kind, detail, flags, .. } = *event;
    let head = head("event", at, anchor, (kind.severity(), kind.subsystem(), kind.name()), &text);
    let (low_bytes_per_s, high_bytes_per_s) = event.link_range().unzip();
    let late = flags & LATE != 0;
    json(&EventLine { head, service, seq, value, detail, source, late, low_bytes_per_s, high_bytes_per_s })
}

/// A note as a line of JSON without its end.
#[must_use]
pub fn note_line(note: &Note, anchor: &ClockAnchor) -> String {
    let kind = note.kind.event();
    json(&head("note", note.at, anchor, (kind.severity(), kind.subsystem(), kind.name()), &note.text))
}

fn head<'a>(
    r#type: &'static str,
    at: Monotonic,
    anchor: &ClockAnchor,
    (severity, subsystem, topic): (Severity, &'a str, &'a str),
    text: &'a str,
) -> Head<'a> {
    let at_unix_s = anchor.unix_at(at).as_secs_f64();
    Head { r#type, at_unix_s, at_ns: at.as_ns(), severity: severity.name(), subsystem, topic, text }
}

fn json(line: &impl Serialize) -> String {
    // Plain structs of numbers and strings always are JSON.
    serde_json::to_string(line).unwrap_or_default()
}

impl Subscription {
    pub(super) const fn new(hub: Hub, queue: Inlet<Item>, bell: Doorbell, place: Arc<Place>) -> Self {
        Self { hub, queue, bell, place, lost_told: 0, over: false }
    }

    /// Appends what has come to `lines`, a line of JSON each; waits for it until `until`. `false` once everything was
    /// read and nothing will come any more; the last line says so.
    pub fn read(&mut self, until: Monotonic, lines: &mut String) -> bool {
        if self.over {
            return false;
        }
        loop {
            let seen = self.bell.count();
            // Before the queue is read: what was put before the end is then in it. A queue whose other end has been
            // thrown away without a word is that of a run that was over as it began.
            let ended = self.queue.is_abandoned();
            let before = lines.len();
            self.take(lines);
            if ended {
                self.over = true;
                self.line_of_its_own("end", Severity::Info, "the run is over", lines);
                return true;
            }
            if lines.len() > before || Monotonic::now() >= until {
                return true;
            }
            self.bell.wait_until(seen, until);
        }
    }

    fn take(&mut self, lines: &mut String) {
        let anchor = ClockAnchor::now();
        let Self { hub, queue, .. } = self;
        queue.drain(|item| {
            let line = match item {
                Item::Begin(after) => begin_line(hub, after, &anchor),
                Item::Event(event) => event_line(&event, hub.source(event.source), &anchor),
                Item::Note(note) => note_line(&note, &anchor),
                Item::Picture(picture) => json(&finished(&picture, hub, &anchor)),
            };
            lines.push_str(&line);
            lines.push('\n');
        });
        let lost = self.queue.dropped() - self.lost_told;
        if lost > 0 {
            self.lost_told += lost;
            let text = format!("{lost} records are lost to this subscriber: it reads too slowly");
            let head = head("lost", Monotonic::now(), &anchor, (Severity::Warning, LIVE, "lost"), &text);
            lines.push_str(&json(&LostLine { head, count: lost }));
            lines.push('\n');
        }
    }

    fn line_of_its_own(&self, topic: &'static str, severity: Severity, text: &str, lines: &mut String) {
        lines.push_str(&json(&head(topic, Monotonic::now(), &ClockAnchor::now(), (severity, LIVE, topic), text)));
        lines.push('\n');
    }

    /// Whether whoever is on the other end has stopped taking what is written to it: the end of the run does not wait for
    /// it then ([`Hub::wait_for_ends`]).
    pub fn set_stuck(&self, stuck: bool) {
        self.place.set_stuck(stuck);
    }

    /// Records that this subscriber has lost so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.queue.dropped()
    }
}

fn begin_line(hub: &Hub, after: Monotonic, anchor: &ClockAnchor) -> String {
    let who = hub.who();
    let run_dir = who.run_dir.as_deref().map(|dir| format!(", {}", dir.display())).unwrap_or_default();
    let text = format!("{}{run_dir}", who.name());
    let head = head("begin", Monotonic::now(), anchor, (Severity::Info, LIVE, "begin"), &text);
    json(&BeginLine { head, after_ns: after.as_ns() })
}

/// The picture with what is not the collector's to find out.
fn finished(picture: &Picture, hub: &Hub, anchor: &ClockAnchor) -> Picture {
    let mut picture = picture.clone();
    let at = Monotonic::from_ns(picture.at_ns);
    picture.who = hub.who();
    picture.at_unix_s = anchor.unix_at(at).as_secs_f64();
    picture.since_start_s = at.saturating_since(hub.started().monotonic).as_secs_f64();
    picture.state = hub.state();
    (picture.subscribers, picture.subscribers_lost) = hub.subscribers();
    for (service, name) in picture.services.iter_mut().zip(&picture.who.services) {
        service.name.clone_from(name);
    }
    for note in &mut picture.notes {
        note.at_unix_s = anchor.unix_at(Monotonic::from_ns(note.at_ns)).as_secs_f64();
    }
    add_tasks(&mut picture.threads);
    picture
}
