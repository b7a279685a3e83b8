//! A frame's bytes off its stream: header first, then exactly as many as it announced; what comes beyond is the next
//! frame's, where the header said that one may follow.

use std::rc::Rc;

use bytes::Bytes;
use rt_core::clock::{Deadline, Monotonic};
use rt_core::trace::images::{Direction, ImageStep};
use s2n_quic::stream::ReceiveStream;

use super::link::{Link, Receiving};
use crate::gateway::journey::Journey;
use crate::gateway::offence::Offence;
use crate::wire::WireError;
use crate::wire::frame::{FrameHeader, HEADER_BYTES, header_length};
use crate::wire::result::Stamps;
use crate::wire::stream::Inflow;

/// A payload buffer starts no larger than this, whatever the header claims, and grows with what really comes: a header
/// costs its sender 42 bytes and must not cost the gateway many more.
const FIRST_ALLOCATION: usize = 16 * 1024;

/// What a car sends on a stream.
pub(in crate::gateway) struct Input {
    stream: Inflow,
    /// Came behind a frame's end.
    ahead: Option<Bytes>,
}

impl Input {
    pub(in crate::gateway) fn new(stream: ReceiveStream) -> Self {
        Self { stream: Inflow::new(stream), ahead: None }
    }

    /// The next bytes, never none of them; `None` at the stream's end. Safe to cancel and call again.
    pub(in crate::gateway) async fn next(&mut self) -> Result<Option<Bytes>, NoFrame> {
        match self.ahead.take() {
            Some(bytes) => Ok(Some(bytes)),
            None => self.stream.receive().await.map_err(|_| NoFrame::GivenUp),
        }
    }

    /// Puts back what belongs to the next frame.
    pub(in crate::gateway) fn put_back(&mut self, bytes: Bytes) {
        self.ahead = Some(bytes).filter(|bytes| !bytes.is_empty());
    }

    /// That nothing came behind the last frame's end.
    pub(in crate::gateway) fn nothing_ahead(&self) -> Result<(), NoFrame> {
        let Some(ahead) = &self.ahead else { return Ok(()) };
        Err(NoFrame::Offence(Offence::Length, format!("{} bytes came behind a stream's last frame", ahead.len())))
    }

    /// No more is wanted.
    pub(in crate::gateway) fn stop(&mut self, code: u32) {
        self.stream.stop(code);
    }
}

/// A frame whose header has been read.
pub(in crate::gateway) struct Incoming {
    pub(in crate::gateway) header: FrameHeader,
    /// Payload bytes so far.
    pub(in crate::gateway) payload: Vec<u8>,
    pub(in crate::gateway) receiving: Receiving,
    pub(in crate::gateway) received_at: Monotonic,
    /// When the newest byte came.
    pub(super) newest_at: Monotonic,
    pub(in crate::gateway) deadline: Deadline,
    /// Its way as the logs tell it; a probe has none.
    pub(in crate::gateway) journey: Option<Journey>,
}

impl Incoming {
    /// What is known of the result's stamps so far: all but when it is written.
    pub(in crate::gateway) fn stamps(&self) -> Stamps {
        Stamps {
            car_sent_ns: self.header.sent_ns,
            header_received_ns: self.received_at.as_ns(),
            last_received_ns: self.newest_at.as_ns(),
            result_sent_ns: 0,
        }
    }

    /// A step of its way.
    pub(in crate::gateway) fn step(&mut self, step: ImageStep, begin: Monotonic, end: Monotonic) {
        if let Some(journey) = &mut self.journey {
            journey.step(step, begin, end);
        }
    }

    /// It gets no result.
    pub(in crate::gateway) fn fail(&mut self, reason: &NoFrame) {
        if let Some(journey) = &mut self.journey {
            journey.end(match reason {
                NoFrame::GivenUp => "reset",
                NoFrame::Left => "link_down",
                NoFrame::Offence(..) => "error",
            });
        }
    }

    /// Bytes that have yet to come.
    pub(in crate::gateway) fn missing(&self) -> usize {
        announced(&self.header).saturating_sub(self.payload.len())
    }

