//! One connection on which the car was accepted.

use rt_core::clock::Monotonic;

use super::health::Health;
use super::{Id, Signs};

/// A connection on which the car was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) id: Id,
    pub(super) uplink: usize,
    pub(super) health: Health,
    pub(super) signs: Signs,
    /// Since when it rests, and when it is pinged next.
    pub(super) rests: Option<(Monotonic, Monotonic)>,
    /// Its successor is wanted, though it works.
    pub(super) worn: bool,
}

impl Live {
    /// Whether it answers; with a spare, doubt comes sooner.
    pub(super) fn works(&self, now: Monotonic, spare: bool) -> bool {
        self.rests.is_none() && !self.health.is_suspect(now, spare)
    }
}
