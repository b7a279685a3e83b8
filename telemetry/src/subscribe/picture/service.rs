//! What a car decides, and what it decides by.

use serde::{Deserialize, Serialize};

/// One service of a car.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServicePicture {
    /// Its number, from 1.
    pub service: u16,
    /// Its name.
    pub name: String,
    /// The model configuration it was given.
    pub config: String,
    /// How much its accuracy counts.
    pub weight: Option<f64>,
    /// Its share of the uplink.
    pub allocated_mbps: Option<f64>,
    /// Decisions made.
    pub decisions: u64,
    /// Those made after their deadline.
    pub decisions_late: u64,
    /// Decisions with the cloud's result.
    pub from_cloud: u64,
    /// Decisions with the on-vehicle detector's.
    pub from_vehicle: u64,
    /// Decisions without any.
    pub none: u64,
    /// Given to the transport.
    pub uplink_bytes: u64,
    /// Capture to decision: the median.
    pub p50_ms: Option<f64>,
    /// Its 95th percentile.
    pub p95_ms: Option<f64>,
    /// Its 99th percentile.
    pub p99_ms: Option<f64>,
}

/// A division of the uplink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationPicture {
    /// How long ago it was made.
    pub age_s: f64,
    /// By which policy.
    pub policy: String,
    /// What there was to divide.
    pub available_mbps: f64,
    /// Weighted sum of the utilities expected of it.
    pub expected_utility: f64,
    /// The same with the on-vehicle detector alone.
    pub on_vehicle_utility: f64,
    /// Time the solver took.
    pub solve_us: f64,
}
