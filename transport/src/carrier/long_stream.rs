//! A stream on which one frame follows another, as the prototype had one for each service: what was begun is always
//! finished, because a frame that broke off would be taken for the beginning of the next one's.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use rt_core::clock::Monotonic;
use s2n_quic::stream::SendStream;

use super::FrameTransport;
use crate::wire::code;
use crate::wire::stream::abandon;

/// A stream's send buffer, which is the prototype's only limit: s2n-quic 1.91's default, bytes.
pub(crate) const LONG_SEND_BUFFER_BYTES: u32 = 4 * 1024 * 1024;
/// What a probe is made of, over and over.
static NOTHING: [u8; 16 * 1024] = [0; 16 * 1024];

/// The sending half, and the frame that is being written.
pub(crate) struct LongStream {
    /// Names the stream for the life of the endpoint.
    pub(crate) number: u64,
    stream: SendStream,
    /// The frame being written, by its flight.
    frame: u64,
    header: Bytes,
    payload: Bytes,
    /// Zeros behind the payload.
    zeros: usize,
}

impl LongStream {
    pub(crate) fn new(number: u64, stream: SendStream) -> Self {
        Self { number, stream, frame: 0, header: Bytes::new(), payload: Bytes::new(), zeros: 0 }
    }

    /// Begins frame `frame`; the one before has been written.
    pub(crate) fn begin(&mut self, frame: u64, header: &[u8], payload: Bytes) {
        (self.frame, self.header, self.payload) = (frame, Bytes::copy_from_slice(header), payload);
    }

    /// Begins a probe of so many zeros.
    pub(crate) fn begin_probe(&mut self, header: &[u8], zeros: usize) {
        (self.header, self.zeros) = (Bytes::copy_from_slice(header), zeros);
    }

    /// Bytes of the frame being written that have yet to be given to the stack.
    pub(crate) fn unsent_bytes(&self) -> u64 {
        self.header.len().saturating_add(self.payload.len()).saturating_add(self.zeros) as u64
    }

    /// Gives the stack as much as it has room for; how many bytes that was.
    pub(crate) fn write(&mut self, cx: &mut Context<'_>) -> Result<usize, String> {
        let mut written = 0_usize;
        while self.unsent_bytes() > 0 {
            let room = match self.stream.poll_send_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(room) => room.map_err(|error| error.to_string())?,
            };
            let chunk = self.next(room);
            if chunk.is_empty() {
                break;
            }
            written = written.saturating_add(chunk.len());
            self.stream.send_data(chunk).map_err(|error| error.to_string())?;
        }
        Ok(written)
    }

    /// The next piece, of `room` bytes at most.
    fn next(&mut self, room: usize) -> Bytes {
        for part in [&mut self.header, &mut self.payload] {
            if !part.is_empty() {
                return part.split_to(room.min(part.len()));
            }
        }
        let zeros = Bytes::from_static(&NOTHING);
        let zeros = zeros.slice(..room.min(self.zeros).min(zeros.len()));
        self.zeros = self.zeros.saturating_sub(zeros.len());
        zeros
    }
}

impl Drop for LongStream {
    fn drop(&mut self) {
        // Dropped between two frames it ends in good order.
        if self.unsent_bytes() > 0 {
            abandon(&mut self.stream, code::STALE);
        }
    }
}

/// A frame that was begun on such a stream.
pub(crate) struct LongFrame {
    stream: Rc<RefCell<LongStream>>,
    frame: u64,
}

impl LongFrame {
    pub(crate) fn new(stream: Rc<RefCell<LongStream>>, frame: u64) -> Self {
        Self { stream, frame }
    }

    /// Whether it went on this stream.
    pub(crate) fn is_on(&self, stream: u64) -> bool {
        self.stream.borrow().number == stream
    }
}

impl FrameTransport for LongFrame {
    fn write(&mut self, _limit: usize, _now: Monotonic, cx: &mut Context<'_>) -> Result<usize, String> {
        let mut stream = self.stream.borrow_mut();
        // No gate: the stack takes what it has room for.
        if stream.frame == self.frame { stream.write(cx) } else { Ok(0) }
    }

    fn unsent_bytes(&self) -> u64 {
        let stream = self.stream.borrow();
        if stream.frame == self.frame { stream.unsent_bytes() } else { 0 }
    }

    /// A begun frame is finished all the same.
    fn reset(self) {}
}
