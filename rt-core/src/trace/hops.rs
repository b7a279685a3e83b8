//! The hops of a frame, each declared once: histograms, logs and reports follow from this list.

use std::time::Duration;

macro_rules! hops {
    ($($(#[$doc:meta])* $variant:ident => $name:literal),+ $(,)?) => {
        /// One stretch of a frame's way from the lens to the decision.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Hop { $($(#[$doc])* $variant),+ }

        impl Hop {
            /// Every hop, in the order a frame takes them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// How many hops there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name in reports, `snake_case`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

hops! {
    /// From the capture timestamp until the frame was handed on by the capture thread.
    Capture => "capture",
    /// From there until the encoder took it out of its mailbox.
    EncodeWait => "encode_wait",
    /// Resize and compression into the uplink slot.
    Encode => "encode",
    /// From the encoded slot's hand-over until its first byte was given to QUIC.
    SendWait => "send_wait",
    /// Until the last byte was accepted by QUIC.
    Send => "send",
    /// Cloud: from the first byte received to the last.
    CloudReceive => "cloud_receive",
    /// Cloud: waiting for a worker.
    CloudQueue => "cloud_queue",
    /// Cloud: image decoding, resizing, normalisation.
    CloudPrepare => "cloud_prepare",
    /// Cloud: the model.
    CloudInference => "cloud_inference",
    /// Cloud: boxes from raw outputs, result written.
    CloudFinish => "cloud_finish",
    /// Send start to result received, less everything the cloud measured: both ways through the network.
    Network => "network",
    /// On the car, from capture until the on-vehicle detector took the frame.
    VehicleWait => "vehicle_wait",
    /// The on-vehicle detector, pre- and post-processing included.
    VehicleInference => "vehicle_inference",
    /// From the chosen result's arrival (cloud or vehicle) to the decision.
    ResultToDecision => "result_to_decision",
    /// Capture to decision.
    Total => "total",
}

/// Durations of the hops one frame has gone through; `Copy`, so that it travels with the frame.
///
/// ```
/// use rt_core::trace::{Hop, HopTimes};
/// use std::time::Duration;
/// let mut times = HopTimes::default();
/// times.set(Hop::Encode, Duration::from_micros(4_200));
/// assert_eq!(times.get(Hop::Encode), Some(Duration::from_micros(4_200)));
/// assert_eq!(times.get(Hop::Send), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HopTimes([u64; Hop::COUNT]);

/// Marks a hop the frame has not gone through.
const ABSENT: u64 = u64::MAX;

impl Default for HopTimes {
    fn default() -> Self {
        Self([ABSENT; Hop::COUNT])
    }
}

impl HopTimes {
    /// Records the duration of a hop.
    pub fn set(&mut self, hop: Hop, duration: Duration) {
        if let Some(cell) = self.0.get_mut(hop as usize) {
            *cell = u64::try_from(duration.as_nanos()).unwrap_or(ABSENT - 1).min(ABSENT - 1);
        }
    }

    /// The duration of a hop, where the frame went through it.
    #[must_use]
    pub fn get(&self, hop: Hop) -> Option<Duration> {
        self.0.get(hop as usize).copied().filter(|&ns| ns != ABSENT).map(Duration::from_nanos)
    }

    /// Takes over every hop that `other` has.
    pub fn merge(&mut self, other: &Self) {
        for (mine, &theirs) in self.0.iter_mut().zip(&other.0) {
            if theirs != ABSENT {
                *mine = theirs;
            }
        }
    }
}
