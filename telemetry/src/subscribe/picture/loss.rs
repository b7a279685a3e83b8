//! What was lost.

use serde::{Deserialize, Serialize};

/// What is not in the logs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossPicture {
    /// Records that found their ring full.
    pub records_dropped: u64,
    /// Log rows that the file system refused.
    pub rows_lost: u64,
    /// Log rows that a crash before their part would have lost.
    pub rows_unprotected: u64,
    /// Log rows that wait in the flight recorder, as their part could not be written.
    pub rows_waiting: u64,
    /// Raw frames that were to be kept and are not.
    pub frames_lost: u64,
    /// Events that the file system refused.
    pub events_lost: u64,
    /// Events that came after their place in the order had been written.
    pub events_late: u64,
    /// Events removed with the oldest files, for the quota.
    pub events_expired: u64,
    /// The file system's last words.
    pub last_error: Option<String>,
}
