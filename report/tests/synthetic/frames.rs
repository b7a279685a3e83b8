//! What happens to each frame: an uplink whose rate breathes, a cloud that mostly answers, a vehicle that steps in.

use std::time::Duration;

use rt_core::clock::{Deadline, Monotonic};
use rt_core::detections::{Detection, Detections};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::trace::{Hop, HopHistograms, HopTimes};
use telemetry::logs::Logs;
use telemetry::names::Names;
use telemetry::records::{
    AllocationRecord, FrameRecord, LinkRecord, NoneReason, Outcome, RequestTimes, ResponseTimes, ServedRecord,
    ServiceAllocation, Source,
};
use telemetry::run_clock::RunClock;

use super::{Plan, Random, SECOND, car_start, cloud_start, logs, ms, us};

/// How long the uplink takes to go from poor to good and back, s.
const BREATH_SECS: f64 = 600.0;
/// The best and the mean rate of the uplink, bytes/s.
const MEAN_RATE: f64 = 1.0e6;

pub struct Generator {
    pub plan: Plan,
    pub random: Random,
    pub names: Names,
    pub car_clock: RunClock,
    pub cloud_clock: RunClock,
    pub car: Logs,
    pub cloud: Logs,
    pub others: logs::Others,
    pub hops: HopHistograms,
    pub from_cloud: u64,
    pub sent: Vec<u64>,
}

impl Generator {
    pub fn run(&mut self, services: &[u16]) {
        let fps = self.plan.fps;
        for tick in 0..self.plan.seconds * fps {
            let at = car_start().monotonic.plus(Duration::from_nanos(tick * SECOND / fps));
            let rate = MEAN_RATE * (1.5 + (tick as f64 / fps as f64 / BREATH_SECS * std::f64::consts::TAU).sin());
            if tick % (fps / 5).max(1) == 0 {
                self.link(at, rate, services);
            }
            for &service in services {
                self.frame(service, tick, at, rate);
            }
        }
        self.car.finish();
        self.cloud.finish();
        self.others.finish();
    }

    /// Log types 4 to 7.
    fn link(&mut self, at: Monotonic, rate: f64, services: &[u16]) {
        let since = at.saturating_since(car_start().monotonic);
        let rtt = us(40_000 + self.random.below(30_000));
        let record = LinkRecord {
            at,
            since_connection: since,
            rtt,
            cwnd_bytes: 100_000,
            delivery_rate_bytes_per_s: rate * 0.9,
            app_limited: self.random.below(3) == 0,
            estimate_bytes_per_s: rate * 0.95,
            range_bytes_per_s: None,
            loss: 0.0,
            connections: 1,
        };
        self.car.link(&record, &self.car_clock);
        let config = self.names.intern("edd4-imgcompNone-inpcomp50");
        let share = rate * 0.9 / services.len() as f64;
        let record = AllocationRecord {
            at,
            since_connection: Some(since),
            services: services
                .iter()
                .map(|&service| ServiceAllocation { service, bytes_per_s: share, config, weight: 1.0 })
                .collect(),
            expected_utility: 1.0 + rate / MEAN_RATE,
            available_bytes_per_s: rate * 0.95,
            rtt,
            on_vehicle_utility: 1.0,
            solve_time: us(100 + self.random.below(200)),
            policy: self.names.intern("optimal"),
        };
        self.car.allocation(&record, &self.car_clock, &self.names);
        for (&service, &sent) in services.iter().zip(&self.sent) {
            self.others.network(service, since, sent, sent / 50);
        }
        self.others.ping(since, (self.random.below(50) > 0).then_some(rtt));
    }

