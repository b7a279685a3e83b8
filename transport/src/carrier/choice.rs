//! Which carrier a frame takes: a pure function of the link, the frame and what the frame before took.
//!
//! A lost packet costs a stream about a round trip and a half until it is there again; a frame that has this time is
//! best on a stream, which spends nothing on repair. One that has not needs its repair at once (transport notes). Losses
//! in bursts are what repair mends worst and retransmission best.

use std::time::Duration;

/// A carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A QUIC stream for each frame.
    #[default]
    Stream,
    /// Datagrams with repair and selective retransmission.
    Datagram,
}

/// How the carrier is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CarrierChoice {
    /// By loss, round trip and deadline, frame by frame.
    #[default]
    Auto,
    /// Always this one, where the peer can and the frame fits.
    Pinned(Carrier),
}

/// Time a loss costs until it is mended by sending again, round trips.
const MEND_ROUND_TRIPS: f64 = 1.5;
/// The other carrier has to be better by this part before it is taken.
const HYSTERESIS: f64 = 0.15;
/// From bursts of this mean length on, sending again beats repair, packets.
const BURSTY: f64 = 2.5;
/// Below this loss, and with this part of a frame's packets, nothing is lost that a carrier could mend.
const CLEAN: f64 = 0.000_5;
/// Bytes on the wire for each payload byte, as in the queue's predictions.
const WIRE_OVERHEAD: f64 = 1.04;

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct ChoiceInputs {
    /// What is left until the frame's decision, less the cloud's work.
    pub budget: Duration,
    /// The frame's bytes.
    pub bytes: usize,
    /// The link's rate, bytes per second.
    pub rate: f64,
    /// Smallest round trip.
    pub min_rtt: Duration,
    /// Fraction of packets lost.
    pub loss: f64,
    /// Mean length of a burst of losses, packets.
    pub burst: f64,
}

/// The carrier for a frame, where `last` is what the frame before it took.
///
/// ```
/// use std::time::Duration;
/// use transport::carrier::choice::{Carrier, CarrierChoice, ChoiceInputs, choose};
/// let near = ChoiceInputs {
///     budget: Duration::from_millis(200), bytes: 30_000, rate: 1_250_000.0,
///     min_rtt: Duration::from_millis(20), loss: 0.01, burst: 1.0,
/// };
/// let far = ChoiceInputs { min_rtt: Duration::from_millis(150), ..near };
/// assert_eq!(choose(CarrierChoice::Auto, &near, Carrier::Stream), Carrier::Stream);
/// assert_eq!(choose(CarrierChoice::Auto, &far, Carrier::Stream), Carrier::Datagram);
/// assert_eq!(choose(CarrierChoice::Pinned(Carrier::Stream), &far, Carrier::Stream), Carrier::Stream);
/// ```
#[must_use]
pub fn choose(choice: CarrierChoice, inputs: &ChoiceInputs, last: Carrier) -> Carrier {
    if let CarrierChoice::Pinned(carrier) = choice {
        return carrier;
    }
    // Each threshold moves away from the carrier in use.
    let stay = |threshold: f64| match last {
        Carrier::Stream => threshold * (1.0 - HYSTERESIS),
        Carrier::Datagram => threshold * (1.0 + HYSTERESIS),
    };
    if inputs.burst.is_nan() || inputs.burst > stay(BURSTY) {
        return Carrier::Stream;
    }
    let clean = match last {
        Carrier::Stream => CLEAN * (1.0 + HYSTERESIS),
        Carrier::Datagram => CLEAN * (1.0 - HYSTERESIS),
    };
    if inputs.loss.is_nan() || inputs.loss < clean {
        return Carrier::Stream;
    }
    let transmit = inputs.bytes as f64 * WIRE_OVERHEAD / inputs.rate.max(1.0);
    let round_trip = inputs.min_rtt.as_secs_f64();
    let left = inputs.budget.as_secs_f64() - transmit - round_trip / 2.0;
    if left < stay(MEND_ROUND_TRIPS) * round_trip { Carrier::Datagram } else { Carrier::Stream }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inputs(rtt_ms: u64, bytes: usize, loss: f64, burst: f64) -> ChoiceInputs {
        ChoiceInputs {
            budget: Duration::from_millis(200),
            bytes,
            rate: 1_250_000.0,
            min_rtt: Duration::from_millis(rtt_ms),
            loss,
            burst,
        }
    }

    const AUTO: CarrierChoice = CarrierChoice::Auto;

    #[test]
    fn long_round_trips_take_datagrams_bursts_and_clean_links_take_streams() {
        for last in [Carrier::Stream, Carrier::Datagram] {
            assert_eq!(choose(AUTO, &inputs(150, 30_000, 0.01, 1.0), last), Carrier::Datagram);
            assert_eq!(choose(AUTO, &inputs(20, 30_000, 0.01, 1.0), last), Carrier::Stream);
            assert_eq!(choose(AUTO, &inputs(150, 30_000, 0.02, 5.0), last), Carrier::Stream);
            assert_eq!(choose(AUTO, &inputs(150, 30_000, 0.0, 1.0), last), Carrier::Stream);
        }
    }

    proptest! {
        /// Near a threshold the carrier in use stays: a choice never contradicts itself on the same inputs.
        #[test]
        fn the_choice_does_not_flap(rtt in 1..400_u64, bytes in 1..200_000_usize, loss in 0.0..0.1_f64, burst in 1.0..6.0_f64) {
            let inputs = inputs(rtt, bytes, loss, burst);
            for start in [Carrier::Stream, Carrier::Datagram] {
                let first = choose(AUTO, &inputs, start);
                prop_assert_eq!(choose(AUTO, &inputs, first), first);
            }
        }

        /// Less time never turns datagrams into streams.
        #[test]
        fn less_time_favours_datagrams(rtt in 1..400_u64, bytes in 1..200_000_usize, less in 0..200_u64) {
            let roomy = inputs(rtt, bytes, 0.01, 1.0);
            let tight = ChoiceInputs { budget: roomy.budget.saturating_sub(Duration::from_millis(less)), ..roomy };
            if choose(AUTO, &roomy, Carrier::Stream) == Carrier::Datagram {
                prop_assert_eq!(choose(AUTO, &tight, Carrier::Stream), Carrier::Datagram);
            }
        }
    }
}
