//! One division of the uplink.

use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::names::NameId;

/// The most services one car has.
pub const MAX_SERVICES: usize = 16;

/// What one service was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServiceAllocation {
    /// The service's number, from 1.
    pub service: u16,
    /// Its share of the uplink, bytes per second.
    pub bytes_per_s: f64,
    /// The model configuration it was given.
    pub config: NameId,
    /// How much its accuracy counted.
    pub weight: f64,
}

/// One allocation: log type 6, and the live lines' "allocated".
#[derive(Clone, Debug)]
pub struct AllocationRecord {
    /// When it took effect.
    pub at: Monotonic,
    /// Time since the connection was established; `None` while there is none.
    pub since_connection: Option<Duration>,
    /// Every service's share.
    pub services: heapless::Vec<ServiceAllocation, MAX_SERVICES>,
    /// Weighted sum of the utilities expected of it.
    pub expected_utility: f64,
    /// What there was to divide, bytes per second.
    pub available_bytes_per_s: f64,
    /// The round trip it was computed with.
    pub rtt: Duration,
    /// The utility of every service on the on-vehicle detector alone.
    pub on_vehicle_utility: f64,
    /// Time the solver took.
    pub solve_time: Duration,
    /// The policy that made it.
    pub policy: NameId,
}
