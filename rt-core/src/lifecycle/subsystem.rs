//! What a supervisor starts and stops.

use super::Watch;
use crate::clock::Monotonic;
use crate::threads::{Thread, ThreadEnd};

/// A part of the system that is started and stopped as one: a camera, the detector, the transport. Subsystems know
/// nothing of one another; what joins them was wired before.
pub trait Subsystem {
    /// Its name, for people; different from every other's.
    fn name(&self) -> &str;

    /// Starts it, and enters its threads in `watch`. Returns once it does its work; where it fails, nothing of it runs.
    ///
    /// # Errors
    /// Why it did not start, for people.
    fn start(&mut self, watch: &mut Watch, now: Monotonic) -> Result<(), String>;

    /// Stops it and strikes its threads out of `watch`; returns once it is stopped, or has not stopped in the time it
    /// should have.
    ///
    /// # Errors
    /// What went wrong in its work or its end, for people. It counts as stopped all the same.
    fn stop(&mut self, watch: &mut Watch) -> Result<(), String>;

    /// Its running threads.
    fn threads(&self) -> &[Thread] {
        &[]
    }

    /// Takes out one thread that has ended though nobody asked it to.
    fn take_ended(&mut self) -> Option<(String, ThreadEnd)> {
        None
    }
}
