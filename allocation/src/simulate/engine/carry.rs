//! The way up: what the link takes of a frame, what its queue drops, and when the frame is whole.

use std::time::Duration;

use super::Engine;
use crate::simulate::events::Event;
use crate::simulate::flight::LOSS_DELAY;
use crate::simulate::queue::QUEUE_BITS;
use crate::simulate::scenario::Discipline;

impl Engine<'_> {
    /// Gives the link a piece of a frame; `false` where it carries nothing any more.
    pub(super) fn hand_over(&mut self, now: Duration, index: usize, most: u64) -> bool {
        let Some(flight) = self.flights.get_mut(index) else { return false };
        let bits = flight.unsent().min(most);
        flight.handed += bits;
        let complete = flight.unsent() == 0;
        if !self.carry(now, index, bits) {
            if let Some(flight) = self.flights.get_mut(index) {
                flight.handed -= bits;
            }
            return false;
        }
        self.estimator.sent(now);
        if complete {
            self.writing = None;
        }
        self.expect(index);
        true
    }

    /// The link takes so many bits of a frame, as far as its queue has room; `false` where it carries nothing any more.
    fn carry(&mut self, now: Duration, index: usize, bits: u64) -> bool {
        let Some(flight) = self.flights.get_mut(index) else { return false };
        let by_now = self.path.uplink.bits_by(now);
        let first = by_now.max(self.link_bit);
        // The prototype's stack holds back what the queue has no room for, by its own congestion window.
        let gated = self.scenario.discipline == Discipline::Gated;
        let room = if gated { QUEUE_BITS.saturating_sub(first - by_now) } else { u64::MAX };
        let kept = bits.min(room);
        let (from, to) = (self.path.uplink.instant_of_bit(first + 1), self.path.uplink.instant_of_bit(first + kept));
        let (Some(from), Some(to)) = (from, to) else { return false };
        let (from, to) = (from.max(now), to.max(now));
        self.out_bits += bits;
        self.outcome.link_bits += bits;
        self.seen.sent(bits);
        if kept > 0 {
            self.link_bit = first + kept;
            flight.carried(kept, from, to);
            flight.through = flight.through.max(to);
            self.events.at(to + flight.frame.rtt, Event::Acknowledged { flight: index, bits: kept, handed: now });
        }
        if kept < bits {
            // Known of when what stands before it in the queue has been acknowledged.
            flight.lost += bits - kept;
            let known = to + flight.frame.rtt.mul_f64(LOSS_DELAY);
            self.events.at(known, Event::Lost { flight: index, bits: bits - kept });
        }
        true
    }

    /// The end of a frame's way up, once it is known when that is.
    fn expect(&mut self, index: usize) {
        let Some(flight) = self.flights.get(index).filter(|flight| flight.unsent() == 0 && flight.lost == 0) else {
            return;
        };
        let at = flight.through.max(flight.wire.repaired) + flight.frame.rtt / 2;
        self.events.at(at, Event::Arrived { flight: index });
    }

    /// What found no room in the link's queue goes again.
    pub(super) fn lost(&mut self, now: Duration, index: usize, bits: u64) {
        self.out_bits -= bits;
        self.seen.lost(bits);
        let Some(flight) = self.flights.get_mut(index) else { return };
        flight.lost -= bits;
        if !flight.closed && self.carry(now, index, bits) {
            self.expect(index);
        }
    }
}
