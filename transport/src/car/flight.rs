//! A frame that has been begun: what carries it, what is left to write, and who reads its answer.

use std::task::Context;
use std::time::Duration;

use bytes::BytesMut;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::trace::{Hop, HopTimes};
use s2n_quic::stream::ReceiveStream;

use crate::carrier::{FrameCarrier, FrameTransport};
use crate::wire::code;
use crate::wire::datagram::{RESULT_HEAD_BYTES, decode_result_head};
use crate::wire::result::{FrameResult, MAX_RESULT_BYTES, result_length};
use crate::wire::stream::Inflow;

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
    /// Size of the image.
    pub(super) bytes: u32,
    pub(super) encoded_at: Monotonic,
    /// When the transport took it from its mailbox.
    pub(super) taken_at: Monotonic,
}

/// How far a frame came with QUIC.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) started: Option<Monotonic>,
    /// The first byte of its payload went.
    pub(super) payload_at: Option<Monotonic>,
    pub(super) sent_at: Option<Monotonic>,
}

/// A result as it came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) result: FrameResult,
    pub(super) bytes: u32,
    pub(super) first_at: Monotonic,
    pub(super) last_at: Monotonic,
    pub(super) decoded_at: Monotonic,
}

pub(super) struct Flight {
    pub(super) id: FlightId,
    /// The connection it went over.
    pub(super) connection: u64,
    pub(super) ticket: Ticket,
    pub(super) started: Monotonic,
    payload_at: Option<Monotonic>,
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
            payload_at: None,
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
        // Not `now`, which was before the write.
        let after = crate::reactor::now();
        match &written {
            Ok(bytes) => {
                self.written_bytes = self.written_bytes.saturating_add(*bytes as u64);
                if *bytes > 0 {
                    self.payload_at.get_or_insert(after);
                }
            }
            Err(_) => self.stopped = true,
        }
        if self.stopped || self.carrier.unsent_bytes() == 0 {
            self.sent_at.get_or_insert(after);
        }
        written
    }

    /// How far it came.
    pub(super) fn progress(&self) -> Progress {
        Progress { started: Some(self.started), payload_at: self.payload_at, sent_at: self.sent_at }
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
pub(super) async fn read_result(stream: ReceiveStream) -> Result<Arrived, String> {
    read_whole(Inflow::new(stream), MAX_RESULT_BYTES).await?.decode(|bytes| Some(bytes))
}

/// Reads a result from a stream of its own, and whose it is; `None` where it belongs to nothing that could be named.
pub(super) async fn read_result_stream(stream: ReceiveStream) -> Option<(u32, Result<Arrived, String>)> {
    let whole = read_whole(Inflow::new(stream), RESULT_HEAD_BYTES + MAX_RESULT_BYTES).await.ok()?;
    let (frame, _) = decode_result_head(&whole.bytes).ok()?;
    Some((frame, whole.decode(|bytes| Some(decode_result_head(bytes).ok()?.1))))
}

/// Reads the results of a long stream until it ends, which is told as an error: the last that `tell` is told.
pub(super) async fn read_results_in_order(stream: ReceiveStream, mut tell: impl FnMut(Result<Arrived, String>)) {
    let mut stream = Inflow::new(stream);
    let mut bytes = BytesMut::new();
    let (mut first_at, mut last_at) = (None, Monotonic::ZERO);
    loop {
        while let Some(prefix) = bytes.first_chunk() {
            let length = match result_length(*prefix) {
                Ok(length) if length <= bytes.len() => length,
                Ok(_) => break,
                Err(error) => return stop(&mut stream, error, tell),
            };
            let whole = bytes.split_to(length).to_vec();
            let first_at = first_at.replace(last_at).unwrap_or(last_at);
            match (Whole { bytes: whole, first_at, last_at }).decode(|bytes| Some(bytes)) {
                Ok(arrived) => tell(Ok(arrived)),
                Err(error) => return stop(&mut stream, error, tell),
            }
        }
        if bytes.is_empty() {
            first_at = None;
        }
        match stream.receive().await {
            Ok(Some(chunk)) => {
                last_at = crate::reactor::now();
                first_at.get_or_insert(last_at);
                bytes.extend_from_slice(&chunk);
            }
            Ok(None) => return tell(Err("the cloud has ended the stream".to_owned())),
            Err(error) => return tell(Err(error.to_string())),
        }
    }
}

/// What comes is no result.
fn stop(stream: &mut Inflow, error: impl std::fmt::Display, mut tell: impl FnMut(Result<Arrived, String>)) {
    stream.stop(code::PROTOCOL);
    tell(Err(error.to_string()));
}

/// A stream's bytes, and when the first and the last of them came.
struct Whole {
    bytes: Vec<u8>,
    first_at: Monotonic,
    last_at: Monotonic,
}

impl Whole {
    fn decode(self, result: impl FnOnce(&[u8]) -> Option<&[u8]>) -> Result<Arrived, String> {
        let Self { bytes, first_at, last_at } = self;
        let result = FrameResult::decode(result(&bytes).unwrap_or_default()).map_err(|error| error.to_string())?;
        let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Ok(Arrived { result, bytes, first_at, last_at, decoded_at: crate::reactor::now() })
    }
}

async fn read_whole(mut stream: Inflow, most: usize) -> Result<Whole, String> {
    let mut bytes = Vec::new();
    let (mut first_at, mut last_at) = (None, None);
    while let Some(chunk) = stream.receive().await.map_err(|error| error.to_string())? {
        if bytes.len().saturating_add(chunk.len()) > most {
            stream.stop(code::PROTOCOL);
            return Err(format!("a result longer than {MAX_RESULT_BYTES} bytes"));
        }
        let now = crate::reactor::now();
        first_at.get_or_insert(now);
        last_at = Some(now);
        bytes.extend_from_slice(&chunk);
    }
    let now = crate::reactor::now();
    Ok(Whole { bytes, first_at: first_at.unwrap_or(now), last_at: last_at.unwrap_or(now) })
}
