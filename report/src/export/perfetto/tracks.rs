//! Threads of the trace. Several frames of a service are on their way at once, and slices of one thread must not
//! overlap, so a service has as many lanes as it had frames at once.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::event::Sink;

/// A process of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Process {
    Car = 1,
    Network = 2,
    Cloud = 3,
}

impl Process {
    const fn name(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Network => "network",
            Self::Cloud => "cloud",
        }
    }
}

/// Lanes of one service in one process.
const LANES: u32 = 1000;

/// A thread of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) process: u32,
    pub(super) thread: u32,
}

/// Every lane that was opened, and until when each is taken.
#[derive(Default)]
pub(super) struct Tracks(BTreeMap<(Process, u16), Vec<f64>>);

impl Tracks {
    /// The first lane that is free from `from` on; taken until `to`.
    pub(super) fn lane(&mut self, process: Process, service: u16, from: f64, to: f64) -> Track {
        let lanes = self.0.entry((process, service)).or_default();
        let place = lanes.iter().position(|until| *until <= from).unwrap_or(lanes.len());
        match lanes.get_mut(place) {
            Some(until) => *until = to,
            None => lanes.push(to),
        }
        let lane = u32::try_from(place).unwrap_or(LANES - 1).min(LANES - 1);
        Track { process: process as u32, thread: u32::from(service) * LANES + lane }
    }

    /// Names every process and thread.
    pub(super) fn name<W: Write>(&self, sink: &mut Sink<W>) -> io::Result<()> {
        for process in [Process::Car, Process::Network, Process::Cloud] {
            let pid = process as u32;
            sink.event(&json!({ "ph": "M", "name": "process_name", "pid": pid, "args": { "name": process.name() } }))?;
            sink.event(&json!({ "ph": "M", "name": "process_sort_index", "pid": pid, "args": { "sort_index": pid } }))?;
        }
        for ((process, service), lanes) in &self.0 {
            for lane in 0..u32::try_from(lanes.len()).unwrap_or(LANES).min(LANES) {
                let (pid, tid) = (*process as u32, u32::from(*service) * LANES + lane);
                let name = format!("service {service} · {}", lane + 1);
                sink.event(
                    &json!({ "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": { "name": name } }),
                )?;
            }
        }
        Ok(())
    }
}
