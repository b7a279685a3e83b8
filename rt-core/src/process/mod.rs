//! What crosses a process boundary: sealed shared memory with rings, latest values and frame slots in it.
//!
//! A [`segment::Segment`] is made by one process and opened by others from its descriptor (inherited, sent with
//! [`pass`], or taken from `/proc`); it has no name in any file system, so nothing is ever left behind. Everything in
//! it is reached with atomics and checked before it is used: a broken or hostile peer can garble messages, but never
//! reach memory outside the segment, and a dead one is found, named and replaced.

pub mod claim;
pub mod frames;

pub mod identity;
pub mod latest;
pub mod name;
pub mod pass;
pub mod ring;
pub mod segment;
pub mod watch;
mod words;

pub use words::Message;