    fn frame(&mut self, service: u16, seq: u64, capture: Monotonic, rate: f64) {
        let start = capture.plus(us(2_000 + self.random.below(2_000)));
        let encode = us(8_000 + self.random.below(4_000));
        let request = start.plus(us(100)).plus(encode);
        let handed_over = request.plus(us(120));
        let chance = self.random.below(100);
        let (outcome, source) = match chance {
            0..=79 => (Outcome::OnTime, Source::Cloud),
            80..=91 => (Outcome::LocalOnly, Source::Vehicle),
            92..=96 => (Outcome::Superseded, Source::Vehicle),
            97..=98 => (Outcome::LinkDown, Source::Vehicle),
            _ => (Outcome::Expired, Source::None),
        };
        let bytes = 10_000 + self.random.below(10_000);
        let uplink = Duration::from_secs_f64(bytes as f64 / rate) + us(20_000);
        let arrived = handed_over.plus(uplink);
        let (queue, prepare, infer) =
            (us(500 + self.random.below(3_000)), us(4_000), us(30_000 + self.random.below(8_000)));
        let finished = arrived.plus(queue).plus(prepare).plus(infer).plus(us(500));
        let received = finished.plus(us(20_000));
        let came = source == Source::Cloud;
        let due = capture.plus(ms(200));
        let decision =
            if came { received.plus(us(300)) } else { due.plus(us(self.random.below(100)).saturating_sub(us(90))) };
        let end = decision.plus(us(50));
        let requested = outcome != Outcome::LocalOnly;
        let boxes = if source == Source::None { 0 } else { self.random.below(10) };
        let mut hops = HopTimes::default();
        hops.set(Hop::Encode, encode);
        hops.set(Hop::Total, decision.saturating_since(capture));
        if came {
            hops.set(Hop::CloudInference, infer);
            hops.set(Hop::CloudQueue, queue);
            hops.set(Hop::Network, uplink + us(20_000));
        }
        self.hops.record_times(&hops);
        let record = FrameRecord {
            meta: FrameMeta {
                service,
                seq,
                capture,
                deadline: Deadline::after_capture(capture, ms(200)),
                width: 8,
                height: 4,
                format: PixelFormat::Rgb8,
                scene: seq,
            },
            hops,
            source,
            outcome,
            none_reason: (source == Source::None).then_some(NoneReason::DetectorBehind),
            delivered: detections(boxes),
            vehicle: None,
            config: self.names.intern(if requested { "edd4-imgcompNone-inpcomp50" } else { "edd1" }),
            uplink_bytes: if requested { u32::try_from(bytes).unwrap() } else { 0 },
            stale_results_drained: 0,
            start,
            decision,
            end,
            camera_obtain: us(100),
            camera_return: us(20),
            request: requested.then_some(RequestTimes {
                start: request,
                serialization: us(80),
                handover: us(40),
                listen_start: handed_over.plus(us(10)),
            }),
            response: came.then_some(ResponseTimes { received, deserialization: us(200) }),
        };
        self.car.frame(&record, &self.car_clock, &self.names);
        self.others.camera(service, seq, start, capture, &self.car_clock);
        if requested {
            if let Some(sent) = self.sent.get_mut(usize::from(service) - 1) {
                *sent += bytes;
            }
            let name = if came { "delivered" } else { outcome.name() };
            self.others.image_out(service, seq, [request, handed_over, arrived], bytes, name, &self.car_clock);
        }
        if came {
            self.from_cloud += 1;
            self.others.image_in(service, seq, [finished, received], &self.car_clock);
            self.served(service, seq, arrived, [queue, prepare, infer], finished);
        }
    }

    fn served(
        &mut self,
        service: u16,
        seq: u64,
        arrived: Monotonic,
        [queue, prepare, infer]: [Duration; 3],
        finished: Monotonic,
    ) {
        // The same moments by the cloud's uptime: its Unix clock agrees with the car's.
        let zero = cloud_start().monotonic.plus(Duration::from_secs(1));
        let on_cloud = |at: Monotonic| zero.plus(at.saturating_since(car_start().monotonic));
        let record = ServedRecord {
            service,
            seq,
            start: on_cloud(arrived.plus(queue)),
            end: on_cloud(finished),
            deserialization: us(50),
            deserialization_polling: queue,
            preprocessing: prepare,
            inference: infer,
            serialization: us(400),
            ack: us(100),
            config: self.names.intern("edd4-imgcompNone-inpcomp50"),
            car: self.names.intern("car-a"),
            worker: self.names.intern("worker-0"),
            batch_size: 1,
            host_to_device: Duration::ZERO,
            device: infer,
            device_to_host: Duration::ZERO,
            expired_before_inference: 0,
        };
        self.cloud.served(&record, &self.cloud_clock, &self.names);
    }
}

fn detections(count: u64) -> Detections {
    (0..count)
        .map(|number| {
            let left = number as f32;
            Detection { x_min: left, y_min: 1.0, x_max: left + 2.0, y_max: 3.0, score: 0.5, class: 3 }
        })
        .collect()
}
