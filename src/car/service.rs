//! The service thread: does nothing heavy, so that every frame's decision is made by its deadline.
//!
//! It delivers the cloud's detections the moment they arrive, and otherwise, at the deadline less a margin, the
//! car's own. What can bring nothing better is not waited for.

use std::sync::Arc;
use std::time::Duration;

use inference::classes::{ClassMap, map_detections};
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox;
use rt_core::ring;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::wait::Waiter;
use telemetry::emitter::Emitter;
use telemetry::names::NameId;
use telemetry::records::FrameRecord;
use transport::car::CloudReply;

use super::messages::{EncodeNote, FrameNews, VehicleResult};
use super::pending::Pending;

/// Frames of one service between capture and record; a 240 fps camera with a 10 s objective would need more, and is
/// told so at start-up.
pub const MAX_PENDING: usize = 64;

/// Everything one service thread owns.
pub struct Service {
    /// This thread's bell.
    pub bell: Doorbell,
    /// From the capture thread.
    pub news: ring::Consumer<FrameNews>,
    /// From the encoder.
    pub notes: ring::Consumer<EncodeNote>,
    /// From the detector.
    pub vehicle: ring::Consumer<VehicleResult>,
    /// From the transport.
    pub cloud: ring::Consumer<CloudReply>,
    /// Cloud classes → the car's, per model; from the allocator when the cloud's menu changes.
    pub class_maps: mailbox::Receiver<Arc<Vec<ClassMap>>>,
    /// How long before its deadline a frame is decided at the latest.
    pub margin: Duration,
    /// Name of the on-vehicle configuration.
    pub on_vehicle: NameId,
    /// Records for the collector.
    pub records: Emitter<FrameRecord>,
    /// What this thread counts.
    pub counters: ThreadCounters,
}

impl Service {
    /// Decides until `halt` is set and every frame that was captured before is decided, each by its deadline.
    ///
    /// # Errors
    /// None.
    pub fn run(mut self, waiter: &Waiter, halt: &StopToken) -> Result<(), String> {
        halt.wakes(&self.bell);
        let mut pending: heapless::Vec<Pending, MAX_PENDING> = heapless::Vec::new();
        let mut maps: Arc<Vec<ClassMap>> = Arc::new(Vec::new());
        let mut stale = 0_u32;
        loop {
            let seen = self.bell.count();
            // Looked at before the ring: what was pushed before the halt is still taken.
            let halted = halt.is_set();
            if let Some(newer) = self.class_maps.take() {
                maps = newer;
            }
            self.take_news(&mut pending);
            stale = stale.saturating_add(self.take_results(&mut pending, &maps));
            let now = Monotonic::now();
            self.counters.tick(now);
            for frame in &mut pending {
                frame.settle(now, now >= frame.meta.deadline.less(self.margin));
            }
            self.close(&mut pending, now, &mut stale);
            if halted && pending.is_empty() {
                return Ok(());
            }
            let until = self.next_instant(&pending, now);
            waiter.wait_counted(&mut self.counters, &self.bell, seen, until);
        }
    }

    fn take_news(&mut self, pending: &mut heapless::Vec<Pending, MAX_PENDING>) {
        while let Ok(news) = self.news.pop() {
            match news {
                FrameNews::Captured { meta, obtain } => {
                    if pending.is_full() {
                        // The oldest is decided long since (its record waits for a straggler only).
                        self.finish(pending.remove(0), &mut 0);
                    }
                    let _ = pending.push(Pending::new(meta, obtain, self.on_vehicle));
                }
                FrameNews::EncoderSkipped(seq) => with(pending, seq, Pending::encoder_skipped),
                FrameNews::DetectorSkipped(seq) => with(pending, seq, Pending::detector_skipped),
            }
        }
    }

    /// Takes every result; returns how many were for frames that are closed already.
    fn take_results(&mut self, pending: &mut [Pending], maps: &[ClassMap]) -> u32 {
        let mut stale = 0;
        while let Ok(note) = self.notes.pop() {
            with(pending, note.seq, |frame| frame.note(&note));
        }
        while let Ok(result) = self.vehicle.pop() {
            with(pending, result.seq, |frame| frame.vehicle(result));
        }
        while let Ok(mut reply) = self.cloud.pop() {
            match maps.get(usize::from(reply.model)) {
                Some(map) => map_detections(map, &mut reply.detections),
                // Classes of an unknown vocabulary mean nothing to the car.
                None => reply.detections.clear(),
            }
            match pending.iter_mut().find(|frame| frame.meta.seq == reply.seq) {
                Some(frame) => frame.cloud(reply),
                None => stale += 1,
            }
        }
        stale
    }

    /// Records and forgets every frame that is complete, or decided and past its deadline.
    fn close(&mut self, pending: &mut heapless::Vec<Pending, MAX_PENDING>, now: Monotonic, stale: &mut u32) {
        let mut index = 0;
        while let Some(frame) = pending.get(index) {
            let over = frame.is_decided() && frame.meta.deadline.passed_at(now);
            if frame.is_complete() || over {
                let frame = pending.remove(index);
                self.finish(frame, stale);
            } else {
                index += 1;
            }
        }
    }

    fn finish(&mut self, mut frame: Pending, stale: &mut u32) {
        frame.settle(Monotonic::now(), true);
        if let Some(record) = frame.record(std::mem::take(stale)) {
            let told = self.records.emit(record);
            self.counters.count(if told { Counter::Items } else { Counter::Drops });
        }
    }

    /// The next instant at which something falls due without anybody ringing.
    fn next_instant(&self, pending: &[Pending], now: Monotonic) -> Monotonic {
        let due = |frame: &Pending| {
            if frame.is_decided() {
                frame.meta.deadline.instant().plus(Duration::from_nanos(1))
            } else {
                frame.meta.deadline.less(self.margin)
            }
        };
        pending.iter().map(due).min().unwrap_or_else(|| now.plus(Duration::from_secs(1)))
    }
}

fn with(pending: &mut [Pending], seq: u64, act: impl FnOnce(&mut Pending)) {
    if let Some(frame) = pending.iter_mut().find(|frame| frame.meta.seq == seq) {
        act(frame);
    }
}
