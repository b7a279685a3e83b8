//! One stop token per process: set once, seen by every thread, whatever it is sleeping on.

use std::sync::PoisonError;

use crate::doorbell::Doorbell;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};

/// A shared "please end"; setting it rings every doorbell that was registered.
///
/// ```
/// use rt_core::{doorbell::Doorbell, stop::StopToken};
/// let stop = StopToken::default();
/// let bell = Doorbell::futex();
/// stop.wakes(&bell);
/// let seen = bell.count();
/// stop.set();
/// assert!(stop.is_set() && bell.count() != seen);
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    set: AtomicBool,
    /// Locked at start-up (registering) and at the stop itself, never in between.
    bells: Mutex<Vec<Doorbell>>,
}

impl StopToken {
    /// Registers a doorbell that [`StopToken::set`] rings.
    pub fn wakes(&self, bell: &Doorbell) {
        self.0.bells.lock().unwrap_or_else(PoisonError::into_inner).push(bell.clone());
        // After the lock: a stop that found the list without this bell has released the lock before, and is seen here.
        if self.is_set() {
            bell.ring();
        }
    }

    /// Asks every thread to end; may be called from any thread, any number of times.
    pub fn set(&self) {
        // Release: who sees the stop sees what was done before it was asked for.
        self.0.set.store(true, Ordering::Release);
        for bell in self.0.bells.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            bell.ring();
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        // Acquire: pairs with the release in `set`.
        self.0.set.load(Ordering::Acquire)
    }
}

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
