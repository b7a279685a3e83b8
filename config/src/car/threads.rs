//! The core map of the car.

use garde::{Path, Report, Validate};
use serde::{Deserialize, Serialize};

use crate::threads::{Mode, OnLoss, Role, ThreadEntry, validate_roles};

/// The core map of the car, one entry per role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarThreads {
    /// What to do where the kernel grants less.
    pub mode: Mode,
    /// Takes frames from the cameras.
    pub capture: ThreadEntry,
    /// Resizes and encodes.
    pub encoder: ThreadEntry,
    /// One per service: sends, waits for results, decides by the deadline.
    pub service: ThreadEntry,
    /// Runs the on-vehicle detector.
    pub detector: ThreadEntry,
    /// QUIC.
    pub transport: ThreadEntry,
    /// Divides the uplink.
    pub allocator: ThreadEntry,
    /// Writes logs; not real-time.
    pub collector: ThreadEntry,
}

impl CarThreads {
    /// Every entry with its key and its role.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &ThreadEntry, Role); 7] {
        [
            ("capture", &self.capture, Role::Capture),
            ("encoder", &self.encoder, Role::Encoder),
            ("service", &self.service, Role::Service),
            ("detector", &self.detector, Role::Detector),
            ("transport", &self.transport, Role::Transport),
            ("allocator", &self.allocator, Role::Allocator),
            ("collector", &self.collector, Role::Collector),
        ]
    }
}

impl Validate for CarThreads {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        validate_roles(&self.entries(), parent, report);
    }
}

/// A car that loses its detector still has the cloud's, or has none.
pub(super) fn some_detector_is_left(cloud: bool) -> impl Fn(&CarThreads, &()) -> garde::Result {
    move |threads, ()| {
        if threads.detector.on_loss == Some(OnLoss::Degrade) && !cloud {
            return Err(garde::Error::new(
                "has detector.on_loss degrade, but without a `cloud` nothing else detects; expected fault",
            ));
        }
        Ok(())
    }
}
