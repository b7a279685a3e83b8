//! All threads of a process, checked together before the first of them starts.

use super::{AtEnd, Policy, SpecError, Strictness, Thread, ThreadError, ThreadSpec, spawn};
use crate::lifecycle::Heartbeat;
use crate::wait::Waiter;
use std::time::Duration;

/// The threads of a process by name.
///
/// ```
/// use rt_core::lifecycle::Heartbeat;
/// use rt_core::stop::StopToken;
/// use rt_core::threads::{CoreMap, Strictness, ThreadEnd, ThreadSpec};
/// use std::time::Duration;
/// let map = CoreMap::new(Strictness::BestEffort, vec![ThreadSpec::named("camera"), ThreadSpec::named("encoder")])?;
/// let heartbeat = Heartbeat::default();
/// let watched = heartbeat.clone();
/// let thread = map.spawn("camera", (heartbeat, Duration::from_secs(5)), &StopToken::default(), |waiter| {
///     waiter.beat();
///     Ok(())
/// })?;
/// assert_eq!(thread.join().1, ThreadEnd::Done);
/// assert!(watched.last().as_ns() > 0);
/// assert!(CoreMap::new(Strictness::Strict, vec![ThreadSpec::named("twice"), ThreadSpec::named("twice")]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CoreMap {
    strictness: Strictness,
    specs: Vec<ThreadSpec>,
}

impl CoreMap {
    /// A core map of these threads.
    ///
    /// # Errors
    /// The first [`SpecError`] there is: an entry that no kernel could grant, or a name twice.
    pub fn new(strictness: Strictness, specs: Vec<ThreadSpec>) -> Result<Self, SpecError> {
        for (index, spec) in specs.iter().enumerate() {
            spec.check()?;
            if specs.iter().take(index).any(|other| other.name == spec.name) {
                return Err(SpecError::NameTwice { name: spec.name.clone() });
            }
        }
        Ok(Self { strictness, specs })
    }

    /// Every entry, in the order given.
    #[must_use]
    pub fn specs(&self) -> &[ThreadSpec] {
        &self.specs
    }

    /// How many real-time threads may spin on a core of `spec`, itself included; they share its allowance.
    pub(super) fn sharers(&self, spec: &ThreadSpec) -> u32 {
        let spins = |other: &&ThreadSpec| {
            matches!(other.policy, Policy::Fifo { .. } | Policy::RoundRobin { .. })
                && !other.wait.longest_spin().is_zero()
                && (spec.cores.is_empty()
                    || other.cores.is_empty()
                    || spec.cores.iter().any(|core| other.cores.contains(core)))
        };
        u32::try_from(self.specs.iter().filter(spins).count()).unwrap_or(u32::MAX).max(1)
    }

    /// Starts the thread `name`. Its body is given its way of waiting, which beats `heartbeat` at each wait so that a
    /// watch with this limit never misses it.
    ///
    /// # Errors
    /// [`ThreadError`], as [`spawn`], and where there is no such entry.
    pub fn spawn<F>(
        &self,
        name: &str,
        (heartbeat, limit): (Heartbeat, Duration),
        at_end: impl Into<AtEnd>,
        body: F,
    ) -> Result<Thread, ThreadError>
    where
        F: FnOnce(Waiter) -> Result<(), String> + Send + 'static,
    {
        let Some(spec) = self.specs.iter().find(|spec| spec.name == name) else {
            let known = self.specs.iter().map(|spec| spec.name.clone()).collect();
            return Err(SpecError::NotInMap { name: name.to_owned(), known }.into());
        };
        let (strategy, sharers) = (spec.wait, self.sharers(spec));
        spawn(spec, self.strictness, at_end, move || body(Waiter::new(strategy, sharers).beating(heartbeat, limit)))
    }
}
