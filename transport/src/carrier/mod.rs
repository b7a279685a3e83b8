//! How a frame's bytes cross the link: a stream for each frame, or datagrams with repair and selective retransmission.
//!
//! What the datagram carrier decides (how an object is cut, how much repair it gets, which shards go again, what the
//! receiver keeps) is in pure state machines here, which know no socket and no clock.

pub mod choice;
pub mod code;
pub mod outbox;
pub mod reassembly;
pub mod repair;

pub use choice::{Carrier, CarrierChoice};
