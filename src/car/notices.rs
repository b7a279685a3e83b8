//! Tells on standard error, and to subscribers, what the allocator has changed and noticed.

use telemetry::names::Names;
use telemetry::subscribe::{Hub, NoteKind};

use super::control::Vocabulary;
use super::status::{Notice, Weights, active_names};

/// Lines on drift in one run: the first say what is wrong, more would bury everything else. The rest is counted.
const MOST_DRIFT_LINES: u32 = 32;

/// Takes the allocator's notices, on the main thread.
pub struct NoticeTeller {
    notices: rtrb::Consumer<Notice>,
    vocabulary: Vocabulary,
    names: Names,
    last: Vec<f64>,
    drift_lines: u32,
    hub: Hub,
}

impl NoticeTeller {
    /// A teller of services whose weights are `weights` at the start.
    pub const fn new(
        notices: rtrb::Consumer<Notice>,
        vocabulary: Vocabulary,
        names: Names,
        weights: Vec<f64>,
        hub: Hub,
    ) -> Self {
        Self { notices, vocabulary, names, last: weights, drift_lines: 0, hub }
    }

    /// Tells what is new.
    pub fn tell(&mut self) {
        while let Ok(notice) = self.notices.pop() {
            let kind = match &notice {
                Notice::Weights(_) => NoteKind::Context,
                Notice::Unserved { .. } => NoteKind::Unserved,
                Notice::Drift { .. } => NoteKind::Drift,
            };
            if let Some(line) = self.line(notice) {
                self.hub.say(kind, &line);
            }
        }
    }

    fn line(&mut self, notice: Notice) -> Option<String> {
        match notice {
            Notice::Weights(weights) => Some(self.weights(&weights)),
            Notice::Unserved { models } => Some(format!(
                "allocation: the cloud's {} cannot be used; use the table of the models that it has loaded, or run \
                 `turbo calibrate`",
                models.join(" and ")
            )),
            Notice::Drift { what, drift } => {
                self.drift_lines += 1;
                if self.drift_lines > MOST_DRIFT_LINES {
                    return None;
                }
                let (quantity, unit) = (drift.quantity.name(), drift.quantity.unit());
                let (what, live, table) = (self.names.get(what), drift.live, drift.table);
                let last = if self.drift_lines == MOST_DRIFT_LINES { "; more of this is only counted" } else { "" };
                Some(if drift.out {
                    format!(
                        "drift: {what}: {quantity} {live:.2} {unit}, the table says {table:.2}: more than a factor of {} \
                         apart; `turbo calibrate` measures anew, `turbo doctor` says what else has changed{last}",
                        drift.quantity.bound()
                    )
                } else {
                    format!(
                        "drift: {what}: {quantity} {live:.2} {unit} is what the table says again ({table:.2}){last}"
                    )
                })
            }
        }
    }

    fn weights(&mut self, new: &Weights) -> String {
        let named = self.vocabulary.services.iter().zip(&new.weights).zip(&mut self.last);
        let services: Vec<String> = named
            .map(|((service, weight), last)| {
                let was = if *last == *weight { String::new() } else { format!(" (was {last})") };
                *last = *weight;
                format!("{service} {weight}{was}")
            })
            .collect();
        let active = active_names(new.active, &self.vocabulary.rules);
        let rules = if active.is_empty() { "none".to_owned() } else { active.join(", ") };
        format!("context: weights {}; active rules: {rules}", services.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use allocation::drift::{Drift, Quantity};
    use telemetry::names::NameId;

    fn teller() -> (NoticeTeller, rtrb::Producer<Notice>) {
        let (notices, out) = rtrb::RingBuffer::new(4);
        let vocabulary = Vocabulary {
            services: vec!["front".to_owned(), "left".to_owned()],
            rules: vec!["turning left".to_owned()],
            tags: Vec::new(),
        };
        let hub = Hub::new("car", "0", rt_core::clock::ClockAnchor::now());
        (NoticeTeller::new(out, vocabulary, Names::default(), vec![2.0, 1.0], hub), notices)
    }

    #[test]
    fn a_change_is_told_with_what_was_before_and_why() {
        let (mut teller, _notices) = teller();
        let weights = |left, active| {
            Notice::Weights(Weights { weights: heapless::Vec::from_slice(&[2.0, left]).expect("room"), active })
        };
        let line = teller.line(weights(3.0, 1)).expect("a line");
        assert_eq!(line, "context: weights front 2, left 3 (was 1); active rules: turning left");
        let line = teller.line(weights(1.0, 0)).expect("a line");
        assert_eq!(line, "context: weights front 2, left 1 (was 3); active rules: none");
    }

    #[test]
    fn drift_is_told_so_often_and_no_more() {
        let (mut teller, _notices) = teller();
        let drift = Drift { quantity: Quantity::PayloadMegabit, live: 0.9, table: 0.4, out: true };
        let lines: Vec<String> =
            (0..100).filter_map(|_| teller.line(Notice::Drift { what: NameId::OTHER, drift })).collect();
        assert_eq!(lines.len(), 32);
        assert!(lines[0].contains("payload 0.90 Mbit, the table says 0.40: more than a factor of 1.5"), "{}", lines[0]);
        assert!(lines[31].contains("only counted") && !lines[30].contains("only counted"));
    }
}
