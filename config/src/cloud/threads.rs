//! The core map of the cloud.

use garde::{Path, Report, Validate};
use serde::{Deserialize, Serialize};

use crate::threads::{Mode, OnLoss, Role, ThreadEntry, validate_roles};

/// The core map of the cloud, one entry per role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudThreads {
    /// What to do where the kernel grants less.
    pub mode: Mode,
    /// QUIC.
    pub gateway: ThreadEntry,
    /// Runs the detectors.
    pub worker: ThreadEntry,
    /// Writes logs.
    pub collector: ThreadEntry,
}

impl CloudThreads {
    /// Every entry with its key and its role.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &ThreadEntry, Role); 3] {
        [
            ("gateway", &self.gateway, Role::Gateway),
            ("worker", &self.worker, Role::Worker),
            ("collector", &self.collector, Role::Collector),
        ]
    }
}

impl Validate for CloudThreads {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        validate_roles(&self.entries(), parent, report);
    }
}

/// A cloud that loses a worker needs another one.
pub(super) fn some_worker_is_left(workers: u32) -> impl Fn(&CloudThreads, &()) -> garde::Result {
    move |threads, ()| {
        if threads.worker.on_loss == Some(OnLoss::Degrade) && workers == 1 {
            return Err(garde::Error::new(
                "has worker.on_loss degrade, but there is one worker only; expected fault, or more workers",
            ));
        }
        Ok(())
    }
}
