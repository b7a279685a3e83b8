//! Memory, mailboxes, threads, time and tracing for turbo's hot path.
//!
//! It knows no file format, no socket, no YAML and no async runtime. Nothing here allocates, locks or panics after
//! start-up.

pub mod channel;
pub mod clock;
pub mod depth;
pub mod detections;
pub mod doorbell;
pub mod evicting_ring;
pub mod frame;
pub mod lifecycle;
pub mod mailbox;
pub mod memory;
pub mod process;
pub mod ring;
pub mod snapshot;
pub mod stop;
mod sync;
#[cfg(test)]
#[cfg(not(loom))]
mod testing;
pub mod threads;
pub mod trace;
pub mod wait;
