//! What is wrong with a run, and where.

use std::collections::BTreeMap;

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The logs do not say what they ought to: data is missing or contradicts itself.
    Error,
    /// Something that a reader of the numbers has to know.
    Warning,
    /// Worth a line.
    Note,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The file or directory, from the run's parent on.
    pub file: String,
    /// The row within the file, from 0.
    pub row: Option<u64>,
    /// What is the matter, and what would be right.
    pub text: String,
}

/// Findings as they come; of the same kind in one log only the first few are kept, the others counted.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<(Severity, String, &'static str), u64>,
}

/// Findings of one kind that are kept of one log.
const KEPT: u64 = 3;

impl Findings {
    /// Adds one. `kind` is what like findings share, `log` where they are looked for together.
    pub fn add(&mut self, kind: &'static str, log: &str, finding: Finding) {
        let count = self.counts.entry((finding.severity, log.to_owned(), kind)).or_default();
        *count += 1;
        if *count <= KEPT {
            self.kept.push(finding);
        }
    }

    /// Takes over another collection's.
    pub fn merge(&mut self, other: Self) {
        self.kept.extend(other.kept);
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
    }

    /// How many of this severity there were, kept or not.
    #[must_use]
    pub fn count(&self, severity: Severity) -> u64 {
        self.counts.iter().filter(|((of, _, _), _)| *of == severity).map(|(_, count)| count).sum()
    }

    /// The findings that were kept, worst first, each group closed by how many more there were.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Finding> {
        let mut findings = self.kept;
        for ((severity, log, kind), count) in self.counts {
            if count > KEPT {
                let text = format!("{} more of {kind}", count - KEPT);
                findings.push(Finding { severity, file: log, row: None, text });
            }
        }
        findings.sort_by_key(|finding| finding.severity);
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_alike_are_three_and_a_count() {
        let mut findings = Findings::default();
        for row in 0..1000 {
            let text = "a counter falls".to_owned();
            let finding = Finding { severity: Severity::Error, file: "a".to_owned(), row: Some(row), text };
            findings.add("falling counters", "a", finding);
        }
        assert_eq!(findings.count(Severity::Error), 1000);
        let sorted = findings.into_sorted();
        assert_eq!(sorted.len(), 4);
        assert_eq!(sorted.last().map(|last| last.text.as_str()), Some("997 more of falling counters"));
    }
}
