//! The rate of a link that always has something to send.

use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use serde::Serialize;

use super::{Ends, SelfTest, SelfTestError};

/// How far the measured rate may be from the one asked for, as a fraction of it.
const TOLERANCE: f64 = 0.005;

/// With their headers these fill the default MTU.
const PAYLOAD_BYTES: usize = 1472;
const WIRE_BITS: u64 = 1500 * 8;

/// Offered load as a multiple of the rate: enough that the queue never runs empty.
const OVERLOAD: f64 = 1.3;

/// How often the sender sends what is due by then; the default queue holds 100 ms at 10 Mbit/s.
const PERIOD: Duration = Duration::from_millis(2);

/// The rate at which packets came out of a link.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateFound {
    /// How many packets came through.
    pub measured: usize,
    /// Bits on the wire per second asked for, Mbit/s.
    pub asked_mbps: f64,
    /// Bits on the wire per second between the first and the last arrival, Mbit/s.
    pub measured_mbps: f64,
    /// Measured over asked for.
    pub ratio: f64,
    /// It is at most 0.5 % off.
    pub within_bounds: bool,
}

pub(super) fn measure(ends: &Ends<'_>, plan: &SelfTest, stop: &StopToken) -> Result<RateFound, SelfTestError> {
    let start = Monotonic::now();
    let until = start.plus(plan.each_for);
    std::thread::scope(|scope| {
        let receiver = scope.spawn(|| receive(ends, until));
        let payload = [0; PAYLOAD_BYTES];
        let (mut sent, mut outcome) = (0_u64, Ok(()));
        while outcome.is_ok() && Monotonic::now() < until && !stop.is_set() {
            let due = (start.elapsed().as_secs_f64() * plan.rate_bps as f64 * OVERLOAD) as u64 / WIRE_BITS;
            while sent < due && outcome.is_ok() {
                outcome = ends.client.send_to(&payload, ends.listen).map(drop);
                sent += 1;
            }
            std::thread::sleep(PERIOD);
        }
        let arrivals = receiver.join().map_err(|_| SelfTestError::Thread)?;
        outcome?;
        found(&arrivals, plan.rate_bps)
    })
}

fn receive(ends: &Ends<'_>, until: Monotonic) -> Vec<Monotonic> {
    let mut arrivals = Vec::new();
    let mut buffer = [0; PAYLOAD_BYTES];
    while Monotonic::now() < until {
        if ends.server.recv(&mut buffer).is_ok() {
            arrivals.push(Monotonic::now());
        }
    }
    arrivals
}

pub(super) fn found(arrivals: &[Monotonic], asked_bps: u64) -> Result<RateFound, SelfTestError> {
    let (Some(first), Some(last)) = (arrivals.first(), arrivals.last().filter(|_| arrivals.len() >= 100)) else {
        return Err(SelfTestError::TooFew { measured: arrivals.len(), wanted: 100 });
    };
    // The first packet's bits left before its arrival.
    let bits = WIRE_BITS as f64 * (arrivals.len() - 1) as f64;
    let measured_bps = bits / last.saturating_since(*first).as_secs_f64();
    let ratio = measured_bps / asked_bps as f64;
    Ok(RateFound {
        measured: arrivals.len(),
        asked_mbps: asked_bps as f64 / 1e6,
        measured_mbps: measured_bps / 1e6,
        ratio,
        within_bounds: (ratio - 1.0).abs() <= TOLERANCE,
    })
}
