//! The capture thread of one camera: owns the frame pool, fills slots, shares each with the encoder and the detector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use drivers::camera::{Camera, Wait};
use rt_core::clock::{Deadline, Monotonic};
use rt_core::doorbell::Doorbell;
use rt_core::frame::FrameMeta;
use rt_core::mailbox;
use rt_core::memory::pool::{FramePool, Overfilled, ReadLease, WriteLease};
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::wait::Waiter;
use telemetry::emitter::Emitter;
use telemetry::frames::{FrameSampler, FrameToSave, Saving};
use telemetry::records::CameraRecord;

use super::messages::{FrameNews, LeasedFrame};

/// Everything one capture thread owns.
pub struct Capture {
    /// The service it serves, from 1.
    pub service: u16,
    /// The service's objective.
    pub slo: Duration,
    /// The camera.
    pub camera: Box<dyn Camera<WriteLease>>,
    /// Slots for its frames.
    pub pool: FramePool,
    /// This thread's bell.
    pub bell: Doorbell,
    /// Frames captured by all cameras, for the summary.
    pub captured: Arc<AtomicU64>,
    /// News for the service.
    pub news: ring::Producer<FrameNews>,
    /// The service's bell.
    pub service_bell: Doorbell,
    /// Newest frame for the encoder.
    pub encoder: mailbox::Sender<LeasedFrame>,
    /// The encoder's bell.
    pub encoder_bell: Doorbell,
    /// Newest frame for the detector.
    pub detector: mailbox::Sender<LeasedFrame>,
    /// The detector's bell.
    pub detector_bell: Doorbell,
    /// Log type 2.
    pub contexts: Emitter<CameraRecord>,
    /// Which frames are kept beside it.
    pub sampler: FrameSampler,
    /// What this thread counts.
    pub counters: ThreadCounters,
}

/// How long to sleep where every slot is out; they come home without ringing.
const SLOT_RETRY: Duration = Duration::from_millis(2);

impl Capture {
    /// Captures until `stop` is set.
    ///
    /// # Errors
    /// The camera's, where no further frame can be had.
    pub fn run(mut self, waiter: &Waiter, stop: &StopToken) -> Result<(), String> {
        stop.wakes(&self.bell);
        let mut queued = 0_usize;
        loop {
            self.counters.tick(Monotonic::now());
            // A camera that is always behind never waits.
            waiter.beat();
            let mut wait = Wait::new(&self.bell, Monotonic::now().plus(Duration::from_secs(1))).by(waiter);
            if stop.is_set() {
                break;
            }
            while queued < self.camera.queue_capacity() {
                let Some(slot) = self.pool.acquire() else { break };
                match self.camera.queue(slot) {
                    Ok(()) => queued += 1,
                    Err((_, error)) => return Err(format!("camera of service {}: {error}", self.service)),
                }
            }
            if queued == 0 {
                wait.until = Monotonic::now().plus(SLOT_RETRY);
            }
            self.counters.count(Counter::Sleeps);
            match self.camera.dequeue(&wait) {
                Ok(Some(captured)) => {
                    queued -= 1;
                    self.hand_on(captured)?;
                }
                Ok(None) => {}
                Err(error) => return Err(format!("camera of service {}: {error}", self.service)),
            }
        }
        while self.camera.reclaim().is_some() {}
        Ok(())
    }

    fn hand_on(&mut self, captured: drivers::camera::Captured<WriteLease>) -> Result<(), String> {
        let meta = FrameMeta {
            service: self.service,
            seq: captured.seq,
            capture: captured.capture,
            deadline: Deadline::after_capture(captured.capture, self.slo),
            width: captured.width,
            height: captured.height,
            format: captured.format,
            scene: captured.scene,
        };
        let (for_encoder, for_detector, saving) = self
            .share(captured.slot, &meta)
            .map_err(|error| format!("camera of service {}, frame {}: {error}", self.service, meta.seq))?;
        let handed = Monotonic::now();
        self.contexts.emit(CameraRecord {
            service: self.service,
            seq: meta.seq,
            served: handed,
            age: handed.saturating_since(meta.capture),
            dropped_before: captured.dropped_before,
            saving,
        });
        self.captured.fetch_add(1, Ordering::Relaxed);
        self.counters.count(Counter::Items);
        self.tell(FrameNews::Captured { meta, obtain: captured.obtain });
        if let Some(overtaken) = self.encoder.put(LeasedFrame { meta, lease: for_encoder, handed }) {
            self.counters.count(Counter::Drops);
            self.tell(FrameNews::EncoderSkipped(overtaken.meta.seq));
        }
        self.encoder_bell.ring();
        if let Some(overtaken) = self.detector.put(LeasedFrame { meta, lease: for_detector, handed }) {
            self.counters.count(Counter::Drops);
            self.tell(FrameNews::DetectorSkipped(overtaken.meta.seq));
        }
        self.detector_bell.ring();
        self.service_bell.ring();
        Ok(())
    }

    /// One lease for each reader; a third where the frame's bytes are to be kept.
    fn share(&self, slot: WriteLease, meta: &FrameMeta) -> Result<(ReadLease, ReadLease, Saving), Overfilled> {
        match self.sampler.sample(meta.seq) {
            Ok(room) => {
                let [encoder, detector, disk] = slot.share(meta.bytes())?;
                Ok((encoder, detector, Saving::Frame(FrameToSave::new(disk, room))))
            }
            Err(saving) => {
                let [encoder, detector] = slot.share(meta.bytes())?;
                Ok((encoder, detector, saving))
            }
        }
    }

    /// The ring has room for many deadlines' worth of frames: it is full only where the service thread has died, and
    /// then the process is on its way to a fault, for no core map can do without that thread.
    fn tell(&mut self, news: FrameNews) {
        let _ = self.news.push(news);
    }
}
