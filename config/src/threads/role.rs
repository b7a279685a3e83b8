//! What an entry of the core map is for, and what it may say because of that.

use std::time::Duration;

use garde::{Path, Report, Validate};

use super::{OnLoss, ThreadEntry, Wait};

/// The roles of both programs' core maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes frames from a camera.
    Capture,
    /// Codes frames of a camera.
    Encoder,
    /// Decides for a camera by each deadline.
    Service,
    /// Runs the on-vehicle detector.
    Detector,
    /// The car's QUIC.
    Transport,
    /// Divides the uplink.
    Allocator,
    /// The cloud's QUIC.
    Gateway,
    /// Runs the cloud's detectors.
    Worker,
    /// Writes logs.
    Collector,
}

impl Role {
    /// Whether its threads wait on sockets, and so in the reactor's way.
    #[must_use]
    pub const fn waits_on_sockets(self) -> bool {
        matches!(self, Self::Transport | Self::Gateway)
    }

    /// The heartbeat's limit where the entry says nothing: generous, for a false alarm is a fault of its own.
    #[must_use]
    pub const fn default_heartbeat(self) -> Duration {
        match self {
            Self::Detector | Self::Worker | Self::Collector => Duration::from_secs(30),
            Self::Capture | Self::Encoder | Self::Service | Self::Transport | Self::Allocator | Self::Gateway => {
                Duration::from_secs(5)
            }
        }
    }

    /// Why nothing can go on without one of its threads; `None` where something can.
    const fn irreplaceable(self) -> Option<&'static str> {
        match self {
            Self::Service => Some("without its service thread a camera's frames have no decision"),
            Self::Gateway => Some("without the gateway no car is served"),
            Self::Capture | Self::Encoder | Self::Detector | Self::Transport | Self::Allocator => None,
            Self::Worker | Self::Collector => None,
        }
    }

    /// The key that says what its threads cannot do, and what would be right.
    fn refuses(self, entry: &ThreadEntry) -> Option<(&'static str, String)> {
        match entry.wait {
            Some(Wait::Epoll) if !self.waits_on_sockets() => {
                let text = "is epoll, for threads that wait on sockets; expected futex, spin_then_futex or spin";
                return Some(("wait", text.to_owned()));
            }
            Some(Wait::Futex | Wait::SpinThenFutex | Wait::Spin) if self.waits_on_sockets() => {
                return Some(("wait", "has to be epoll: this thread waits on sockets; expected epoll".to_owned()));
            }
            _ => {}
        }
        if entry.spin_us.is_some() && self.waits_on_sockets() {
            return Some(("spin_us", "is for spin_then_futex; expected no `spin_us`".to_owned()));
        }
        match (entry.on_loss, self.irreplaceable()) {
            (Some(OnLoss::Degrade), Some(reason)) => {
                Some(("on_loss", format!("is degrade, but {reason}; expected fault")))
            }
            _ => None,
        }
    }
}

/// Checks the entries of a core map, each with its key, by themselves and by their role.
pub(crate) fn validate_roles(
    entries: &[(&'static str, &ThreadEntry, Role)],
    parent: &mut dyn FnMut() -> Path,
    report: &mut Report,
) {
    for (key, entry, role) in entries {
        let mut path = || parent().join(*key);
        entry.validate_into(&(), &mut path, report);
        if let Some((field, problem)) = role.refuses(entry) {
            report.append(path().join(field), garde::Error::new(problem));
        }
    }
}
