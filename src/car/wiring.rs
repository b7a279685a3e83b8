//! Joins the car's threads: makes every ring, mailbox, doorbell and pool, and gives each end to its owner.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use allocation::problem::Demand;
use config::car::CarProfile;
use drivers::camera::Camera;
use inference::codec::ImageEncoder;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::mailbox;
use rt_core::memory::pool::{FramePool, ReadLease, WriteLease};
use rt_core::snapshot;
use rt_core::trace::counters::ThreadCounters;
use rt_core::trace::traffic::{Traffic, TrafficLog};
use telemetry::collector::Collector;
use telemetry::frames::FrameSampler;
use telemetry::names::Names;
use transport::car::{CarEndpoint, CarService, LinkEvent, Subscription};
use transport::certs::{Car, Credentials};
use transport::estimate::EstimatorLimits;

use super::allocator::{Allocator, Client, Vocabulary};
use super::attention::Attention;
use super::capture::Capture;
use super::detector::Lane;
use super::drift::DriftWatch;
use super::encoder::Encoder;
use super::handover::Route;
use super::peer;
use super::ping::Ping;
use super::plan::Plan;
use super::service::{MAX_PENDING, Service};
use super::status::{Notice, Status};
use super::{huge_pages, save_frames};
use crate::failure::Failure;

/// Room in a ring for what several deadlines' worth of frames can bring.
const RING: usize = 4 * MAX_PENDING;

/// Ends of frames and results of all services.
const IMAGES: usize = 16 * RING;

/// A coded payload that does not compress is larger than its raw image by headers; 1/8 is ample for PNG and JPEG.
const CODED_GROWTH: usize = 8;

/// The endpoint and the bell that wakes it.
pub type Endpoint = (CarEndpoint<ReadLease>, Doorbell);

/// What [`wire`] makes.
pub struct Wiring {
    /// What belongs to the threads.
    pub threads: Threads,
    /// What happens to the link.
    pub link_events: Option<rtrb::Consumer<LinkEvent>>,
    /// What the car shows the cloud, and trusts.
    pub credentials: Option<Credentials<Car>>,
    /// What memory was got, a line per pool.
    pub memory: Vec<String>,
}

/// Every thread's belongings.
pub struct Threads {
    /// Per camera.
    pub capture: Vec<Capture>,
    /// Per service.
    pub encoders: Vec<Encoder>,
    /// Per service.
    pub services: Vec<Service>,
    /// Per service, for the one detector thread.
    pub detector_lanes: Vec<Lane>,
    /// The detector thread's bell.
    pub detector_bell: Doorbell,
    /// What the detector thread counts.
    pub detector_counters: ThreadCounters,
    /// The allocator.
    pub allocator: Allocator,
    /// `None` where the profile has no cloud.
    pub endpoint: Option<Endpoint>,
    /// `None` without a cloud, or where it is switched off.
    pub ping: Option<Ping>,
}

/// What the allocator decides by.
pub struct Brain {
    /// What can be sent.
    pub plan: Plan,
    /// Weights by drive and recent results.
    pub attention: Attention,
    /// Live numbers beside the table's.
    pub drift: DriftWatch,
    /// To the log.
    pub notices: rtrb::Producer<Notice>,
    /// To whoever asks.
    pub status: snapshot::Writer<Status>,
    /// The allocator's bell.
    pub bell: Doorbell,
}

/// Width and height of the largest frame of all cameras.
pub fn largest_frame(capture: &[Capture]) -> (u32, u32) {
    capture.iter().map(|capture| capture.camera.size()).max_by_key(|(width, height)| width * height).unwrap_or((1, 1))
}

