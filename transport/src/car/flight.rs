//! A frame that has been begun: its stream, what is left to write, and the task that reads its answer.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::trace::{Hop, HopTimes};
use s2n_quic::stream::{ReceiveStream, SendStream};

use crate::wire::code;
use crate::wire::result::{FrameResult, MAX_RESULT_BYTES};

/// Names a flight for the life of the endpoint.
pub(super) type FlightId = u64;

/// What stays known of a frame after its bytes went to QUIC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    pub(super) lane: usize,
    pub(super) service: u16,
    pub(super) seq: u64,
    pub(super) model: u16,
    pub(super) deadline: Deadline,
    pub(super) encoded_at: Monotonic,
}

pub(super) struct Flight {
    pub(super) id: FlightId,
    /// The connection it went over.
    pub(super) connection: u64,
    pub(super) ticket: Ticket,
    pub(super) started: Monotonic,
    pub(super) sent_at: Option<Monotonic>,
    pub(super) written_bytes: u64,
    /// Bytes the connection had delivered in all when this frame was begun.
    pub(super) delivered_before: u64,
    /// Whether its answer has been given to the service (at its deadline, say), while the cloud's is still awaited.
    pub(super) answered: bool,
    stream: SendStream,
    rest: Bytes,
    reader: tokio::task::JoinHandle<()>,
}

impl Flight {
    pub(super) fn new(
        id: FlightId,
        connection: u64,
        ticket: Ticket,
        started: Monotonic,
        stream: SendStream,
        payload: Bytes,
        reader: tokio::task::JoinHandle<()>,
    ) -> Self {
        Self {
            id,
            connection,
            ticket,
            started,
            sent_at: None,
            written_bytes: 0,
            delivered_before: 0,
            answered: false,
            stream,
            rest: payload,
            reader,
        }
    }

    /// Gives the header to QUIC.
    pub(super) fn write_header(&mut self, header: &[u8], cx: &mut Context<'_>) -> Result<(), String> {
        self.give(Bytes::copy_from_slice(header), cx).map(|_| ())
    }

    /// Gives up to `limit` more bytes to QUIC; how many were taken.
    pub(super) fn write_chunk(&mut self, limit: usize, now: Monotonic, cx: &mut Context<'_>) -> Result<usize, String> {
        let chunk = self.rest.slice(..limit.min(self.rest.len()));
        let length = self.give(chunk, cx)?;
        let _ = self.rest.split_to(length);
        if self.rest.is_empty() {
            // The stream stays open: the header says how long the frame is, and only an open stream can be reset or
            // asked how much of it was acknowledged.
            self.sent_at = Some(now);
        }
        Ok(length)
    }

    fn give(&mut self, chunk: Bytes, cx: &mut Context<'_>) -> Result<usize, String> {
        let length = chunk.len();
        match self.stream.poll_send_ready(cx) {
            Poll::Pending => return Ok(0),
            Poll::Ready(ready) => ready.map_err(|error| error.to_string())?,
        };
        self.stream.send_data(chunk).map_err(|error| error.to_string())?;
        self.written_bytes = self.written_bytes.saturating_add(length as u64);
        Ok(length)
    }

    /// Bytes not yet given to QUIC.
    pub(super) fn unsent_bytes(&self) -> u64 {
        self.rest.len() as u64
    }

    /// Abandons the frame: nothing more of it is sent, not even again.
    pub(super) fn reset(mut self) {
        crate::wire::stream::abandon(&mut self.stream, code::STALE);
        self.reader.abort();
    }

    /// The hops the car itself can tell.
    pub(super) fn hops(&self, received_at: Option<Monotonic>, result: Option<&FrameResult>) -> HopTimes {
        let mut hops = HopTimes::default();
        hops.set(Hop::SendWait, self.started.saturating_since(self.ticket.encoded_at));
        if let Some(sent_at) = self.sent_at {
            hops.set(Hop::Send, sent_at.saturating_since(self.started));
        }
        if let Some(result) = result {
            let times = &result.times;
            hops.set(Hop::CloudReceive, times.receive);
            hops.set(Hop::CloudQueue, times.queue);
            hops.set(Hop::CloudPrepare, times.prepare);
            hops.set(Hop::CloudInference, times.inference);
            hops.set(Hop::CloudFinish, times.finish);
            if let Some(received_at) = received_at {
                let away = received_at.saturating_since(self.started);
                hops.set(Hop::Network, away.saturating_sub(times.total()));
            }
        }
        hops
    }

    /// The longest a frame's answer is worth waiting for after its deadline: it still tells how fast the link is.
    pub(super) const AFTERLIFE: Duration = Duration::from_millis(300);
}

/// Reads a whole result; `Err` says why there is none.
pub(super) async fn read_result(mut stream: ReceiveStream) -> Result<FrameResult, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.receive().await.map_err(|error| error.to_string())? {
        if bytes.len().saturating_add(chunk.len()) > MAX_RESULT_BYTES {
            let _ = stream.stop_sending(code::PROTOCOL.into());
            return Err(format!("a result longer than {MAX_RESULT_BYTES} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    FrameResult::decode(&bytes).map_err(|error| error.to_string())
}
