//! One stop token per process: set once, seen by every thread, whatever it is sleeping on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::doorbell::Doorbell;

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
        if self.is_set() {
            bell.ring();
        }
    }

    /// Asks every thread to end; may be called from any thread, any number of times.
    pub fn set(&self) {
        self.0.set.store(true, Ordering::SeqCst);
        for bell in self.0.bells.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            bell.ring();
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.set.load(Ordering::SeqCst)
    }
}
