//! Connections whose cars have fallen silent: kept while they are a car's way back, and no longer than that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rt_core::detections::Detections;
use rt_core::lifecycle::Heartbeat;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use transport::car::{CarEndpoint, LinkEvent, Uplink};
use transport::carrier::CarrierChoice;
use transport::certs::{CLOUD_NAME, Car, Cloud, Credentials, DevPki};
use transport::estimate::EstimatorLimits;
use transport::gateway::{Gateway, GatewayEvent, GatewayLimits, GatewayStats};
use transport::link::PathConfig;
use transport::simulation::scenario::menu;
use transport::simulation::{Setup, World, run};

const S: Duration = Duration::from_secs(1);

struct Scene {
    world: World,
    server: std::net::SocketAddr,
    tls: Credentials<Car>,
    stats: Arc<GatewayStats>,
    gateway: RefCell<rtrb::Consumer<GatewayEvent>>,
    stop: StopToken,
}

impl Scene {
    async fn new(world: World, pki: &DevPki, limits: GatewayLimits) -> Self {
        let (events, gateway) = rtrb::RingBuffer::new(1_000);
        let (stats, stop) = (Arc::new(GatewayStats::default()), StopToken::default());
        let config = Gateway {
            listen: ([0, 0, 0, 0], 0).into(),
            tls: Credentials::<Cloud>::load(pki.cloud()).expect("certificates"),
            menu: menu(),
            limits: GatewayLimits { fleet_certificates: true, ..limits },
            served: None,
            events: Some(events),
            bound: None,
            stats: Arc::clone(&stats),
            counters: ThreadCounters::new("gateway").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let work: transport::simulation::Work = Box::new(|_| (Duration::ZERO, Detections::new()));
        let server = world.gateway(config, vec![work], &stop).await.expect("a gateway");
        let tls = Credentials::<Car>::load(pki.car()).expect("certificates");
        Self { world, server, tls, stats, gateway: RefCell::new(gateway), stop }
    }

    /// Starts a car without cameras; what happens to its link.
    fn car(&self, number: u32, uplinks: usize) -> rtrb::Consumer<LinkEvent> {
        let (events_in, events) = rtrb::RingBuffer::new(1_000);
        let config = CarEndpoint::<Vec<u8>> {
            carrier: CarrierChoice::default(),
            server: self.server,
            server_name: CLOUD_NAME.into(),
            uplinks: vec![Uplink::Any; uplinks],
            tls: self.tls.clone(),
            identity: format!("car/silent/00000000-0000-4000-8000-{number:012}").parse().expect("an identity"),
            models: vec![],
            services: vec![],
            estimates: vec![],
            menus: vec![],
            events: Some(events_in),
            estimator: EstimatorLimits::default(),
            counters: ThreadCounters::new("car").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        self.world.car(config, &self.stop).expect("a car");
        events
    }

    /// Connections that have ended since this was asked last.
    fn left(&self) -> usize {
        let mut gateway = self.gateway.borrow_mut();
        std::iter::from_fn(|| gateway.pop().ok()).filter(|event| matches!(event, GatewayEvent::Left { .. })).count()
    }
}

fn play<F: Future<Output = ()> + 'static>(script: impl FnOnce(World, Rc<DevPki>) -> F) {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = Rc::new(DevPki::create(dir.path()).expect("a PKI"));
    let fast = || PathConfig::fast().delayed(Duration::from_millis(25));
    let setup = Setup::new(1, fast(), fast()).and_uplink(fast(), fast());
    run(setup, |world| script(world, pki));
}

fn connected(events: &mut rtrb::Consumer<LinkEvent>) -> bool {
    std::iter::from_fn(|| events.pop().ok()).any(|event| event == LinkEvent::Connected)
}

#[test]
fn a_full_house_has_a_place_where_a_car_has_vanished() {
    play(|world, pki| async move {
        let scene = Scene::new(world, &pki, GatewayLimits { max_cars: 1, ..GatewayLimits::default() }).await;
        let mut first = scene.car(1, 1);
        scene.world.sleep(S).await;
        assert!(connected(&mut first));
        // The second has a way of its own, which works; the first is alive until then.
        let mut second = scene.car(2, 2);
        scene.world.sleep(3 * S).await;
        assert!(!connected(&mut second), "a living car keeps its place");
        scene.world.link().set_hole(true);
        scene.world.sleep(10 * S).await;
        assert!(connected(&mut second), "the silent one's place is taken");
        // Beside the first one's connection, those attempts of the second that were not needed have ended.
        assert!(scene.stats.cars() == 1 && scene.left() >= 1);
    });
}

#[test]
fn a_cars_only_connection_outlives_a_tunnel_and_one_left_behind_does_not() {
    play(|world, pki| async move {
        let scene = Scene::new(world, &pki, GatewayLimits::default()).await;
        let (mut one_way, mut two_ways) = (scene.car(1, 1), scene.car(2, 2));
        scene.world.sleep(2 * S).await;
        assert!(connected(&mut one_way) && connected(&mut two_ways));
        scene.world.link().set_hole(true);
        scene.world.sleep(15 * S).await;
        assert_eq!(scene.left(), 0, "both may come back");
        scene.world.sleep(10 * S).await;
        assert_eq!(scene.left(), 1, "the second car goes on without it");
        scene.world.sleep(20 * S).await;
        assert_eq!((scene.stats.cars(), scene.left()), (2, 0), "the first one's is its way back");
        scene.world.link().set_hole(false);
        scene.world.sleep(S).await;
        assert!(connected(&mut one_way), "it came back");
    });
}
