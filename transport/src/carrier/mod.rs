//! How a frame's bytes cross the link: a stream for each frame, or datagrams with repair and selective retransmission;
//! and the prototype's long streams, to compare with.
//!
//! The car's driver decides who sends when and gives frames up; `FrameTransport` is all it has to know of a frame that
//! has been begun. What the datagram carrier decides (how an object is cut, how much repair it gets, which shards go
//! again, what the receiver keeps) is in pure state machines here, which know no socket and no clock.

pub mod choice;
pub mod code;
mod datagram;
pub(crate) mod long_stream;
pub mod outbox;
pub(crate) mod probe;
pub(crate) mod provider;
pub mod reassembly;
pub mod repair;
mod stream;

use std::task::Context;

use rt_core::clock::Monotonic;

pub use choice::{Carrier, CarrierChoice};
pub(crate) use datagram::DatagramFrame;
pub(crate) use long_stream::{LONG_SEND_BUFFER_BYTES, LongFrame};
pub use probe::Probe;
pub(crate) use stream::{SEND_BUFFER_BYTES, StreamFrame};

/// A frame that has been begun on some carrier, as the driver sees it.
pub(crate) trait FrameTransport {
    /// Lets up to about `limit` more bytes go; how many did. Zero: not now.
    fn write(&mut self, limit: usize, now: Monotonic, cx: &mut Context<'_>) -> Result<usize, String>;

    /// Bytes that have yet to go.
    fn unsent_bytes(&self) -> u64;

    /// Abandons the frame: nothing more of it is sent, not even again, and its payload is given back.
    fn reset(self);
}

/// A frame on any carrier.
pub(crate) enum FrameCarrier {
    Stream(StreamFrame),
    Datagram(DatagramFrame),
    Long(LongFrame),
}

impl FrameTransport for FrameCarrier {
    fn write(&mut self, limit: usize, now: Monotonic, cx: &mut Context<'_>) -> Result<usize, String> {
        match self {
            Self::Stream(frame) => frame.write(limit, now, cx),
            Self::Datagram(frame) => frame.write(limit, now, cx),
            Self::Long(frame) => frame.write(limit, now, cx),
        }
    }

    fn unsent_bytes(&self) -> u64 {
        match self {
            Self::Stream(frame) => frame.unsent_bytes(),
            Self::Datagram(frame) => frame.unsent_bytes(),
            Self::Long(frame) => frame.unsent_bytes(),
        }
    }

    fn reset(self) {
        match self {
            Self::Stream(frame) => frame.reset(),
            Self::Datagram(frame) => frame.reset(),
            Self::Long(frame) => frame.reset(),
        }
    }
}
