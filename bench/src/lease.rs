//! Sharing a slot with one reader, as every measurement here does.

use rt_core::memory::pool::{FramePool, ReadLease, WriteLease};

/// The one read lease of a slot whose first `filled_bytes` are filled.
pub fn share(pool: &mut FramePool, slot: WriteLease, filled_bytes: usize) -> ReadLease {
    let [lease] = pool.share::<1>(slot, filled_bytes);
    lease
}
