//! Log type 7: bytes of one service on one side.

use super::Bins;
use crate::part::{PartProblem, Table};

pub(super) const COLUMNS: &[&str] = &["instant_timestamp", "tx_cnt", "rx_cnt"];

/// Everything that one service carried.
#[derive(Clone, Debug, Default)]
pub struct NetworkStats {
    /// Bytes sent at the last look.
    pub sent_bytes: u64,
    /// Bytes received at the last look.
    pub received_bytes: u64,
    /// Over time from the run's start: seconds looked at, bytes sent in them, bytes received.
    pub series: Bins<3>,
}

impl NetworkStats {
    /// Adds a part.
    ///
    /// # Errors
    /// [`PartProblem::NoColumn`].
    pub fn add(&mut self, table: &Table) -> Result<(), PartProblem> {
        let at = table.need_floats("instant_timestamp")?;
        let (sent, received) = (table.need_integers("tx_cnt")?, table.need_integers("rx_cnt")?);
        let mut before: Option<(f64, i64, i64)> = None;
        for ((at, sent), received) in at.into_iter().zip(sent).zip(received) {
            let (sent, received) = (sent.unwrap_or(0), received.unwrap_or(0));
            self.sent_bytes = self.sent_bytes.max(u64::try_from(sent).unwrap_or(0));
            self.received_bytes = self.received_bytes.max(u64::try_from(received).unwrap_or(0));
            if let Some((then, sent_then, received_then)) = before {
                let bytes = |now: i64, then: i64| now.saturating_sub(then).max(0) as f64;
                self.series.add(at, [at - then, bytes(sent, sent_then), bytes(received, received_then)]);
            }
            before = Some((at, sent, received));
        }
        Ok(())
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.sent_bytes = self.sent_bytes.max(other.sent_bytes);
        self.received_bytes = self.received_bytes.max(other.received_bytes);
        self.series.merge(&other.series);
    }
}
