//! The real-time thread's end.

use std::sync::Arc;

use rtrb::Producer;

use crate::trace::count::Count;

/// Hands records to whoever keeps the books; one per thread and record type.
///
/// It never blocks, allocates or makes a system call. A full ring loses the newest record and counts it.
#[derive(Debug)]
pub struct Emitter<T> {
    pub(super) ring: Producer<T>,
    pub(super) dropped: Arc<Count>,
}

impl<T> Emitter<T> {
    /// Hands over `record`; `false` where the ring was full and the record is lost (and counted).
    pub fn emit(&mut self, record: T) -> bool {
        let taken = self.ring.push(record).is_ok();
        if !taken {
            self.dropped.add(1);
        }
        taken
    }

    /// Records lost so far because the ring was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }
}
