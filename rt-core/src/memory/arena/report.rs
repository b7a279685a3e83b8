//! What the kernel really gave, as numbers for the run's record and as one line for a person.

use super::Backing;
use super::smaps::Mapping;

/// An arena as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArenaReport {
    /// Length of the mapping.
    pub bytes: usize,
    /// The kind of pages that all of it stands on.
    pub backing: Backing,
    /// Page size; `None` where `/proc` does not tell.
    pub page_bytes: Option<usize>,
    /// Bytes that were in memory when the arena was ready; `None` where `/proc` does not tell.
    pub resident_bytes: Option<usize>,
    /// Whether it is locked in memory.
    pub locked: bool,
    /// Whether it is sealed against shrinking and growing.
    pub sealed: bool,
    /// What was wished for and not got, each with the kernel's reason.
    pub shortfalls: Vec<String>,
}

impl ArenaReport {
    pub(super) fn new(bytes: usize, mapping: Option<Mapping>, sealed: bool, mut shortfalls: Vec<String>) -> Self {
        let shown = mapping.unwrap_or_default();
        let backing = if shown.hugetlb_bytes >= bytes {
            Backing::HugeTlb
        } else if shown.transparent_bytes >= bytes {
            Backing::Transparent
        } else {
            Backing::Plain
        };
        match mapping {
            None => shortfalls.push("what was got could not be verified: /proc/self/smaps does not show it".to_owned()),
            Some(Mapping { resident_bytes, .. }) if resident_bytes < bytes => {
                shortfalls.push(format!("only {resident_bytes} bytes are in memory"));
            }
            Some(_) => {}
        }
        Self {
            bytes,
            backing,
            page_bytes: mapping.map(|mapping| mapping.page_bytes),
            resident_bytes: mapping.map(|mapping| mapping.resident_bytes),
            locked: shown.locked,
            sealed,
            shortfalls,
        }
    }
}

impl std::fmt::Display for ArenaReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let locked = if self.locked { "locked" } else { "not locked" };
        let sealed = if self.sealed { "sealed" } else { "not sealed" };
        let mebibytes = self.bytes as f64 / 1_048_576.0;
        write!(f, "{mebibytes:.1} MiB on {}, prefaulted, {locked}, {sealed}", self.backing)?;
        if !self.shortfalls.is_empty() {
            write!(f, " ({})", self.shortfalls.join("; "))?;
        }
        Ok(())
    }
}
