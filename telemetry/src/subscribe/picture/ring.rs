//! Where something waits between two threads.

use serde::{Deserialize, Serialize};

/// One ring to the collector, in records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RingPicture {
    /// Its name, as in the event log.
    pub ring: String,
    /// Its room.
    pub capacity: u64,
    /// What waits in it now.
    pub waiting: u64,
    /// The most that ever waited when the collector came.
    pub most_waiting: u64,
    /// Lost, as it was full.
    pub dropped: u64,
}

/// One hand-over between two threads of the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HandoverPicture {
    /// What is handed over.
    pub handover: String,
    /// The thread that puts it in.
    pub from: String,
    /// The thread that takes it out.
    pub to: String,
    /// Its room: 1 is a mailbox, in which the newest takes the place of what waits.
    pub capacity: u64,
    /// What waits in it now.
    pub waiting: u64,
    /// The most that waited in the last one to two seconds.
    pub most_lately: u64,
    /// The most that ever waited.
    pub most_waiting: u64,
    /// What was handed over, or was to be.
    pub sent: u64,
    /// Of it, what found no room in a ring, or was overtaken in a mailbox.
    pub lost: u64,
}
