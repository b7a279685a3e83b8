//! An image's way through one side's transport, told once, when it is over: so whatever began has ended in the same
//! record, and no record knows of an image only half.

use std::time::Duration;

use crate::clock::Monotonic;

macro_rules! image_steps {
    ($($(#[doc = $doc:literal])+ $variant:ident => $name:literal),+ $(,)?) => {
        /// A stretch of an image's way through the transport; the names are those of the prototype's logs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ImageStep { $($(#[doc = $doc])+ $variant),+ }

        impl ImageStep {
            /// Every step, the whole first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in logs.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it spans, as documented.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_start()),+ }
            }
        }
    };
}

image_steps! {
    /// The whole way, from the first thread that had it to its end, wherever that was.
    Image => "IMAGE",
    /// The slot's hand-over between two threads; nothing is copied any more.
    ShmCopy => "SHM_COPY",
    /// Waiting in a queue for its turn.
    EnqueueMsg => "ENQUEUE_MSG",
    /// From the last byte's being given on until the other side is known to have it: the acknowledgement's delay.
    Flush => "FLUSH",
    /// Its bytes through QUIC, first to last; the end is stamped after the write or read.
    TxRx => "TX_RX",
    /// A checkpoint within: what stood between the header and the payload, or between the bytes and their meaning.
    Intermediate => "INTERMEDIATE",
}

/// How many steps there are beside the whole.
const PARTS: usize = ImageStep::ALL.len() - 1;

/// Which way an image goes: out to QUIC, or in from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Towards QUIC: frames on the car, results in the cloud.
    Outgoing,
    /// From QUIC: results on the car, frames in the cloud.
    Incoming,
}

impl Direction {
    /// The name in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
        }
    }
}

/// What the end of an image that went all its way is called; any other word is the reason why it did not.
pub const DELIVERED: &str = "delivered";

/// One image's way through one direction of one side's transport.
///
/// ```
/// use rt_core::{clock::Monotonic, trace::images::{DELIVERED, Direction, ImageRecord, ImageStep}};
/// let at = Monotonic::from_ns;
/// let mut image = ImageRecord::begin(Direction::Outgoing, 1, 7, 40_000, at(10));
/// image.step(ImageStep::ShmCopy, at(10), at(12));
/// image.step(ImageStep::TxRx, at(12), at(90));
/// image.end(at(90), DELIVERED);
/// let steps: Vec<_> = image.steps().map(|(step, ..)| step.name()).collect();
/// assert_eq!(steps, ["IMAGE", "SHM_COPY", "TX_RX"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// The frame's sequence number within its service.
    pub seq: u64,
    /// The frame's service.
    pub service: u16,
    /// Which way it went.
    pub direction: Direction,
    /// Size of the image (or of the result) in bytes.
    pub bytes: u32,
    /// What became of it: [`DELIVERED`], or why not.
    pub outcome: &'static str,
    begin: Monotonic,
    end: Monotonic,
    /// By [`ImageStep`] less the first; absent where `end` is before `begin`.
    parts: [(Monotonic, Monotonic); PARTS],
}

const ABSENT: (Monotonic, Monotonic) = (Monotonic::from_ns(1), Monotonic::ZERO);

impl ImageRecord {
    /// An image of `bytes` that began its way at `at`.
    #[must_use]
    pub const fn begin(direction: Direction, service: u16, seq: u64, bytes: u32, at: Monotonic) -> Self {
        Self { seq, service, direction, bytes, outcome: "", begin: at, end: at, parts: [ABSENT; PARTS] }
    }

    /// A step it went through; one that seems to end before it began took no time.
    pub fn step(&mut self, step: ImageStep, begin: Monotonic, end: Monotonic) {
        match (step as usize).checked_sub(1).and_then(|part| self.parts.get_mut(part)) {
            Some(part) => *part = (begin, end.max(begin)),
            None => (self.begin, self.end) = (begin, end.max(begin)),
        }
    }

    /// Its way is over; the whole lasts until its last step's end at least.
    pub fn end(&mut self, at: Monotonic, outcome: &'static str) {
        let last = self.present().map(|(_, _, end)| end).max().unwrap_or(at);
        self.end = at.max(last).max(self.begin);
        self.outcome = outcome;
    }

    /// When it ended.
    #[must_use]
    pub const fn ended_at(&self) -> Monotonic {
        self.end
    }

    /// How long the other side's word was waited for; a part of the whole and of [`ImageStep::Flush`].
    #[must_use]
    pub fn ack_delay(&self) -> Duration {
        let flush = self.present().find(|(step, ..)| *step == ImageStep::Flush);
        flush.map_or(Duration::ZERO, |(_, begin, end)| end.saturating_since(begin))
    }

    /// Every step it went through with begin and end, the whole first.
    pub fn steps(&self) -> impl Iterator<Item = (ImageStep, Monotonic, Monotonic)> + '_ {
        std::iter::once((ImageStep::Image, self.begin, self.end)).chain(self.present())
    }

    fn present(&self) -> impl Iterator<Item = (ImageStep, Monotonic, Monotonic)> + '_ {
        let parts = ImageStep::ALL.iter().skip(1).zip(&self.parts);
        parts.filter(|(_, (begin, end))| end >= begin).map(|(&step, &(begin, end))| (step, begin, end))
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_whole_holds_every_step_and_nothing_ends_before_it_begins(
            begin in 0_u64..1_000,
            steps in prop::collection::vec((1_usize..6, 0_u64..2_000, 0_u64..2_000), 0..8),
            end in 0_u64..3_000,
        ) {
            let at = Monotonic::from_ns;
            let mut image = ImageRecord::begin(Direction::Incoming, 1, 2, 3, at(begin));
            let mut told = std::collections::BTreeSet::new();
            for (step, from, to) in steps {
                image.step(ImageStep::ALL[step], at(begin + from), at(begin + to));
                told.insert(ImageStep::ALL[step].name());
            }
            image.end(at(end), DELIVERED);
            let all: Vec<_> = image.steps().collect();
            let (first, whole) = (all[0].0, (all[0].1, all[0].2));
            prop_assert_eq!((first, all.len()), (ImageStep::Image, 1 + told.len()));
            for (_, from, to) in all {
                prop_assert!(whole.0 <= from && from <= to && to <= whole.1);
            }
        }
    }

    #[test]
    fn the_acknowledgements_delay_is_the_flush() {
        let at = Monotonic::from_ns;
        let mut image = ImageRecord::begin(Direction::Outgoing, 1, 2, 3, at(5));
        assert_eq!(image.ack_delay(), Duration::ZERO);
        image.step(ImageStep::Flush, at(10), at(17));
        assert_eq!(image.ack_delay(), Duration::from_nanos(7));
    }
}
