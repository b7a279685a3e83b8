//! The allocator's view of drive and recent results, and the weights that follow from them.

use std::time::Duration;

use allocation::context::{DrivingContext, Evaluator, FrameResult, Recent, Rules};
use allocation::problem::ServiceProblem;
use rt_core::clock::Monotonic;
use rt_core::mailbox;

use super::drive::Drive;
use super::lessons::Sent;
use super::status::{MOST_SERVICES, Status, Weights};

/// What the collector saw of one decision.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The service, from 1.
    pub service: u16,
    /// What came of the frame.
    pub result: FrameResult,
    /// Time of the on-vehicle detector, where it saw the frame.
    pub vehicle: Option<Duration>,
    /// Where it was given to the transport, and the link is what became of it.
    pub sent: Option<Sent>,
}

/// How [`Attention`] is made.
pub struct AttentionInputs {
    /// What is said of the drive.
    pub drive: mailbox::Receiver<Drive>,
    /// What recent results were; may be filled by a thread that is not real-time.
    pub seen: rtrb::Consumer<Seen>,
    /// What follows.
    pub rules: Rules,
    /// See `context.max_age_s` of the profile.
    pub max_age: Duration,
    /// See `context.recent_s` of the profile.
    pub recent: Duration,
}

/// Keeps the weights. Allocates nothing after it was made.
pub struct Attention {
    inputs: mailbox::Receiver<Drive>,
    seen: rtrb::Consumer<Seen>,
    drive: Drive,
    known: DrivingContext,
    max_age: Duration,
    recent: Vec<Recent>,
    evaluator: Evaluator,
    changes: u64,
}

impl Attention {
    /// Every service at its own weight.
    pub fn new(inputs: AttentionInputs, services: usize) -> Self {
        let now = since_boot(Monotonic::now());
        Self {
            inputs: inputs.drive,
            seen: inputs.seen,
            drive: Drive::default(),
            known: DrivingContext::default(),
            max_age: inputs.max_age,
            recent: vec![Recent::new(inputs.recent, now); services],
            evaluator: Evaluator::new(inputs.rules),
            changes: 0,
        }
    }

    /// Takes the newest of everything; the weights where they or the active rules have changed. `each` is told
    /// of every decision.
    pub fn look(&mut self, now: Monotonic, mut each: impl FnMut(&Seen)) -> Option<Weights> {
        if let Some(newer) = self.inputs.take() {
            self.drive = newer;
        }
        while let Ok(seen) = self.seen.pop() {
            if let Some(recent) = usize::from(seen.service).checked_sub(1).and_then(|at| self.recent.get_mut(at)) {
                recent.add(seen.result);
            }
            each(&seen);
        }
        self.known = self.drive.known(now, self.max_age);
        let changed = self.evaluator.evaluate(since_boot(now), &self.known, &self.recent);
        self.changes += u64::from(changed);
        changed.then(|| Weights {
            weights: self.evaluator.weights().iter().copied().take(MOST_SERVICES).collect(),
            active: self.evaluator.active(),
        })
    }

    /// Gives every service its weight.
    pub fn apply(&self, services: &mut [ServiceProblem]) {
        for (service, weight) in services.iter_mut().zip(self.evaluator.weights()) {
            // The evaluator's weights are within the bounds of a service's; were one not, the old weight stays.
            let _ = service.set_weight(*weight);
        }
    }

    /// Fills in what can be asked for.
    pub fn tell(&self, now: Monotonic, status: &mut Status) {
        let now = since_boot(now);
        (status.active, status.changes, status.known) = (self.evaluator.active(), self.changes, self.known);
        let kept = self.recent.iter().zip(self.evaluator.weights()).zip(self.evaluator.factors());
        for (service, ((recent, weight), factor)) in status.services.iter_mut().zip(kept) {
            (service.weight, service.factor) = (*weight, *factor);
            (service.agreement, service.utility) = (recent.agreement(now), recent.utility(now));
            service.since_detection = recent.since_detection(now);
        }
    }
}

/// The clock that [`Recent`] and [`Evaluator`] go by.
pub const fn since_boot(at: Monotonic) -> Duration {
    Duration::from_nanos(at.as_ns())
}
