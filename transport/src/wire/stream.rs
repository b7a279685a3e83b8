//! Control messages over a QUIC stream.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use s2n_quic::stream::{ReceiveStream, SendStream};

use super::WireError;
use super::control::{ControlBuffer, ControlMessage};

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
    buffer: ControlBuffer,
}

impl ControlReader {
    pub(crate) fn new(stream: ReceiveStream) -> Self {
        Self { stream, buffer: ControlBuffer::default() }
    }

    /// The next message; safe to cancel and call again.
    pub(crate) async fn next(&mut self) -> Result<ControlMessage, ControlReadError> {
        loop {
            if let Some(message) = self.buffer.next_message()? {
                return Ok(message);
            }
            let chunk = self.stream.receive().await?.ok_or(ControlReadError::Finished)?;
            self.buffer.push(&chunk);
        }
    }
}

/// Writes one message.
pub(crate) async fn send(stream: &mut SendStream, message: &ControlMessage) -> s2n_quic::stream::Result<()> {
    stream.send(Bytes::from(message.encode())).await
}

/// Abandons what a stream still has to send, with `code`.
///
/// A stream that the peer has stopped is looked at and not reset: s2n-quic 1.91 would keep one that is reset without that
/// for as long as the connection lives, and after a hundred of them open no other.
pub(crate) fn abandon(stream: &mut SendStream, code: u32) {
    let stopped = stream.poll_send_ready(&mut Context::from_waker(Waker::noop()));
    if !matches!(stopped, Poll::Ready(Err(_))) {
        let _ = stream.reset(code.into());
    }
}

/// Writes one message without waiting; where the stream has no room it is not written.
pub(crate) fn send_now(stream: &mut SendStream, message: &ControlMessage) -> s2n_quic::stream::Result<()> {
    let mut cx = Context::from_waker(Waker::noop());
    match stream.poll_send_ready(&mut cx) {
        Poll::Ready(room) => room.and_then(|_| stream.send_data(Bytes::from(message.encode()))),
        Poll::Pending => Ok(()),
    }
}
