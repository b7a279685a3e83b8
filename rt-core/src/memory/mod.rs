//! Memory that a camera can write into and that never moves: an [`arena`] of hugepages, cut into slots by a [`pool`]
//! whose leases are moved from thread to thread instead of the bytes.

pub mod arena;
mod available;
pub mod dmabuf;
pub mod pool;

pub(crate) use available::available_memory_bytes;
