//! What peers do wrong: named, and logged within bounds, so that one that does nothing else fills no disk.

use std::time::Duration;

use rt_core::clock::Monotonic;

/// How a peer broke the protocol or went beyond its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Offence {
    /// It was not let in: wrong first words, a taken identity, too many cars.
    Admission,
    /// It said something on the control stream after Hello.
    Control,
    /// A frame header that is none, or claims what cannot be.
    Header,
    /// No frame header within the time for one.
    HeaderTime,
    /// More or fewer bytes came than the header announced.
    Length,
    /// A frame larger than this gateway takes.
    FrameBytes,
    /// A model that is not on the menu.
    Model,
    /// One service more than a car may have.
    Service,
    /// A sequence number that was there before, or is far behind the newest.
    Sequence,
    /// More bytes at a time than a car may hold.
    CarBytes,
    /// A frame that was begun and does not go on, on a stream that others follow on.
    Stalled,
    /// More pings than a car with a dead path would send.
    Pings,
}

impl Offence {
    /// All there are, in the order of their declaration.
    pub const ALL: [Self; 12] = [
        Self::Admission,
        Self::Control,
        Self::Header,
        Self::HeaderTime,
        Self::Length,
        Self::FrameBytes,
        Self::Model,
        Self::Service,
        Self::Sequence,
        Self::CarBytes,
        Self::Stalled,
        Self::Pings,
    ];

    /// What was refused, for a person.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admission => "cars not let in",
            Self::Control => "control messages out of turn",
            Self::Header => "malformed frame headers",
            Self::HeaderTime => "streams without a frame header in time",
            Self::Length => "frames of another length than announced",
            Self::FrameBytes => "frames too large",
            Self::Model => "frames for unknown models",
            Self::Service => "frames of too many services",
            Self::Sequence => "repeated frames",
            Self::CarBytes => "frames beyond a car's share of memory",
            Self::Stalled => "frames that stopped halfway",
            Self::Pings => "pings beyond a car's share",
        }
    }

    /// Whether no correct car ever does it; the others may be the doing of a configuration or of the network.
    #[must_use]
    pub const fn breaks_the_protocol(self) -> bool {
        matches!(
            self,
            Self::Control
                | Self::Header
                | Self::HeaderTime
                | Self::Length
                | Self::Sequence
                | Self::Stalled
                | Self::Pings
        )
    }
}

/// The most lines in the log at once, and how long one more takes to be earned.
const LINES: u32 = 8;
const LINE_TIME: Duration = Duration::from_secs(1);

/// One connection's offences: how many there were, and which of them are worth a line in the log.
#[derive(Debug)]
pub(super) struct Record {
    lines: u32,
    earned_at: Monotonic,
    unsaid: u64,
    violations: u32,
}

impl Record {
    pub(super) fn new(now: Monotonic) -> Self {
        Self { lines: LINES, earned_at: now, unsaid: 0, violations: 0 }
    }

    /// Notes an offence; the line to log, where there is room for one.
    pub(super) fn note(&mut self, offence: Offence, reason: String, now: Monotonic) -> Option<String> {
        self.violations = self.violations.saturating_add(u32::from(offence.breaks_the_protocol()));
        let earned = now.saturating_since(self.earned_at).as_nanos() / LINE_TIME.as_nanos();
        if earned > 0 {
            self.lines = self.lines.saturating_add(u32::try_from(earned).unwrap_or(LINES)).min(LINES);
            self.earned_at = now;
        }
        match self.lines.checked_sub(1) {
            None => {
                self.unsaid += 1;
                None
            }
            Some(left) => {
                self.lines = left;
                let unsaid = std::mem::take(&mut self.unsaid);
                Some(if unsaid == 0 { reason } else { format!("{reason} (and {unsaid} times more before)") })
            }
        }
    }

    /// How often the protocol was broken.
    pub(super) const fn violations(&self) -> u32 {
        self.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_offences_is_a_few_lines_and_a_number() {
        let start = Monotonic::from_ns(1);
        let mut record = Record::new(start);
        let said = (0..1_000).filter(|_| record.note(Offence::Header, "bad".into(), start).is_some()).count();
        assert_eq!((said as u32, record.violations()), (LINES, 1_000));
        let later = start.plus(LINE_TIME);
        assert_eq!(
            record.note(Offence::Model, "bad".into(), later).as_deref(),
            Some("bad (and 992 times more before)")
        );
        assert_eq!(record.note(Offence::Model, "bad".into(), later), None);
        assert_eq!(record.violations(), 1_000, "an unknown model may be a configuration's fault");
        let much_later = start.plus(LINE_TIME * 1_000);
        let said = (0..1_000).filter(|_| record.note(Offence::Header, "bad".into(), much_later).is_some()).count();
        assert_eq!(said as u32, LINES);
    }
}
