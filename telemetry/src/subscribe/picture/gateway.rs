//! A cloud's gateway and its workers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A cloud's gateway. What never falls is of the whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GatewayPicture {
    /// Cars that are here.
    pub cars: u64,
    /// Their connections.
    pub connections: u64,
    /// Frames whose header has come and that are not answered yet.
    pub frames: u64,
    /// Whole frames that wait for a worker.
    pub waiting: u64,
    /// Whole frames that a worker has.
    pub running: u64,
    /// Bytes set aside for frames of all cars.
    pub held_bytes: u64,
    /// Frames answered with a result.
    pub served: u64,
    /// Frames answered with the word that they could no longer be in time.
    pub expired: u64,
    /// Frames that a newer one of the same service took the place of.
    pub superseded: u64,
    /// Frames that were more than their car's share.
    pub overload: u64,
    /// Frames that could not be served, or whose worker died.
    pub failed: u64,
    /// Frames that their cars gave up before the last byte came.
    pub given_up: u64,
    /// Whatever was refused.
    pub refused: u64,
    /// The same by what was wrong, zeros left out.
    pub refused_by: BTreeMap<String, u64>,
}

/// One of a cloud's workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerPicture {
    /// Its name, which is its thread's.
    pub worker: String,
    /// Whether it is there: one that is lost takes no more tasks.
    pub alive: bool,
    /// Tasks it has done.
    pub tasks: u64,
    /// Time that it has been busy with them.
    pub busy_s: f64,
    /// Part of the last one to two seconds that it was busy, 0 to 1; `None` before the first of them is over.
    pub busy: Option<f64>,
}
