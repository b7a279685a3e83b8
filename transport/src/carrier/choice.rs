//! Which carrier a frame takes: a pure function of the link, the frame and what the frame before took.
//!
//! A lost packet costs a stream about a round trip and a half until it is there again; a frame that has this time is
//! best on a stream, which spends nothing on repair, and so is one whose repair would cost other frames more than it
//! saves. One that gains by it needs its repair at once (transport notes). Losses in bursts are what repair mends worst
//! and retransmission best.

use super::probe::Probe;

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
    /// Neither: the prototype's discipline, for comparison. One long stream for each service on which a begun frame is
    /// always finished, no gate, BBR, and its probe.
    Prototype(Probe),
}

/// The other carrier has to be better by this part before it is taken.
const HYSTERESIS: f64 = 0.15;
/// From bursts of this mean length on, sending again beats repair, packets.
const BURSTY: f64 = 2.5;
/// Below this loss, and with this part of a frame's packets, nothing is lost that a carrier could mend.
const CLEAN: f64 = 0.000_5;
/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct ChoiceInputs {
    /// How many repair shards the frame would get: none where whatever is lost can be sent again in time, or where the
    /// bytes are worth more to other frames.
    pub repair: u16,
    /// Fraction of packets lost.
    pub loss: f64,
    /// Mean length of a burst of losses, packets.
    pub burst: f64,
}

/// The carrier for a frame, where `last` is what the frame before it took.
///
/// ```
/// use transport::carrier::choice::{Carrier, CarrierChoice, ChoiceInputs, choose};
/// let near = ChoiceInputs { repair: 0, loss: 0.01, burst: 1.0 };
/// let far = ChoiceInputs { repair: 1, ..near };
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
    let bursty = match last {
        Carrier::Stream => BURSTY * (1.0 - HYSTERESIS),
        Carrier::Datagram => BURSTY * (1.0 + HYSTERESIS),
    };
    let clean = match last {
        Carrier::Stream => CLEAN * (1.0 + HYSTERESIS),
        Carrier::Datagram => CLEAN * (1.0 - HYSTERESIS),
    };
    let alone_and_often = inputs.burst <= bursty && inputs.loss >= clean;
    if alone_and_often && inputs.repair > 0 { Carrier::Datagram } else { Carrier::Stream }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AUTO: CarrierChoice = CarrierChoice::Auto;

    #[test]
    fn little_time_takes_datagrams_time_bursts_and_clean_links_take_streams() {
        let inputs = |repair, loss, burst| ChoiceInputs { repair, loss, burst };
        for last in [Carrier::Stream, Carrier::Datagram] {
            assert_eq!(choose(AUTO, &inputs(1, 0.01, 1.0), last), Carrier::Datagram);
            assert_eq!(choose(AUTO, &inputs(0, 0.01, 1.0), last), Carrier::Stream);
            assert_eq!(choose(AUTO, &inputs(1, 0.02, 5.0), last), Carrier::Stream);
            assert_eq!(choose(AUTO, &inputs(1, 0.0, 1.0), last), Carrier::Stream);
            assert_eq!(choose(AUTO, &inputs(1, f64::NAN, f64::NAN), last), Carrier::Stream);
        }
    }

    proptest! {
        /// Near a threshold the carrier in use stays: a choice never contradicts itself on the same inputs.
        #[test]
        fn the_choice_does_not_flap(repair in 0..3_u16, loss in 0.0..0.1_f64, burst in 1.0..6.0_f64) {
            let inputs = ChoiceInputs { repair, loss, burst };
            for start in [Carrier::Stream, Carrier::Datagram] {
                let first = choose(AUTO, &inputs, start);
                prop_assert_eq!(choose(AUTO, &inputs, first), first);
            }
        }
    }
}