    /// Takes what of `chunk` is this frame's; the rest goes back, where there may be one.
    fn absorb(&mut self, mut chunk: Bytes, input: &mut Input) -> Result<(), NoFrame> {
        let expected = announced(&self.header);
        let beyond = chunk.split_off(chunk.len().min(self.missing()));
        let have = self.payload.len();
        let come = have.saturating_add(chunk.len());
        if !beyond.is_empty() && !self.header.flags.follows {
            let reason = format!("{} bytes came of a frame of {expected}", come.saturating_add(beyond.len()));
            return Err(NoFrame::Offence(Offence::Length, reason));
        }
        input.put_back(beyond);
        if come > self.payload.capacity() {
            // Doubled, but never beyond the frame's end.
            self.payload.reserve_exact(come.saturating_mul(2).min(expected).saturating_sub(have));
        }
        self.payload.extend_from_slice(&chunk);
        self.receiving.came(chunk.len());
        Ok(())
    }

    /// The stream ended within the frame.
    fn cut_short(&self) -> NoFrame {
        cut_short(announced(&self.header), self.payload.len())
    }
}

fn announced(header: &FrameHeader) -> usize {
    usize::try_from(header.payload_bytes).unwrap_or(usize::MAX)
}

/// Why a stream gets no result.
pub(in crate::gateway) enum NoFrame {
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
pub(in crate::gateway) async fn read_header(link: &Rc<Link>, input: &mut Input) -> Result<Incoming, NoFrame> {
    let mut received_at = None;
    let prefix = read_bytes(input, 2, Vec::new(), &mut received_at).await?;
    let length = prefix.first_chunk().map_or(Ok(HEADER_BYTES), |prefix| header_length(*prefix))?;
    let header = FrameHeader::decode(&read_bytes(input, length, prefix, &mut received_at).await?)?;
    link.received(header.service, length);
    let now = crate::reactor::now();
    let received_at = received_at.unwrap_or(now);
    // Half the round trip was spent by the header on its way, the other half will be by the result.
    let away = header.budget.saturating_sub(link.metrics.min_rtt());
    let begin = || {
        let frame = (header.service, header.seq);
        Journey::begin(&link.hub, Direction::Incoming, frame, header.payload_bytes, received_at)
    };
    let mut incoming = Incoming {
        header,
        payload: Vec::with_capacity(announced(&header).min(FIRST_ALLOCATION)),
        receiving: Receiving::new(link, header.service, u64::from(header.payload_bytes)),
        received_at,
        newest_at: now,
        deadline: Deadline::at(received_at.plus(away)),
        journey: (!header.flags.probe).then(begin),
    };
    if let Some(chunk) = input.ahead.take()
        && let Err(reason) = incoming.absorb(chunk, input)
    {
        incoming.fail(&reason);
        return Err(reason);
    }
    Ok(incoming)
}

/// Reads until there are `wanted` bytes, `head` being the first of them.
async fn read_bytes(
    input: &mut Input,
    wanted: usize,
    mut head: Vec<u8>,
    received_at: &mut Option<Monotonic>,
) -> Result<Vec<u8>, NoFrame> {
    while head.len() < wanted {
        let Some(mut chunk) = input.next().await? else {
            let reason = "a stream ended before its frame header".to_owned();
            return Err(NoFrame::Offence(Offence::Length, reason));
        };
        received_at.get_or_insert_with(crate::reactor::now);
        let beyond = chunk.split_off(chunk.len().min(wanted.saturating_sub(head.len())));
        head.extend_from_slice(&chunk);
        input.put_back(beyond);
    }
    Ok(head)
}

/// Reads the rest of the payload.
pub(super) async fn read_payload(incoming: &mut Incoming, input: &mut Input) -> Result<(), NoFrame> {
    while incoming.missing() > 0 {
        let chunk = input.next().await?.ok_or_else(|| incoming.cut_short())?;
        incoming.newest_at = crate::reactor::now();
        incoming.absorb(chunk, input)?;
    }
    Ok(())
}

/// A stream ended within a frame.
pub(in crate::gateway) fn cut_short(expected: usize, have: usize) -> NoFrame {
    NoFrame::Offence(Offence::Length, format!("a frame of {expected} bytes ended after {have}"))
}
