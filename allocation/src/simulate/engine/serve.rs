//! The cloud's part: frames arrive, wait for a worker, are answered.

use std::time::Duration;

use super::Engine;
use crate::simulate::cloud::{Task, Verdict};
use crate::simulate::events::Event;

impl Engine<'_> {
    pub(super) fn arrived(&mut self, now: Duration, index: usize) {
        // What was reset on its way is never complete.
        let Some(flight) = self.flights.get_mut(index).filter(|flight| !flight.closed) else { return };
        flight.arrived = now;
        let frame = &flight.frame;
        let (service, deadline) = (frame.service, frame.deadline.saturating_sub(self.scenario.rtt / 2));
        let task = Task { service, flight: index, deadline, expected: frame.execution_tail };
        if let Some(older) = self.cloud.submit(task) {
            self.answer(now, older.flight, true);
        }
        self.dispatch(now);
    }

    /// Gives the cloud's free workers what waits for them.
    fn dispatch(&mut self, now: Duration) {
        while let Some(verdict) = self.cloud.next(now) {
            match verdict {
                Verdict::Refused(task) => self.answer(now, task.flight, true),
                Verdict::Run(task) => {
                    let takes = self.flights.get(task.flight).map_or(Duration::ZERO, |flight| flight.frame.execution);
                    self.events.at(now + takes, Event::Served { flight: task.flight });
                }
            }
        }
    }

    pub(super) fn served(&mut self, now: Duration, index: usize) {
        if let Some(flight) = self.flights.get(index) {
            self.cloud.finished(flight.frame.service);
        }
        self.answer(now, index, false);
        self.dispatch(now);
    }

    /// The cloud's answer sets out.
    fn answer(&mut self, now: Duration, index: usize, refused: bool) {
        let Some(flight) = self.flights.get_mut(index) else { return };
        (flight.answered, flight.refused) = (now, refused);
        self.events.at(now + flight.frame.rtt / 2, Event::Result { flight: index });
    }
}
