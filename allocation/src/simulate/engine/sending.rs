//! From the waiting frames to the link: what begins, what is given to the link piece by piece, what is given up.

use std::time::Duration;

use super::{Engine, RunError};
use crate::policy::Lesson;
use crate::simulate::events::Event;
use crate::simulate::flight::Flight;
use crate::simulate::gate;
use crate::simulate::lanes::{Outlook, Ready};
use crate::simulate::scenario::Discipline;

impl Engine<'_> {
    pub(super) fn outlook(&self, now: Duration) -> Outlook {
        Outlook {
            rate_bps: self.estimator.rate_bps(now),
            low_rate_bps: self.estimator.low_rate_bps(now),
            trusted: self.estimator.is_measured(now),
            least_rtt: self.scenario.rtt,
            out_bits: self.out_bits,
            loss: self.scenario.loss.max(self.seen.fraction()),
        }
    }

    /// Gives up what is hopeless, gives the link as much as the gate allows, begins frames.
    pub(super) fn pump(&mut self, now: Duration) -> Result<(), RunError> {
        let gated = self.scenario.discipline == Discipline::Gated;
        while let Some(given) = self.lanes.next_missed() {
            self.policy.learn(&Lesson::missed(&given));
        }
        if gated && self.review(now) {
            self.decide(now)?;
        }
        loop {
            let outlook = self.outlook(now);
            if gated && !gate::open(self.out_bits, &outlook) {
                return Ok(());
            }
            if gated && let Some(wait) = self.pace.wait(now, outlook.rate_bps) {
                if self.looking_at <= now {
                    self.looking_at = now + wait;
                    self.events.at(self.looking_at, Event::LookAgain);
                }
                return Ok(());
            }
            match self.writing {
                Some(index) => {
                    let piece = if gated { gate::piece_bits(&outlook) } else { u64::MAX };
                    if !self.hand_over(now, index, piece) {
                        return Ok(());
                    }
                    self.pace.sent(piece);
                }
                None => {
                    if gated && gate::stalls(self.estimator.silence(now), outlook.least_rtt) {
                        return Ok(());
                    }
                    let Some(ready) = self.lanes.admit(now, &outlook) else {
                        if let Some(later) = self.lanes.next_change(now, self.scenario.rtt) {
                            self.events.at(later, Event::LookAgain);
                        }
                        return Ok(());
                    };
                    self.begin_flight(now, ready);
                }
            }
        }
    }

    fn begin_flight(&mut self, now: Duration, ready: Ready) {
        let first_bit = self.path.uplink.bits_by(now).max(self.link_bit);
        let flight = Flight::begin(&self.path, ready, now, first_bit, self.delivered_bytes);
        if self.scenario.discipline == Discipline::Gated {
            self.events.at(ready.deadline.saturating_sub(self.scenario.rtt).max(now), Event::LookAgain);
        }
        self.writing = Some(self.flights.len());
        self.flights.push(flight);
    }

    /// Closes the begun frames that cannot make it; whether there were any.
    fn review(&mut self, now: Duration) -> bool {
        let outlook = self.outlook(now);
        let contended = self.lanes.has_promising(now, &outlook);
        let before = self.closed;
        let recent = self.flights.len().saturating_sub(2 * self.scenario.services.len() + 2);
        for (index, flight) in self.flights.iter_mut().enumerate().skip(recent) {
            if flight.closed || !gate::hopeless(now, flight, contended, &outlook) {
                continue;
            }
            flight.closed = true;
            self.closed += 1;
            self.policy.learn(&Lesson::missed(&flight.frame.given));
            let delivered = self.delivered_bytes - flight.delivered_before;
            self.estimator.late(now, delivered, now.saturating_sub(flight.begun));
            if self.writing == Some(index) {
                self.writing = None;
            }
        }
        self.closed > before
    }
}
