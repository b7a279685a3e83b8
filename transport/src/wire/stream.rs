//! Control messages over a QUIC stream.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use s2n_quic::stream::{ReceiveStream, SendStream};

use super::control::{ControlBuffer, ControlMessage};
use super::{WireError, code};

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

/// A receive stream that is looked at before it is stopped or dropped: s2n-quic 1.91 keeps one whose reset has come and
/// was seen by nobody for as long as the connection lives, and after a hundred of them its peer opens no other.
pub(crate) struct Inflow(ReceiveStream);

impl Inflow {
    pub(crate) fn new(stream: ReceiveStream) -> Self {
        Self(stream)
    }

    /// The next bytes; `None` at the stream's end. Safe to cancel and call again.
    pub(crate) async fn receive(&mut self) -> s2n_quic::stream::Result<Option<Bytes>> {
        self.0.receive().await
    }

    /// No more is wanted.
    pub(crate) fn stop(&mut self, code: u32) {
        // What it says does not matter: a reset counts as seen then.
        let _ = self.0.poll_receive(&mut Context::from_waker(Waker::noop()));
        let _ = self.0.stop_sending(code.into());
    }
}

impl Drop for Inflow {
    fn drop(&mut self) {
        self.stop(code::DONE);
    }
}

/// Cuts a receive stream into control messages; never holds more than one message and one chunk.
pub(crate) struct ControlReader {
    stream: Inflow,
    buffer: ControlBuffer,
}

impl ControlReader {
    pub(crate) fn new(stream: ReceiveStream) -> Self {
        Self { stream: Inflow::new(stream), buffer: ControlBuffer::default() }
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
