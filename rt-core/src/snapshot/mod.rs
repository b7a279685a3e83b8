//! Latest-value snapshot: one writer, many readers, and every reader sees the newest whole value.
//!
//! It is for state that many threads look at (an allocation, a calibration, a map): nobody takes the value away, nobody
//! waits, no value is ever seen half written, and a `T` of any size is neither copied nor cloned.
//!
//! For R readers there are R + 2 cells. One atomic word says which cell is the newest and how many readers entered it
//! since it was published. A reader whose last cell is still the newest does nothing; else it leaves that cell (one
//! atomic add on the cell) and enters the newest (one atomic add on the word, which counts it in and tells it the cell
//! at once). The writer builds in a cell that nobody is in and swaps it in as the newest; the swap tells how many
//! readers ever entered the one before, and that cell is free again when as many have left. Readers keep at most R
//! cells and the newest is one more, so one is always free: both sides are wait-free.
//!
//! After M. Ianni, A. Pellegrini, F. Quaglia, "A Wait-free Multi-word Atomic (1,N) Register for Large-scale Data Sharing
//! on Multi-core Machines", IEEE Cluster 2017.

mod read;
mod state;
mod write;

pub use read::{Guard, Reader};
use state::Shared;
pub use write::Writer;

use crate::sync::Arc;

/// The largest number of readers.
pub const MOST_READERS: usize = u16::MAX as usize;

/// Why a snapshot cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Nobody would read it.
    #[error("a snapshot for 0 readers: at least 1")]
    NoReaders,
    /// More than the writer may have to look through for a free cell.
    #[error("a snapshot for {readers} readers was asked for: at most {most}")]
    TooManyReaders {
        /// What was asked for.
        readers: usize,
        /// What would be right.
        most: usize,
    },
}

/// A snapshot for exactly `readers` readers. `make` is called once per cell, `readers + 2` times, all of its memory is
/// allocated here, and what it returns is version 0: what readers see before anything was written.
///
/// ```
/// let (mut writer, mut readers) = rt_core::snapshot::snapshot(2, || [0_u32; 64])?;
/// let mut first = readers.pop().expect("two were asked for");
/// assert_eq!(*first.read(), [0; 64]);
/// assert!(first.newer().is_none(), "nothing was written");
///
/// writer.write_with(|cell| cell.fill(7));
/// let newest = first.newer().expect("something was written");
/// assert_eq!((newest[63], newest.version()), (7, 1));
/// # Ok::<(), rt_core::snapshot::SnapshotError>(())
/// ```
///
/// A guard shows one version for as long as it lives, so a reader cannot look again while it holds one:
///
/// ```compile_fail,E0499
/// let (_writer, mut readers) = rt_core::snapshot::snapshot(1, || 0).unwrap();
/// let reader = &mut readers[0];
/// let guard = reader.read();
/// reader.newer();
/// assert_eq!(*guard, 0);
/// ```
///
/// # Errors
/// No readers, or more than [`MOST_READERS`].
pub fn snapshot<T: Send + Sync>(
    readers: usize,
    make: impl FnMut() -> T,
) -> Result<(Writer<T>, Vec<Reader<T>>), SnapshotError> {
    match readers {
        0 => Err(SnapshotError::NoReaders),
        1..=MOST_READERS => {
            let shared = Arc::new(Shared::new(readers, make));
            let ends = (0..readers).map(|_| Reader::new(Arc::clone(&shared))).collect();
            Ok((Writer::new(shared, readers), ends))
        }
        _ => Err(SnapshotError::TooManyReaders { readers, most: MOST_READERS }),
    }
}

#[cfg(test)]
#[cfg(loom)]
mod model;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
