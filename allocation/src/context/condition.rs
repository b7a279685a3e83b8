//! What is known of the drive, and what a rule asks of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::recent::Recent;

/// Above the speed of any road vehicle, m/s.
pub const MAX_SPEED_MPS: f64 = 150.0;
/// Three turns of the steering wheel, degrees.
pub const MAX_STEERING_DEG: f64 = 1080.0;

/// Which way the driver signals; parses from and prints as `off`, `left`, `right` or `hazard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnSignal {
    /// Not at all.
    Off,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Both sides at once.
    Hazard,
}

impl TurnSignal {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Off, "off"), (Self::Left, "left"), (Self::Right, "right"), (Self::Hazard, "hazard")];
}

impl fmt::Display for TurnSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(signal, _)| signal == self).map_or("off", |(_, name)| name);
        f.write_str(name)
    }
}

/// A text that is no turn signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no turn signal; expected off, left, right or hazard")]
pub struct ParseTurnSignalError(String);

impl FromStr for TurnSignal {
    type Err = ParseTurnSignalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(signal, _)| *signal).ok_or_else(|| ParseTurnSignalError(text.to_owned()))
    }
}

/// Scene tags by their numbers, at most [`super::MOST_TAGS`]; [`super::Rules::tag`] knows the names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags(u64);

impl Tags {
    /// These and the tag `number`; a number that no tag has changes nothing.
    #[must_use]
    pub const fn with(self, number: usize) -> Self {
        if number < super::MOST_TAGS { Self(self.0 | 1 << number) } else { self }
    }

    /// Whether every one of `others` is among these.
    #[must_use]
    pub const fn contain(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the tag `number` is among them.
    #[must_use]
    pub const fn has(self, number: usize) -> bool {
        number < super::MOST_TAGS && self.0 >> number & 1 == 1
    }
}

/// What is known of the drive at one moment; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DrivingContext {
    /// Metres per second, forwards or backwards.
    pub speed_mps: Option<f64>,
    /// Angle of the steering wheel in degrees, to the left positive (ISO 8855).
    pub steering_deg: Option<f64>,
    /// Turn signal.
    pub turn_signal: Option<TurnSignal>,
    /// What kind of scene this is.
    pub tags: Tags,
}

/// From `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Least.
    pub min: f64,
    /// Most.
    pub max: f64,
}

impl Range {
    /// Whether `value` is known and in it; NaN is in no range.
    #[must_use]
    pub fn holds(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| (self.min..=self.max).contains(&value))
    }
}

/// What a rule asks for: everything that is stated has to hold, and what is unknown does not hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Speed, m/s.
    pub speed_mps: Option<Range>,
    /// Steering wheel, degrees, to the left positive.
    pub steering_deg: Option<Range>,
    /// Turn signal.
    pub turn_signal: Option<TurnSignal>,
    /// Tags that all have to be there.
    pub tags: Tags,
    /// Services by index that have detected nothing for at least so long.
    pub no_detection_for: Vec<(usize, Duration)>,
    /// Services by index that have detected something no longer ago than this.
    pub detected_within: Vec<(usize, Duration)>,
}

impl Condition {
    /// Whether it holds, at `now` on the clock of `recent`, which has one entry per service.
    #[must_use]
    pub fn holds(&self, now: Duration, context: &DrivingContext, recent: &[Recent]) -> bool {
        let since = |service: usize| recent.get(service).map(|recent| recent.since_detection(now));
        self.speed_mps.is_none_or(|range| range.holds(context.speed_mps))
            && self.steering_deg.is_none_or(|range| range.holds(context.steering_deg))
            && self.turn_signal.is_none_or(|wanted| context.turn_signal == Some(wanted))
            && context.tags.contain(self.tags)
            && self.no_detection_for.iter().all(|(service, least)| since(*service).is_some_and(|since| since >= *least))
            && self.detected_within.iter().all(|(service, most)| since(*service).is_some_and(|since| since <= *most))
    }

    /// Whether it asks for nothing, and so would hold always.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
