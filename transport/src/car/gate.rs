//! How much may be in the stack: as little as keeps the pipe busy, because what QUIC holds can be neither reordered
//! nor replaced by a newer frame.

use std::time::Duration;

use crate::estimate::QUEUE_INFLATION;

/// Beyond the minimum round trip, this much time's worth of bytes may be out while a queue stands (transport notes).
const HEADROOM: Duration = Duration::from_millis(15);
/// And this much while none does, so that the acknowledgement rate can rise above a low estimate and correct it. The
/// congestion window alone is no bound: BBR's is two round trips and more of bytes, which the stack would interleave.
const IDLE_HEADROOM: Duration = Duration::from_millis(30);
/// The largest piece given to QUIC at once, bytes.
pub const MAX_CHUNK_BYTES: usize = 16 * 1024;
/// The smallest, bytes: two packets.
const MIN_CHUNK_BYTES: usize = 2_800;
/// A chunk lasts about this long on the wire.
const CHUNK_TIME: Duration = Duration::from_millis(10);

/// The path as the gate has to know it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PathView {
    /// Bytes given to QUIC and not acknowledged.
    pub outstanding_bytes: u64,
    /// Bytes sent and not acknowledged, as recovery counts them.
    pub in_flight_bytes: u64,
    /// Congestion window, bytes.
    pub cwnd_bytes: u64,
    /// Estimated rate, bytes per second.
    pub rate: f64,
    /// Acknowledged bytes per second over 200 ms, where known.
    pub ack_rate: Option<f64>,
    /// Latest round trip.
    pub latest_rtt: Duration,
    /// Smallest round trip.
    pub min_rtt: Duration,
}

/// The most bytes that may be outstanding.
#[must_use]
pub fn limit_bytes(path: &PathView) -> u64 {
    let window = path.cwnd_bytes.max(MIN_CHUNK_BYTES as u64);
    let queued = path.latest_rtt > path.min_rtt + QUEUE_INFLATION;
    let pipe = match path.ack_rate {
        Some(acked) if queued => acked.min(path.rate) * (path.min_rtt + HEADROOM).as_secs_f64(),
        _ => path.rate * (path.min_rtt + IDLE_HEADROOM).as_secs_f64(),
    };
    // Beyond the window the bytes would only wait inside the stack; one chunk keeps it from running dry.
    (pipe as u64).clamp(2 * MIN_CHUNK_BYTES as u64, window + MIN_CHUNK_BYTES as u64)
}

/// Whether another chunk may be given to QUIC. With nothing outstanding the answer is always yes, so that no wrong
/// measurement can close the gate for good.
#[must_use]
pub fn open(path: &PathView) -> bool {
    path.outstanding_bytes == 0 || path.outstanding_bytes.max(path.in_flight_bytes) < limit_bytes(path)
}

/// How large the next chunk should be at `rate` bytes per second.
#[must_use]
pub fn chunk_bytes(rate: f64) -> usize {
    ((rate * CHUNK_TIME.as_secs_f64()) as usize).clamp(MIN_CHUNK_BYTES, MAX_CHUNK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_path() -> impl Strategy<Value = PathView> {
        let bytes = || 0..10_000_000_u64;
        (bytes(), bytes(), bytes(), 0.0..1e9_f64, proptest::option::of(0.0..1e9_f64), 0..5_000_u64, 0..500_u64)
            .prop_map(|(outstanding_bytes, in_flight_bytes, cwnd_bytes, rate, ack_rate, latest, min)| PathView {
                outstanding_bytes,
                in_flight_bytes,
                cwnd_bytes,
                rate,
                ack_rate,
                latest_rtt: Duration::from_millis(latest),
                min_rtt: Duration::from_millis(min),
            })
    }

    proptest! {
        #[test]
        fn an_empty_pipe_is_never_closed(path in any_path()) {
            let empty = PathView { outstanding_bytes: 0, ..path };
            prop_assert!(open(&empty));
        }

        #[test]
        fn more_outstanding_never_opens_the_gate(path in any_path(), more in 1..1_000_000_u64) {
            let fuller = PathView { outstanding_bytes: path.outstanding_bytes + more, ..path };
            prop_assert!(open(&path) || !open(&fuller));
        }

        #[test]
        fn a_standing_queue_only_tightens_the_limit(path in any_path()) {
            let idle = PathView { latest_rtt: path.min_rtt, ..path };
            prop_assert!(limit_bytes(&path) <= limit_bytes(&idle));
        }
    }

    #[test]
    fn while_a_queue_stands_the_pipe_holds_rate_times_round_trip_and_headroom() {
        let path = PathView {
            outstanding_bytes: 80_000,
            in_flight_bytes: 70_000,
            cwnd_bytes: 500_000,
            rate: 1_400_000.0,
            ack_rate: Some(1_250_000.0),
            latest_rtt: Duration::from_millis(90),
            min_rtt: Duration::from_millis(50),
        };
        assert_eq!(limit_bytes(&path), 81_250);
        assert!(open(&path));
        assert!(!open(&PathView { outstanding_bytes: 81_250, ..path }));
        let idle = PathView { latest_rtt: path.min_rtt, ..path };
        assert_eq!(limit_bytes(&idle), 112_000, "more while none does, and less than the window");
    }

    #[test]
    fn chunks_follow_the_rate_within_their_bounds() {
        assert_eq!(chunk_bytes(0.0), MIN_CHUNK_BYTES);
        assert_eq!(chunk_bytes(1_000_000.0), 10_000);
        assert_eq!(chunk_bytes(f64::INFINITY), MAX_CHUNK_BYTES);
    }
}
