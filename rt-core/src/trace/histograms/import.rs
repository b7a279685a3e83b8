//! Histograms from text; whatever is cut short, edited or of another version is refused by its line.

use std::str::FromStr;

use super::export::{FIRST_LINE, bounds_line};
use super::latency::HIGHEST_NS;
use super::{HopHistograms, LatencyHistogram};
use crate::trace::Hop;

/// Why a text is no export of hop histograms; every variant names the line, from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The first line names something else, or another version.
    #[error("line 1: {found:?}; expected {FIRST_LINE:?}")]
    Version {
        /// What stands there.
        found: String,
    },
    /// The second line has other bounds, whose buckets cannot be merged with this version's.
    #[error("line 2: {found:?}; expected {:?}", bounds_line())]
    Bounds {
        /// What stands there.
        found: String,
    },
    /// A line is of no known form.
    #[error("line {line}: {found:?}; expected {expected:?}")]
    Form {
        /// Where.
        line: usize,
        /// What stands there.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// No hop has this name.
    #[error("line {line}: hop {found:?} is unknown; known are {}", known())]
    UnknownHop {
        /// Where.
        line: usize,
        /// The name.
        found: String,
    },
    /// A hop comes twice.
    #[error("line {line}: hop {} comes a second time; each may come once", hop.name())]
    Repeated {
        /// Where.
        line: usize,
        /// The hop.
        hop: Hop,
    },
    /// Bucket values have to rise, or a bucket could be counted twice.
    #[error("line {line}: {found} ns after {before} ns; expected rising values up to 60 s")]
    Order {
        /// Where.
        line: usize,
        /// The bucket's value.
        found: u64,
        /// The value before it.
        before: u64,
    },
    /// A hop's buckets do not add up to what its line promised: lines are missing.
    #[error("line {line}: hop {} promises {promised} counts, its buckets hold {found}", hop.name())]
    Counts {
        /// Where the hop begins.
        line: usize,
        /// The hop.
        hop: Hop,
        /// What its line says.
        promised: u64,
        /// What its buckets hold.
        found: u64,
    },
    /// The longest time is not in the last bucket.
    #[error("line {line}: hop {}: max_ns {found} is not in the last bucket, which ends at {last}", hop.name())]
    Max {
        /// Where the hop begins.
        line: usize,
        /// The hop.
        hop: Hop,
        /// What its line says.
        found: u64,
        /// The last bucket's value.
        last: u64,
    },
}

fn known() -> String {
    Hop::ALL.iter().map(|hop| hop.name()).collect::<Vec<_>>().join(", ")
}

/// The hop whose buckets are being read.
struct Section {
    line: usize,
    hop: Hop,
    promised: u64,
    found: u64,
    last: Option<u64>,
    histogram: LatencyHistogram,
}

impl FromStr for HopHistograms {
    type Err = ImportError;

    fn from_str(text: &str) -> Result<Self, ImportError> {
        let mut lines = (1..).zip(text.lines());
        let mut next = || lines.next().map_or("", |(_, line)| line);
        let (first, second) = (next(), next());
        if first != FIRST_LINE {
            return Err(ImportError::Version { found: first.to_owned() });
        }
        if second != bounds_line() {
            return Err(ImportError::Bounds { found: second.to_owned() });
        }
        let mut histograms = Self::default();
        let mut open: Option<Section> = None;
        for (line, text) in lines {
            if text.starts_with("hop ") {
                if let Some(section) = open.take() {
                    section.close(&mut histograms)?;
                }
                let section = Section::open(line, text)?;
                if histograms.count(section.hop) > 0 {
                    return Err(ImportError::Repeated { line, hop: section.hop });
                }
                open = Some(section);
            } else {
                let expected = "hop NAME count N max_ns N";
                let section = open.as_mut().ok_or(ImportError::Form { line, found: text.to_owned(), expected })?;
                section.bucket(line, text)?;
            }
        }
        open.map_or(Ok(()), |section| section.close(&mut histograms))?;
        Ok(histograms)
    }
}

impl Section {
    fn open(line: usize, text: &str) -> Result<Self, ImportError> {
        let expected = "hop NAME count N max_ns N, N at least 1";
        let form = || ImportError::Form { line, found: text.to_owned(), expected };
        let words: Vec<&str> = text.split(' ').collect();
        let ["hop", name, "count", count, "max_ns", max] = words.as_slice() else { return Err(form()) };
        let hop = Hop::ALL.iter().copied().find(|hop| hop.name() == *name);
        let hop = hop.ok_or_else(|| ImportError::UnknownHop { line, found: (*name).to_owned() })?;
        let promised = count.parse().ok().filter(|&count| count > 0).ok_or_else(form)?;
        let max_ns = max.parse().map_err(|_| form())?;
        let histogram = LatencyHistogram { max_ns, ..LatencyHistogram::default() };
        Ok(Self { line, hop, promised, found: 0, last: None, histogram })
    }

    fn bucket(&mut self, line: usize, text: &str) -> Result<(), ImportError> {
        let numbers = text.split_once(' ').and_then(|(ns, count)| Some((ns.parse().ok()?, count.parse().ok()?)));
        let numbers = numbers.filter(|&(_, count): &(u64, u64)| count > 0 && self.found.checked_add(count).is_some());
        let expected = "VALUE_NS COUNT, COUNT at least 1";
        let (ns, count) = numbers.ok_or(ImportError::Form { line, found: text.to_owned(), expected })?;
        // The last bucket's end lies a little above the highest value.
        let highest = HIGHEST_NS + HIGHEST_NS / 500;
        if ns > highest || self.last.is_some_and(|last| ns <= last) {
            return Err(ImportError::Order { line, found: ns, before: self.last.unwrap_or(0) });
        }
        self.last = Some(ns);
        self.found += count;
        self.histogram.record_ns(ns, count);
        Ok(())
    }

    fn close(self, histograms: &mut HopHistograms) -> Result<(), ImportError> {
        let Self { line, hop, promised, found, last, histogram } = self;
        if found != promised {
            return Err(ImportError::Counts { line, hop, promised, found });
        }
        let last = last.unwrap_or(0);
        let mut longest = LatencyHistogram::default();
        longest.record_ns(histogram.max_ns, 1);
        if longest.buckets().map(|(ns, _)| ns).next() != histogram.buckets().map(|(ns, _)| ns).last() {
            return Err(ImportError::Max { line, hop, found: histogram.max_ns, last });
        }
        if let Some(place) = histograms.0.get_mut(hop as usize) {
            *place = histogram;
        }
        Ok(())
    }
}
