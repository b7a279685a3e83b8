//! A frame's bytes off its stream: header first, then exactly as many as it announced.

use std::rc::Rc;

use rt_core::clock::{Deadline, Monotonic};
use s2n_quic::stream::ReceiveStream;

use super::link::{Link, Receiving};
use crate::gateway::offence::Offence;
use crate::wire::WireError;
use crate::wire::frame::{FrameHeader, header_length};
use crate::wire::result::Stamps;

/// A payload buffer starts no larger than this, whatever the header claims, and grows with what really comes: a header
/// costs its sender 42 bytes and must not cost the gateway many more.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// A frame whose header has been read.
pub(super) struct Incoming {
    pub(super) header: FrameHeader,
    /// Payload bytes so far.
    pub(super) payload: Vec<u8>,
    pub(super) receiving: Receiving,
    pub(super) received_at: Monotonic,
    /// When the newest byte came.
    pub(super) newest_at: Monotonic,
    pub(super) deadline: Deadline,
}

impl Incoming {
    /// What is known of the result's stamps so far: all but when it is written.
    pub(super) fn stamps(&self) -> Stamps {
        Stamps {
            car_sent_ns: self.header.sent_ns,
            header_received_ns: self.received_at.as_ns(),
            last_received_ns: self.newest_at.as_ns(),
            result_sent_ns: 0,
        }
    }
}

/// Why a stream gets no result.
pub(super) enum NoFrame {
    /// The car gave the frame up.
    GivenUp,
    /// The car is gone.
    Left,
    Offence(Offence, String),
}

impl From<WireError> for NoFrame {
    fn from(error: WireError) -> Self {
        Self::Offence(Offence::Header, error.to_string())
    }
}

/// Reads until the header is whole; what came with it is the payload's beginning.
pub(super) async fn read_header(link: &Rc<Link>, receive: &mut ReceiveStream) -> Result<Incoming, NoFrame> {
    let mut bytes: Vec<u8> = Vec::new();
    let mut received_at = None;
    loop {
        let chunk = match receive.receive().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => {
                let reason = "a stream ended before its frame header".to_owned();
                return Err(NoFrame::Offence(Offence::Length, reason));
            }
            Err(_) => return Err(NoFrame::GivenUp),
        };
        let now = crate::reactor::now();
        let received_at = *received_at.get_or_insert(now);
        bytes.extend_from_slice(&chunk);
        let Some(prefix) = bytes.first_chunk::<2>() else { continue };
        let Some(rest) = bytes.get(header_length(*prefix)?..) else { continue };
        let header = FrameHeader::decode(&bytes)?;
        let expected = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        if rest.len() > expected {
            return Err(NoFrame::Offence(Offence::Length, too_long(rest.len(), expected)));
        }
        let mut payload = Vec::with_capacity(expected.min(FIRST_ALLOCATION).max(rest.len()));
        payload.extend_from_slice(rest);
        // Half the round trip was spent by the header on its way, the other half will be by the result.
        let away = header.budget.saturating_sub(link.metrics.min_rtt());
        let deadline = Deadline::at(received_at.plus(away));
        link.received(header.service, bytes.len().saturating_sub(rest.len()));
        let mut receiving = Receiving::new(link, header.service, u64::from(header.payload_bytes));
        receiving.came(payload.len());
        return Ok(Incoming { header, payload, receiving, received_at, newest_at: now, deadline });
    }
}

fn too_long(have: usize, expected: usize) -> String {
    format!("{have} bytes came of a frame of {expected}")
}

/// Reads the rest of the payload.
pub(super) async fn read_payload(incoming: &mut Incoming, receive: &mut ReceiveStream) -> Result<(), NoFrame> {
    let expected = usize::try_from(incoming.header.payload_bytes).unwrap_or(usize::MAX);
    while incoming.payload.len() < expected {
        let have = incoming.payload.len();
        let chunk = receive.receive().await.map_err(|_| NoFrame::GivenUp)?.ok_or_else(|| {
            NoFrame::Offence(Offence::Length, format!("a frame of {expected} bytes ended after {have}"))
        })?;
        incoming.newest_at = crate::reactor::now();
        let come = have.saturating_add(chunk.len());
        if come > expected {
            return Err(NoFrame::Offence(Offence::Length, too_long(come, expected)));
        }
        if come > incoming.payload.capacity() {
            // Doubled, but never beyond the frame's end.
            incoming.payload.reserve_exact(come.saturating_mul(2).min(expected).saturating_sub(have));
        }
        incoming.payload.extend_from_slice(&chunk);
        incoming.receiving.came(chunk.len());
    }
    Ok(())
}
