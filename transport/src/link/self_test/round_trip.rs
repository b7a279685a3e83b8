//! Round trips of packets that do not meet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use serde::Serialize;

use super::{Ends, SelfTest, SelfTestError};
use crate::link::rng::Rng;

/// How much more than asked for the median round trip may be: what the threads of both ends take to wake up is in it.
const TOLERANCE: Duration = Duration::from_micros(500);

/// The least and the most time between two packets: random, so that no timer of the machine is in step with them.
const GAPS_US: (u64, u64) = (3_000, 7_000);

/// Round trips as a program at one end sees them, with the time that both ends' threads take to wake up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RoundTripsFound {
    /// How many were measured.
    pub measured: usize,
    /// The two delays, ms.
    pub asked_ms: f64,
    /// The shortest, ms.
    pub least_ms: f64,
    /// The median, ms.
    pub median_ms: f64,
    /// The 95th percentile, ms.
    pub p95_ms: f64,
    /// The 99th percentile, ms.
    pub p99_ms: f64,
    /// The longest, ms.
    pub most_ms: f64,
    /// None is shorter than asked for, and the median is at most 0.5 ms longer.
    pub within_bounds: bool,
}

pub(super) fn measure(ends: &Ends<'_>, plan: &SelfTest, stop: &StopToken) -> Result<RoundTripsFound, SelfTestError> {
    let over = AtomicBool::new(false);
    let until = Monotonic::now().plus(plan.each_for);
    std::thread::scope(|scope| {
        scope.spawn(|| echo(ends, &over));
        let receiver = scope.spawn(|| receive(ends, &over));
        let mut rng = Rng::new(1);
        let mut sent = Ok(());
        while sent.is_ok() && Monotonic::now() < until && !stop.is_set() {
            let (least_us, most_us) = GAPS_US;
            std::thread::sleep(Duration::from_micros(least_us + rng.below(most_us - least_us)));
            let stamp = Monotonic::now().as_ns().to_le_bytes();
            sent = ends.client.send_to(&stamp, ends.listen).map(drop);
        }
        // The last ones are still under way.
        std::thread::sleep(2 * plan.one_way + Duration::from_millis(50));
        over.store(true, Ordering::Relaxed);
        let trips = receiver.join().map_err(|_| SelfTestError::Thread)?;
        sent?;
        found(trips, 2 * plan.one_way)
    })
}

fn echo(ends: &Ends<'_>, over: &AtomicBool) {
    let mut buffer = [0; 64];
    while !over.load(Ordering::Relaxed) {
        if let Ok((len, from)) = ends.server.recv_from(&mut buffer)
            && let Some(bytes) = buffer.get(..len)
        {
            // One that cannot be sent is one that is not measured.
            let _ = ends.server.send_to(bytes, from);
        }
    }
}

fn receive(ends: &Ends<'_>, over: &AtomicBool) -> Vec<Duration> {
    let mut trips = Vec::new();
    let mut stamp = [0; 8];
    while !over.load(Ordering::Relaxed) {
        if ends.client.recv(&mut stamp).is_ok_and(|len| len == stamp.len()) {
            trips.push(Monotonic::from_ns(u64::from_le_bytes(stamp)).elapsed());
        }
    }
    trips
}

pub(super) fn found(mut trips: Vec<Duration>, asked: Duration) -> Result<RoundTripsFound, SelfTestError> {
    trips.sort_unstable();
    let too_few = SelfTestError::TooFew { measured: trips.len(), wanted: 1 };
    let (Some(&least), Some(&most)) = (trips.first(), trips.last()) else { return Err(too_few) };
    // Nearest rank.
    let percentile = |percent: usize| trips.get((trips.len() * percent).div_ceil(100) - 1).copied().unwrap_or(most);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(RoundTripsFound {
        measured: trips.len(),
        asked_ms: ms(asked),
        least_ms: ms(least),
        median_ms: ms(percentile(50)),
        p95_ms: ms(percentile(95)),
        p99_ms: ms(percentile(99)),
        most_ms: ms(most),
        within_bounds: least >= asked && percentile(50) <= asked + TOLERANCE,
    })
}
