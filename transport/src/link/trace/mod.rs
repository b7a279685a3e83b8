//! What a link can carry over time: a cumulative capacity curve that repeats for ever.
//!
//! A recorded trace is a list of instants at which one 1500-byte packet could leave. It is kept as the cumulative
//! number of bits that could have left by each instant, straight between two points, so that "how much by then" and
//! "when will that much have passed" are both one binary search, and scaling a trace cannot drift.

mod error;
mod generate;
mod parse;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::{TraceError, TraceProblem};

/// Bytes of one delivery opportunity in the Mahimahi format (Netravali et al., USENIX ATC 2015).
pub const OPPORTUNITY_BYTES: u64 = 1500;

const NS_PER_S: u64 = 1_000_000_000;

/// The most bits one repetition of a trace may carry; keeps every product below within 128 bits and every sum in 64.
const MAX_PERIOD_BITS: u64 = 1 << 56;

/// A corner of the curve: by `at_ns` after the start of a repetition, `bits` could have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Corner {
    at_ns: u64,
    bits: u64,
}

const START: Corner = Corner { at_ns: 0, bits: 0 };

/// A link's capacity over time, repeating with a fixed period. Cheap to clone.
///
/// ```
/// use transport::link::Trace;
/// use std::time::Duration;
/// // One opportunity a millisecond: 1500 bytes × 8 × 1000 = 12 Mbit/s.
/// let trace = Trace::parse("1\n", "steady")?;
/// assert_eq!(trace.mean_bps(), 12e6);
/// assert_eq!(trace.bits_by(Duration::from_secs(2)), 24_000_000);
/// assert_eq!(trace.instant_of_bit(12_000), Some(Duration::from_millis(1)));
/// # Ok::<(), transport::link::TraceError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    name: Arc<str>,
    /// Never empty; both fields never fall from one corner to the next, and the last one ends the repetition.
    corners: Arc<[Corner]>,
    last: Corner,
}

impl Trace {
    /// Reads a trace in Mahimahi's format: one line per 1500-byte delivery opportunity, its time in whole
    /// milliseconds, never falling; the last time is the period after which it repeats. Blank lines and lines that
    /// begin with `#` are passed over. `name` is what errors and reports call it.
    ///
    /// An opportunity is spread evenly over the millisecond that it ends, as its time was rounded to one: a packet of
    /// 1500 bytes leaves exactly when it does in Mahimahi, a smaller one up to a millisecond earlier.
    ///
    /// # Errors
    /// Names the line, the column, the text found there and what would be right.
    pub fn parse(text: &str, name: &str) -> Result<Self, TraceError> {
        parse::parse(text.as_bytes(), name)
    }

