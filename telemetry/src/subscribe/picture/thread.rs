//! The threads of the process.

use std::collections::BTreeMap;

use rt_core::trace::counters::CounterSnapshot;
use serde::{Deserialize, Serialize};

/// One thread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ThreadPicture {
    /// Its name.
    pub thread: String,
    /// The kernel's number; none where it has ended.
    pub tid: Option<u32>,
    /// The kernel's letter: R runs, S sleeps, D waits for a device.
    pub run_state: Option<String>,
    /// The core it last ran on.
    pub core: Option<u32>,
    /// The cores it may run on, such as `0-3,6`.
    pub cores: Option<String>,
    /// Its scheduling policy, with what goes with it.
    pub policy: Option<String>,
    /// Processor time so far.
    pub cpu_ms: Option<u64>,
    /// What it counts, by name; none where it counts nothing.
    pub counters: Option<BTreeMap<String, u64>>,
}

impl ThreadPicture {
    /// A thread of which only its own counters are known.
    pub(crate) fn counting(thread: &str, counters: &CounterSnapshot) -> Self {
        let counters = counters.iter().map(|(name, count)| (name.to_owned(), count)).collect();
        Self { thread: thread.to_owned(), counters: Some(counters), ..Self::default() }
    }
}
