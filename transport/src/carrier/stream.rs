//! A frame on a QUIC stream of its own, chunk by chunk.

use std::task::{Context, Poll};

use bytes::Bytes;
use rt_core::clock::Monotonic;
use s2n_quic::stream::SendStream;

use super::FrameTransport;
use crate::wire::code;
use crate::wire::stream::abandon;

/// A stream's send buffer; never the limit, which is the gate's business.
pub(crate) const SEND_BUFFER_BYTES: u32 = 64 * 1024 * 1024;

/// The stream stays open once all is written: the header says how long the frame is, and only an open stream can be
/// reset or asked how much of it was acknowledged.
pub(crate) struct StreamFrame {
    stream: SendStream,
    rest: Bytes,
}

impl StreamFrame {
    pub(crate) fn new(stream: SendStream, payload: Bytes) -> Self {
        Self { stream, rest: payload }
    }

    /// Gives the header to QUIC.
    pub(crate) fn write_header(&mut self, header: &[u8], cx: &mut Context<'_>) -> Result<usize, String> {
        self.give(Bytes::copy_from_slice(header), cx)
    }

    fn give(&mut self, chunk: Bytes, cx: &mut Context<'_>) -> Result<usize, String> {
        let length = chunk.len();
        match self.stream.poll_send_ready(cx) {
            Poll::Pending => return Ok(0),
            Poll::Ready(ready) => ready.map_err(|error| error.to_string())?,
        };
        self.stream.send_data(chunk).map_err(|error| error.to_string())?;
        Ok(length)
    }
}

impl FrameTransport for StreamFrame {
    fn write(&mut self, limit: usize, _now: Monotonic, cx: &mut Context<'_>) -> Result<usize, String> {
        let chunk = self.rest.slice(..limit.min(self.rest.len()));
        let length = self.give(chunk, cx)?;
        let _ = self.rest.split_to(length);
        Ok(length)
    }

    fn unsent_bytes(&self) -> u64 {
        self.rest.len() as u64
    }

    fn reset(mut self) {
        abandon(&mut self.stream, code::STALE);
    }
}
