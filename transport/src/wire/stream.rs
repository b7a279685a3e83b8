//! Control messages over a QUIC stream.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use s2n_quic::stream::{ReceiveStream, SendStream};

use super::WireError;
use super::control::{ControlMessage, decode, message_length};

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub enum ControlReadError {
    /// The stream or its connection ended.
    #[error("the control stream ended: {0}")]
    Stream(#[from] s2n_quic::stream::Error),
    /// The peer finished the stream.
    #[error("the peer closed the control stream")]
    Finished,
    /// The bytes are no message.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Cuts a receive stream into control messages; never holds more than one message and one chunk.
pub(crate) struct ControlReader {
    stream: ReceiveStream,
    buffer: Vec<u8>,
}

impl ControlReader {
    pub(crate) fn new(stream: ReceiveStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// The next message; safe to cancel and call again.
    pub(crate) async fn next(&mut self) -> Result<ControlMessage, ControlReadError> {
        loop {
            if let Some((prefix, rest)) = self.buffer.split_first_chunk::<4>() {
                let length = message_length(*prefix)?;
                if let Some(body) = rest.get(..length) {
                    let message = decode(body)?;
                    self.buffer.drain(..4 + length);
                    return Ok(message);
                }
            }
            let chunk = self.stream.receive().await?.ok_or(ControlReadError::Finished)?;
            self.buffer.extend_from_slice(&chunk);
        }
    }
}

/// Writes one message.
pub(crate) async fn send(stream: &mut SendStream, message: &ControlMessage) -> s2n_quic::stream::Result<()> {
    stream.send(Bytes::from(message.encode())).await
}

/// Writes one message without waiting; where the stream has no room it is not written.
pub(crate) fn send_now(stream: &mut SendStream, message: &ControlMessage) -> s2n_quic::stream::Result<()> {
    let mut cx = Context::from_waker(Waker::noop());
    match stream.poll_send_ready(&mut cx) {
        Poll::Ready(room) => room.and_then(|_| stream.send_data(Bytes::from(message.encode()))),
        Poll::Pending => Ok(()),
    }
}
