//! The encoder thread of one service: codes the newest frame as the allocation says, into an uplink slot.

use std::time::Duration;

use inference::codec::ImageEncoder;
use inference::image::RgbView;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::frame::FrameMeta;
use rt_core::mailbox;
use rt_core::memory::pool::{FramePool, ReadLease};
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::trace::images::{Direction, ImageRecord, ImageStep};
use rt_core::wait::Waiter;
use telemetry::emitter::Emitter;
use telemetry::names::NameId;
use telemetry::records::RequestTimes;
use transport::car::{Outgoing, ReplyStatus};

use super::messages::{Assignment, EncodeCost, EncodeNote, Fate, LeasedFrame, Sending};

/// Everything one encoder thread owns.
pub struct Encoder {
    /// This thread's bell.
    pub bell: Doorbell,
    /// Frames from the camera.
    pub frames: mailbox::Receiver<LeasedFrame>,
    /// What to send, from the allocator.
    pub assignments: mailbox::Receiver<Assignment>,
    /// Slots for coded frames.
    pub pool: FramePool,
    /// The transport's mailbox.
    pub up: mailbox::Sender<Outgoing<ReadLease>>,
    /// The transport's bell.
    pub up_bell: Doorbell,
    /// Notes for the service.
    pub notes: ring::Producer<EncodeNote>,
    /// The service's bell.
    pub service_bell: Doorbell,
    /// Costs for the allocator; what does not fit is not missed.
    pub costs: ring::Producer<EncodeCost>,
    /// Time between two probes of an idle link.
    pub probe_period: Duration,
    /// Name of the on-vehicle configuration.
    pub on_vehicle: NameId,
    /// The ends of frames that the transport never took (log type 8).
    pub images: Emitter<ImageRecord>,
    /// Codes images.
    pub coder: ImageEncoder,
    /// What this thread counts.
    pub counters: ThreadCounters,
}

impl Encoder {
    /// Encodes until `halt` is set.
    ///
    /// # Errors
    /// None; frames that cannot be coded are reported to the service.
    pub fn run(mut self, waiter: &Waiter, halt: &StopToken) -> Result<(), String> {
        halt.wakes(&self.bell);
        let mut assignment = Assignment { sending: None, probe: None, connected: false };
        let mut last_sent = Monotonic::ZERO;
        loop {
            let seen = self.bell.count();
            self.counters.tick(Monotonic::now());
            if halt.is_set() {
                return Ok(());
            }
            if let Some(newer) = self.assignments.take() {
                assignment = newer;
            }
            let Some(frame) = self.frames.take() else {
                waiter.wait_counted(
                    &mut self.counters,
                    &self.bell,
                    seen,
                    Monotonic::now().plus(Duration::from_secs(1)),
                );
                continue;
            };
            waiter.beat();
            let taken = Monotonic::now();
            let probe = assignment.probe.filter(|_| taken.saturating_since(last_sent) >= self.probe_period);
            let sending = assignment.sending.or(probe).filter(|_| assignment.connected);
            let note = match sending {
                Some(sending) => {
                    last_sent = taken;
                    self.encode(&frame, &sending, taken)
                }
                None => {
                    let fate = if assignment.connected { Fate::LocalOnly } else { Fate::LinkDown };
                    self.note(&frame, self.on_vehicle, fate, taken, Duration::ZERO)
                }
            };
            drop(frame);
            self.counters.count(if let Fate::Rejected = note.fate { Counter::Drops } else { Counter::Items });
            self.tell(note);
        }
    }

    fn encode(&mut self, frame: &LeasedFrame, sending: &Sending, taken: Monotonic) -> EncodeNote {
        let rejected = |this: &Self| this.note(frame, sending.config, Fate::Rejected, taken, Duration::ZERO);
        let Some(mut slot) = self.pool.acquire() else { return rejected(self) };
        let coded = RgbView::new(frame.lease.as_ref(), frame.meta.width, frame.meta.height)
            .ok()
            .and_then(|view| self.coder.encode(sending.payload, sending.input, view, slot.as_mut()).ok());
        let Some(coded) = coded else { return rejected(self) };
        let encoded_at = Monotonic::now();
        let Ok([bytes]) = slot.share(coded.bytes) else { return rejected(self) };
        let _ = self.costs.push(EncodeCost {
            entry: sending.entry,
            bytes: coded.bytes,
            elapsed: encoded_at.saturating_since(frame.handed),
        });
        let outgoing = Outgoing {
            meta: frame.meta,
            model: sending.model,
            payload: sending.payload,
            width: coded.width,
            height: coded.height,
            bytes,
            encoded_at,
        };
        let overtaken = self.up.put(outgoing);
        self.up_bell.ring();
        let listen_start = Monotonic::now();
        if let Some(overtaken) = overtaken {
            self.counters.count(Counter::Drops);
            let fate = Fate::Superseded;
            let (wait, encode) = (Duration::ZERO, Duration::ZERO);
            self.images.emit(overtaken_image(&overtaken, listen_start));
            self.tell(EncodeNote { seq: overtaken.meta.seq, config: sending.config, fate, wait, encode });
        }
        let times = RequestTimes {
            start: encoded_at,
            serialization: Duration::ZERO,
            handover: listen_start.saturating_since(encoded_at),
            listen_start,
        };
        self.note(frame, sending.config, Fate::Sent(times), taken, encoded_at.saturating_since(taken))
    }

    fn note(&self, frame: &LeasedFrame, config: NameId, fate: Fate, taken: Monotonic, encode: Duration) -> EncodeNote {
        EncodeNote { seq: frame.meta.seq, config, fate, wait: taken.saturating_since(frame.handed), encode }
    }

    /// As with the capture thread's news: full only where the service has died.
    fn tell(&mut self, note: EncodeNote) {
        let _ = self.notes.push(note);
        self.service_bell.ring();
    }
}

/// The way of a frame that a newer one took the place of before the transport looked.
fn overtaken_image(frame: &Outgoing<ReadLease>, at: Monotonic) -> ImageRecord {
    let bytes = u32::try_from(frame.bytes.as_ref().len()).unwrap_or(u32::MAX);
    let FrameMeta { service, seq, .. } = frame.meta;
    let mut image = ImageRecord::begin(Direction::Outgoing, service, seq, bytes, frame.encoded_at);
    image.step(ImageStep::ShmCopy, frame.encoded_at, at);
    image.end(at, ReplyStatus::Superseded.name());
    image
}
