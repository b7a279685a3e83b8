//! The probe: junk on a stream of its own.

use std::task::Context;
use std::time::Duration;

use allocation::model_config::{Coding, Payload};
use rt_core::clock::Monotonic;

use crate::car::driver::Driver;
use crate::wire::frame::{FrameFlags, FrameHeader, MAX_BUDGET_US};

impl<B: AsRef<[u8]> + Send + 'static> Driver<B> {
    /// Sends junk, where it is time for some and the last piece is through.
    pub(super) fn begin_probe(&mut self, now: Monotonic, cx: &mut Context<'_>) {
        let round_trip = self.seen.smoothed.as_secs_f64();
        let path = if round_trip > 0.0 { self.flow.window_bytes as f64 / round_trip } else { 0.0 };
        let Some(prototype) = &mut self.prototype else { return };
        let shares = prototype.shares.iter().sum();
        let Some((schedule, stream)) = &mut prototype.probe else { return };
        if stream.as_ref().is_some_and(|stream| stream.unsent_bytes() > 0) {
            return;
        }
        let bytes = schedule.next(now, path, shares);
        let Some(payload_bytes) = u32::try_from(bytes).ok().filter(|bytes| *bytes > 0) else { return };
        if stream.is_none() {
            // Nothing comes back for a probe.
            let Some((opened, _)) = self.open_long(cx) else { return };
            if let Some((_, place)) = self.prototype.as_mut().and_then(|prototype| prototype.probe.as_mut()) {
                *place = Some(opened);
            }
        }
        let Some(prototype) = &mut self.prototype else { return };
        prototype.probes += 1;
        let header = FrameHeader {
            service: 0,
            seq: prototype.probes,
            budget: Duration::from_micros(u64::from(MAX_BUDGET_US)),
            model: 0,
            payload: Payload::Input(Coding::Png),
            width: 1,
            height: 1,
            frame_width: 1,
            frame_height: 1,
            payload_bytes,
            sent_ns: now.as_ns(),
            flags: FrameFlags { follows: true, probe: true },
        };
        if let Some((_, Some(stream))) = &mut prototype.probe {
            stream.begin_probe(&header.encode(), bytes);
        }
    }
}