/// Makes everything and joins it.
///
/// # Errors
/// [`Failure`], where memory or a descriptor cannot be had or the cloud's address means nothing.
pub fn wire(
    profile: &CarProfile,
    cameras: Vec<Box<dyn Camera<WriteLease>>>,
    brain: Brain,
    names: &Names,
    vocabulary: &Vocabulary,
    collector: &mut Collector,
    captured: &Arc<AtomicU64>,
) -> Result<Wiring, Failure> {
    let Brain { plan, attention, drift, notices, status, bell: allocator_bell } = brain;
    let transport_bell = Doorbell::eventfd().map_err(Failure::run)?;
    let detector_bell = Doorbell::futex();
    let pages = huge_pages(profile.memory.huge_pages);
    let mut wiring = Parts::default();
    for ((camera, service), number) in cameras.into_iter().zip(profile.services.iter()).zip(1_u16..) {
        let slo = Duration::from_secs_f64(service.slo_ms * 1e-3);
        if service.slo_ms * 1e-3 * service.fps > (MAX_PENDING / 2) as f64 {
            return Err(Failure::Config(format!(
                "service {:?}: {} ms at {} frames per second is more than {} frames in flight; lower slo_ms or fps",
                service.name,
                service.slo_ms,
                service.fps,
                MAX_PENDING / 2
            )));
        }
        let pool =
            |slots: usize, bytes: usize| FramePool::new(slots, bytes, pages, profile.memory.lock).map_err(Failure::run);
        let sampler = FrameSampler::new(save_frames(&profile.run));
        // A disk that stands still must not keep the camera from a slot.
        let frames = pool(profile.memory.frame_slots as usize + sampler.extra_slots(), camera.frame_bytes())?;
        let largest_payload = camera.frame_bytes() + camera.frame_bytes() / CODED_GROWTH + 4096;
        let payload_bytes = profile
            .memory
            .uplink_slot_bytes
            .map_or(largest_payload, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let payloads = pool(profile.memory.uplink_slots as usize, payload_bytes)?;
        wiring.memory.push(format!("{}: frames {}", service.name, frames.arena().report()));
        wiring.memory.push(format!("{}: uplink {}", service.name, payloads.arena().report()));

        let (service_bell, encoder_bell) = (Doorbell::futex(), Doorbell::futex());
        let [capture, encoder, decider] = ["capture", "encoder", "service"].map(|role| format!("{role}-{number}"));
        let (to_encoder, from_camera) = Route::of("frame", &capture, &encoder).mailbox(collector);
        let (up_in, up_out) = Route::of("payload", &encoder, "transport").mailbox(collector);
        let (to_detector, for_detector) = Route::of("frame", &capture, "detector").mailbox(collector);
        let (news_in, news_out) = Route::of("frame's news", &capture, &decider).ring(RING, collector);
        let (notes_in, notes_out) = Route::of("encoder's notes", &encoder, &decider).ring(RING, collector);
        let (results_in, results_out) = Route::of("vehicle's result", "detector", &decider).ring(RING, collector);
        let (replies_in, replies_out) = Route::of("cloud's result", "transport", &decider).ring(RING, collector);
        let (costs_in, costs_out) = Route::of("encoding's cost", &encoder, "allocator").ring(RING, collector);
        let (assign, assigned) = mailbox();
        let (map_in, map_out) = mailbox();
        let (share_in, share_out) = mailbox();
        wiring.capture.push(Capture {
            service: number,
            slo,
            camera,
            pool: frames,
            bell: Doorbell::futex(),
            captured: Arc::clone(captured),
            news: news_in,
            service_bell: service_bell.clone(),
            encoder: to_encoder,
            encoder_bell: encoder_bell.clone(),
            detector: to_detector,
            detector_bell: detector_bell.clone(),
            contexts: collector.cameras(RING),
            sampler,
            counters: collector.counters(capture),
        });
        wiring.encoders.push(Encoder {
            bell: encoder_bell.clone(),
            frames: from_camera,
            assignments: assigned,
            pool: payloads,
            up: up_in,
            up_bell: transport_bell.clone(),
            notes: notes_in,
            service_bell: service_bell.clone(),
            costs: costs_in,
            probe_period: Duration::from_secs_f64(profile.allocation.probe_period_ms * 1e-3),
            on_vehicle: plan.on_vehicle,
            images: collector.images(RING),
            coder: ImageEncoder::new(),
            counters: collector.counters(encoder),
        });
        wiring.lanes.push(Lane {
            frames: for_detector,
            waiting: None,
            results: results_in,
            service_bell: service_bell.clone(),
        });
        wiring.clients.push(Client {
            demand: Demand {
                weight: service.weight,
                slo_s: service.slo_ms * 1e-3,
                fps: service.fps,
                margin_s: profile.decision.margin_ms * 1e-3,
                floor_accuracy: plan.floor_accuracy,
            },
            encoder: (assign, encoder_bell),
            costs: costs_out,
            class_maps: map_in,
            share: share_in,
        });
        wiring.ports.push(CarService {
            service: number,
            priority: service.weight,
            share: Some(share_out),
            input: up_out,
            output: replies_in,
            output_bell: service_bell.clone(),
        });
        wiring.services.push(Service {
            bell: service_bell,
            news: news_out,
            notes: notes_out,
            vehicle: results_out,
            cloud: replies_out,
            class_maps: map_out,
            margin: Duration::from_secs_f64(profile.decision.margin_ms * 1e-3),
            on_vehicle: plan.on_vehicle,
            records: collector.frames(RING),
            counters: collector.counters(decider),
        });
    }
    let (estimate_in, estimates) = mailbox();
    let (menu_in, menus) = mailbox();
    let (mut endpoint, mut link_events, mut credentials, mut ping) = (None, None, None, None);
    if let Some(cloud) = &profile.cloud {
        let tls = Credentials::<Car>::load(peer::tls_files(cloud)).map_err(Failure::config)?;
        crate::credentials::tell(&tls);
        credentials = Some(tls.clone());
        let (events_in, events_out) = rtrb::RingBuffer::new(RING);
        link_events = Some(events_out);
        let server = peer::resolve(cloud)?;
        let mut readers = vec![Subscription { mailbox: estimate_in, bell: allocator_bell.clone() }];
        if profile.run.ping_loop {
            let (round_trips_in, round_trips) = mailbox();
            // Nobody sleeps on this bell: pings follow the clock.
            readers.push(Subscription { mailbox: round_trips_in, bell: Doorbell::futex() });
            ping = Some(Ping {
                address: server.ip(),
                interval: Duration::from_millis(profile.run.ping_interval_ms.into()),
                estimates: round_trips,
                pings: collector.pings(RING),
                counters: collector.counters("ping"),
            });
        }
        let traffic = Traffic::default();
        collector.sample(traffic.watch(), Duration::from_millis(profile.run.logging_interval_ms.into()));
        let car = CarEndpoint {
            server,
            server_name: cloud.server_name.clone(),
            uplinks: peer::uplinks(cloud),
            identity: peer::identity(cloud, &tls.facts())?,
            tls,
            models: plan.models.clone(),
            services: wiring.ports,
            estimates: readers,
            menus: vec![Subscription { mailbox: menu_in, bell: allocator_bell.clone() }],
            events: Some(events_in),
            estimator: EstimatorLimits::default(),
            carrier: peer::carrier(cloud),
            counters: collector.counters("transport"),
            heartbeat: Heartbeat::default(),
            books: TrafficLog { traffic, images: Some(collector.images(IMAGES)) },
        };
        endpoint = Some((car, transport_bell));
    }
    let allocator = Allocator {
        bell: allocator_bell,
        estimates,
        menus,
        clients: wiring.clients,
        plan,
        attention,
        drift,
        notices,
        status,
        policy: profile.allocation.policy.clone(),
        hysteresis: profile.allocation.hysteresis,
        cost_per_mb: profile.allocation.cost_per_mb,
        max_period: Duration::from_secs_f64(profile.allocation.max_period_ms * 1e-3),
        names: names.clone(),
        vocabulary: Arc::clone(vocabulary),
        allocations: collector.allocations(RING),
        links: collector.links(RING),
        counters: collector.counters("allocator"),
    };
    let threads = Threads {
        capture: wiring.capture,
        encoders: wiring.encoders,
        services: wiring.services,
        detector_lanes: wiring.lanes,
        detector_bell,
        detector_counters: collector.counters("detector"),
        allocator,
        endpoint,
        ping,
    };
    Ok(Wiring { threads, link_events, credentials, memory: wiring.memory })
}

/// What grows service by service.
#[derive(Default)]
struct Parts {
    capture: Vec<Capture>,
    encoders: Vec<Encoder>,
    services: Vec<Service>,
    lanes: Vec<Lane>,
    clients: Vec<Client>,
    ports: Vec<CarService<ReadLease>>,
    memory: Vec<String>,
}