    /// As [`Trace::parse`], from a file, whose path becomes the name.
    ///
    /// # Errors
    /// As [`Trace::parse`], and where the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|source| TraceError::Read { path: path.to_owned(), source })?;
        parse::parse(&text, &name)
    }

    /// A constant rate in bit/s; at 0 nothing ever passes.
    #[must_use]
    pub fn fixed(bps: u64) -> Self {
        let corner = Corner { at_ns: NS_PER_S, bits: bps.min(MAX_PERIOD_BITS) };
        Self { name: format!("fixed {bps} bit/s").into(), corners: Arc::new([corner]), last: corner }
    }

    /// A trace from its corners; `None` unless they rise, end after the start and carry a bearable number of bits.
    fn from_corners(name: &str, corners: Vec<Corner>) -> Option<Self> {
        let last = *corners.last()?;
        let first_to_second = std::iter::once(&START).chain(&corners).zip(&corners);
        let rising = first_to_second.into_iter().all(|(a, b)| a.at_ns <= b.at_ns && a.bits <= b.bits);
        (rising && last.at_ns > 0 && last.bits <= MAX_PERIOD_BITS).then(|| Self {
            name: name.into(),
            corners: corners.into(),
            last,
        })
    }

    /// What it is called in reports: the file, or a description.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time after which it repeats.
    #[must_use]
    pub fn period(&self) -> Duration {
        Duration::from_nanos(self.last.at_ns)
    }

    /// Mean rate over one period, bit/s.
    #[must_use]
    pub fn mean_bps(&self) -> f64 {
        self.last.bits as f64 * NS_PER_S as f64 / self.last.at_ns as f64
    }

    /// Bits that could have left in the first `since_start`, rounded down.
    #[must_use]
    pub fn bits_by(&self, since_start: Duration) -> u64 {
        let ns = u64::try_from(since_start.as_nanos()).unwrap_or(u64::MAX);
        self.bits_by_ns(ns)
    }

    /// The earliest time since the start by which `bits` could have left, rounded up to a nanosecond; `None` where
    /// that never happens.
    #[must_use]
    pub fn instant_of_bit(&self, bits: u64) -> Option<Duration> {
        self.ns_of_bit(bits).map(Duration::from_nanos)
    }

    /// Mean rate, bit/s, in the `window` that begins `from` after the start; what a report draws as capacity.
    #[must_use]
    pub fn capacity_bps(&self, from: Duration, window: Duration) -> f64 {
        let bits = self.bits_by(from.saturating_add(window)).saturating_sub(self.bits_by(from));
        let seconds = window.as_secs_f64();
        if seconds > 0.0 { bits as f64 / seconds } else { 0.0 }
    }

    /// The same trace with every rate multiplied by `factor`.
    ///
    /// Where the factor is above one, a burst is widened to the left into the silence before it, as far as there is
    /// any, rather than made steeper: a 0.8 Mbit/s recording scaled to 20 Mbit/s does not become volleys of 25 packets.
    ///
    /// # Errors
    /// [`TraceError::Scale`] where the factor is negative, not finite or too large to count.
    pub fn scaled(&self, factor: f64) -> Result<Self, TraceError> {
        let refused = || TraceError::Scale { name: self.name.to_string(), factor };
        if !(factor >= 0.0 && factor * self.last.bits as f64 <= MAX_PERIOD_BITS as f64) {
            return Err(refused());
        }
        let scale = |bits: u64| (bits as f64 * factor).round() as u64;
        let mut corners: Vec<Corner> = Vec::with_capacity(self.corners.len());
        let mut before = START;
        for (k, &corner) in self.corners.iter().enumerate() {
            let next = self.corners.get(k + 1).copied();
            let silent = corner.bits == before.bits;
            let widened = match next {
                Some(next) if silent && factor > 1.0 => {
                    let width = (next.at_ns - corner.at_ns) as f64 * factor;
                    next.at_ns.saturating_sub(width as u64).max(before.at_ns)
                }
                _ => corner.at_ns,
            };
            corners.push(Corner { at_ns: widened, bits: scale(corner.bits) });
            before = corner;
        }
        let name = format!("{} × {factor:.3}", self.name);
        Self::from_corners(&name, corners).ok_or_else(refused)
    }

    /// The same trace scaled so that its mean rate is `mean_bps` bit/s.
    ///
    /// # Errors
    /// As [`Trace::scaled`]; a trace that carries nothing can only be scaled to nothing.
    ///
    /// ```
    /// use transport::link::Trace;
    /// let trace = Trace::parse("1\n7\n7\n20\n", "sparse")?.scaled_to_mean(18e6)?;
    /// assert!((trace.mean_bps() - 18e6).abs() < 1e3);
    /// # Ok::<(), transport::link::TraceError>(())
    /// ```
    pub fn scaled_to_mean(&self, mean_bps: f64) -> Result<Self, TraceError> {
        if self.last.bits == 0 && mean_bps == 0.0 {
            return Ok(self.clone());
        }
        self.scaled(mean_bps / self.mean_bps())
    }

    pub(super) fn bits_by_ns(&self, ns: u64) -> u64 {
        let (repetitions, offset) = (ns / self.last.at_ns, ns % self.last.at_ns);
        let after = self.corners.partition_point(|corner| corner.at_ns <= offset);
        let (a, b) = self.around(after);
        let part = match b.at_ns - a.at_ns {
            0 => 0,
            width => u128::from(b.bits - a.bits) * u128::from(offset - a.at_ns) / u128::from(width),
        };
        let within = a.bits + u64::try_from(part).unwrap_or(u64::MAX);
        repetitions.saturating_mul(self.last.bits).saturating_add(within)
    }

    pub(super) fn ns_of_bit(&self, bits: u64) -> Option<u64> {
        let Some(before) = bits.checked_sub(1) else { return Some(0) };
        let repetitions = before.checked_div(self.last.bits)?;
        let rest = bits - repetitions * self.last.bits;
        let after = self.corners.partition_point(|corner| corner.bits < rest);
        let (a, b) = self.around(after);
        let part = match b.bits - a.bits {
            0 => 0,
            height => (u128::from(b.at_ns - a.at_ns) * u128::from(rest - a.bits)).div_ceil(u128::from(height)),
        };
        let within = a.at_ns + u64::try_from(part).unwrap_or(u64::MAX);
        repetitions.checked_mul(self.last.at_ns)?.checked_add(within)
    }

    /// The corners on both sides of a position among them.
    fn around(&self, after: usize) -> (Corner, Corner) {
        let a = after.checked_sub(1).and_then(|k| self.corners.get(k)).copied().unwrap_or(START);
        (a, self.corners.get(after).copied().unwrap_or(self.last))
    }
}

#[cfg(test)]
mod tests;
