//! One of the cars that are soaked.

use std::net::SocketAddr;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Heartbeat;
use rt_core::mailbox::{self, mailbox};
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;

use super::Soaked;
use crate::car::{CarEndpoint, CarError, CarService, CloudReply, LinkEvent, Outgoing, ReplyStatus};
use crate::carrier::{Carrier, CarrierChoice};
use crate::certs::{CLOUD_NAME, Car as CarSide, Credentials};
use crate::estimate::EstimatorLimits;
use crate::simulation::World;
use crate::simulation::scenario::frame;

const CARRIERS: [CarrierChoice; 3] =
    [CarrierChoice::Auto, CarrierChoice::Pinned(Carrier::Stream), CarrierChoice::Pinned(Carrier::Datagram)];
const FRAME_BYTES: usize = 12_000;
const BUDGET: Duration = Duration::from_millis(200);
const UNREAD: usize = 256;

pub(super) struct SoakedCar {
    input: mailbox::Sender<Outgoing<Vec<u8>>>,
    replies: rt_core::ring::Consumer<CloudReply>,
    events: rtrb::Consumer<LinkEvent>,
    bell: Doorbell,
    next_seq: u64,
}

impl SoakedCar {
    /// The car in this place, which decides its carrier.
    pub(super) fn start(
        world: &World,
        place: u64,
        server: SocketAddr,
        tls: &Credentials<CarSide>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (input, receiver) = mailbox();
        let (output, replies) = rt_core::ring::ring(UNREAD);
        let (events_in, events) = rtrb::RingBuffer::new(UNREAD);
        let (news, _) = world.bell();
        let carrier = CARRIERS.iter().cycle().nth(usize::try_from(place)?).copied().unwrap_or_default();
        let service = CarService { service: 1, priority: 1.0, share: None, input: receiver, output, output_bell: news };
        let config = CarEndpoint {
            server,
            server_name: CLOUD_NAME.into(),
            uplinks: vec![],
            tls: tls.clone(),
            identity: format!("car/soaked/00000000-0000-4000-8000-{place:012x}").parse()?,
            models: vec!["edd1".into()],
            services: vec![service],
            estimates: vec![],
            menus: vec![],
            events: Some(events_in),
            estimator: EstimatorLimits::default(),
            carrier,
            counters: ThreadCounters::new("car").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let bell = world.car(config, &StopToken::default()).map_err(|error: CarError| error.to_string())?;
        Ok(Self { input, replies, events, bell, next_seq: 1 })
    }

    pub(super) fn send(&mut self, now: Monotonic) {
        self.input.put(frame(1, self.next_seq, now, BUDGET, vec![0; FRAME_BYTES]));
        self.next_seq += 1;
        self.bell.ring();
    }

    pub(super) fn hear(&mut self, soaked: &mut Soaked) {
        while let Ok(reply) = self.replies.pop() {
            soaked.answered += 1;
            soaked.on_time += u64::from(reply.status == ReplyStatus::Ok);
        }
        while let Ok(event) = self.events.pop() {
            match event {
                LinkEvent::Connected => soaked.connected += 1,
                LinkEvent::Lost { .. } | LinkEvent::Moved { .. } => soaked.left += 1,
                _ => {}
            }
        }
    }
}
