//! What loom runs: its own atomics and cells, and a futex made of its lock and condition variable, which keeps the one
//! promise that counts (compare and sleep are one step) and knows no time-outs, so that a lost wake-up is a deadlock
//! that loom reports.

pub(crate) use loom::cell::UnsafeCell;
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use loom::sync::{Arc, Mutex};

use super::Reach;
use crate::clock::Monotonic;

#[derive(Debug)]
pub(crate) struct Futex {
    word: AtomicU32,
    gate: loom::sync::Mutex<()>,
    sleepers: loom::sync::Condvar,
}

impl Futex {
    pub(crate) fn new(value: u32) -> Self {
        Self { word: AtomicU32::new(value), gate: loom::sync::Mutex::new(()), sleepers: loom::sync::Condvar::new() }
    }

    pub(crate) fn word(&self) -> &AtomicU32 {
        &self.word
    }

    pub(crate) fn wait(&self, expected: u32, _until: Monotonic, _reach: Reach) {
        let gate = self.gate.lock().expect("loom's locks are not poisoned");
        if self.word.load(Ordering::SeqCst) == expected {
            drop(self.sleepers.wait(gate).expect("loom's locks are not poisoned"));
        }
    }

    pub(crate) fn wake_all(&self, _reach: Reach) {
        let _gate = self.gate.lock().expect("loom's locks are not poisoned");
        self.sleepers.notify_all();
    }
}
