//! A frame that has been begun: what carries it, what is left to write, and who reads its answer.

use std::task::Context;
use std::time::Duration;

use bytes::BytesMut;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::trace::{Hop, HopTimes};
use s2n_quic::stream::ReceiveStream;

use crate::carrier::{FrameCarrier, FrameTransport};
use crate::wire::datagram::{RESULT_HEAD_BYTES, decode_result_head};
use crate::wire::result::{FrameResult, MAX_RESULT_BYTES, result_length};
use crate::wire::{WireError, code};

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
    carrier: FrameCarrier,
    /// The cloud wants nothing more of it, and its answer says why.
    stopped: bool,
    /// The task that reads the answer, where the frame has a stream of its own for it.
    reader: Option<tokio::task::JoinHandle<()>>,
}

impl Flight {
    pub(super) fn new(
        id: FlightId,
        connection: u64,
        ticket: Ticket,
        started: Monotonic,
        carrier: FrameCarrier,
        reader: Option<tokio::task::JoinHandle<()>>,
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
            carrier,
            stopped: false,
            reader,
        }
    }

    /// Whether it travels on this long stream.
    pub(super) fn is_on(&self, stream: u64) -> bool {
        matches!(&self.carrier, FrameCarrier::Long(frame) if frame.is_on(stream))
    }

    /// Whether it travels in datagrams.
    pub(super) fn in_datagrams(&self) -> bool {
        matches!(self.carrier, FrameCarrier::Datagram(_))
    }

    /// Whether bytes of it have yet to go, or to go again.
    pub(super) fn wants_to_write(&self) -> bool {
        !self.stopped && (self.sent_at.is_none() || self.carrier.unsent_bytes() > 0)
    }

    /// The header went first, as many bytes as `written` says.
    pub(super) fn wrote_header(&mut self, written: Result<usize, String>) {
        match written {
            Ok(bytes) => self.written_bytes = bytes as u64,
            Err(_) => {
                self.stopped = true;
                self.sent_at = Some(self.started);
            }
        }
    }

    /// The cloud has all it needs, whatever was still to go.
    pub(super) fn arrived(&mut self, now: Monotonic) {
        self.sent_at.get_or_insert(now);
    }

    /// Lets about `limit` more bytes go; how many did. An error where the cloud has stopped the frame: its answer, already
    /// on the way, says why.
    pub(super) fn write_chunk(&mut self, limit: usize, now: Monotonic, cx: &mut Context<'_>) -> Result<usize, String> {
        let written = self.carrier.write(limit, now, cx);
        match &written {
            Ok(bytes) => self.written_bytes = self.written_bytes.saturating_add(*bytes as u64),
            Err(_) => self.stopped = true,
        }
        if self.stopped || self.carrier.unsent_bytes() == 0 {
            self.sent_at.get_or_insert(now);
        }
        written
    }

    /// Bytes that have yet to go.
    pub(super) fn unsent_bytes(&self) -> u64 {
        self.carrier.unsent_bytes()
    }

    /// Abandons the frame: nothing more of it is sent, not even again.
    pub(super) fn reset(self) {
        self.carrier.reset();
        if let Some(reader) = self.reader {
            reader.abort();
        }
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
pub(super) async fn read_result(stream: ReceiveStream) -> Result<FrameResult, String> {
    let bytes = read_whole(stream, MAX_RESULT_BYTES).await?;
    FrameResult::decode(&bytes).map_err(|error| error.to_string())
}

/// Reads a result from a stream of its own, and whose it is; `None` where it belongs to nothing that could be named.
pub(super) async fn read_result_stream(stream: ReceiveStream) -> Option<(u32, Result<FrameResult, String>)> {
    let bytes = read_whole(stream, RESULT_HEAD_BYTES + MAX_RESULT_BYTES).await.ok()?;
    let (frame, result) = decode_result_head(&bytes).ok()?;
    Some((frame, FrameResult::decode(result).map_err(|error| error.to_string())))
}

/// Reads the results of a long stream until it ends, which is told as an error: the last that `tell` is told.
pub(super) async fn read_results_in_order(
    mut stream: ReceiveStream,
    mut tell: impl FnMut(Result<FrameResult, String>),
) {
    let mut bytes = BytesMut::new();
    loop {
        while let Some(prefix) = bytes.first_chunk() {
            let length = match result_length(*prefix) {
                Ok(length) if length <= bytes.len() => length,
                Ok(_) => break,
                Err(error) => return stop(&mut stream, error, tell),
            };
            match FrameResult::decode(&bytes.split_to(length)) {
                Ok(result) => tell(Ok(result)),
                Err(error) => return stop(&mut stream, error, tell),
            }
        }
        match stream.receive().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return tell(Err("the cloud has ended the stream".to_owned())),
            Err(error) => return tell(Err(error.to_string())),
        }
    }
}

/// What comes is no result.
fn stop(stream: &mut ReceiveStream, error: WireError, mut tell: impl FnMut(Result<FrameResult, String>)) {
    let _ = stream.stop_sending(code::PROTOCOL.into());
    tell(Err(error.to_string()));
}

async fn read_whole(mut stream: ReceiveStream, most: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.receive().await.map_err(|error| error.to_string())? {
        if bytes.len().saturating_add(chunk.len()) > most {
            let _ = stream.stop_sending(code::PROTOCOL.into());
            return Err(format!("a result longer than {MAX_RESULT_BYTES} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
