//! An hour of cars, faults and offenders in a few seconds or minutes, and what is still on the heap after each of its
//! minutes.
//!
//! Every minute has a blackout, a hole, changes of address, and a stranger that joins and offends. Nothing of what ended
//! may stay. Cars and gateway run through: one whose process ends takes its runtime with it, which a simulation that goes
//! on does not do.
//!
//! An endpoint's packet rings are megabytes each, so whoever measures leaves pieces of a megabyte and more out.

mod car;
mod offender;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rt_core::detections::Detections;
use rt_core::lifecycle::Heartbeat;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;

use super::scenario::menu;
use super::{Setup, World, run};
use crate::certs::{Car as CarSide, Cloud, Credentials, DevPki};
use crate::gateway::{Gateway, GatewayLimits, GatewayStats, Offence};
use crate::link::{PathConfig, Trace};
use car::SoakedCar;

const TICK: Duration = Duration::from_millis(50);
const TICKS_PER_S: u64 = 20;
const MINUTE_S: u64 = 60;
/// A frame of each car in so many ticks.
const FRAME_TICKS: u64 = 4;
const CARS: u64 = 3;

/// What is soaked.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    /// Decides every random number.
    pub seed: u64,
    /// How many minutes.
    pub minutes: u64,
    /// What is on the heap at the moment, bytes; whoever runs this knows its heap.
    pub heap_bytes: fn() -> i64,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Soaked {
    /// The heap at the end of each minute, bytes: the least of its last second.
    pub heap_bytes: Vec<i64>,
    /// Frames given to the cars.
    pub frames: u64,
    /// Frames answered, however.
    pub answered: u64,
    /// Frames answered with detections by their deadline.
    pub on_time: u64,
    /// Connections that cars made.
    pub connected: u64,
    /// Connections that cars lost or left.
    pub left: u64,
    /// What gateways refused.
    pub offences: u64,
}

impl Soaked {
    /// By how many bytes the heap grew from the first half of its minutes to the second: the least of each, because minutes
    /// end at different points of their faults.
    #[must_use]
    pub fn grown_bytes(&self) -> i64 {
        let (early, late) = self.heap_bytes.split_at(self.heap_bytes.len() / 2);
        let least = |minutes: &[i64]| minutes.iter().copied().min().unwrap_or(0);
        least(late) - least(early)
    }
}

/// Runs it with certificates of `pki`.
///
/// # Errors
/// What kept an endpoint from starting.
pub fn soak(plan: Soak, pki: &DevPki) -> Result<Soaked, Box<dyn std::error::Error>> {
    let (cloud, car) = (Credentials::<Cloud>::load(pki.cloud())?, Credentials::<CarSide>::load(pki.car())?);
    let up = PathConfig::shaped(Trace::fixed(10_000_000)).delayed(Duration::from_millis(25)).lossy(0.01);
    let down = PathConfig::fast().delayed(Duration::from_millis(25)).lossy(0.01);
    run(Setup::new(plan.seed, up, down), move |world| async move {
        let stats = Arc::new(GatewayStats::default());
        let server = start_gateway(&world, &cloud, &stats).await?;
        let cars = (0..CARS).map(|place| SoakedCar::start(&world, place, server, &car));
        let mut cars = cars.collect::<Result<Vec<_>, _>>()?;
        let mut soaked = Soaked::default();
        let start = world.now();
        let mut heap = i64::MAX;
        for tick in 0..plan.minutes * MINUTE_S * TICKS_PER_S {
            world.sleep_until(start.plus(TICK * u32::try_from(tick).unwrap_or(u32::MAX))).await;
            for (place, car) in (0..CARS).zip(&mut cars) {
                car.hear(&mut soaked);
                if (tick + place) % FRAME_TICKS == 0 {
                    car.send(world.now());
                    soaked.frames += 1;
                }
            }
            let (minute, within) = (tick / TICKS_PER_S / MINUTE_S, tick % (TICKS_PER_S * MINUTE_S));
            disturb(&world, minute, within);
            if within == 12 * TICKS_PER_S {
                world.spawn(offender::offend(server, car.clone(), minute));
            }
            if within >= (MINUTE_S - 1) * TICKS_PER_S {
                heap = heap.min((plan.heap_bytes)());
            }
            if within == MINUTE_S * TICKS_PER_S - 1 {
                soaked.heap_bytes.push(std::mem::replace(&mut heap, i64::MAX));
            }
        }
        soaked.offences = Offence::ALL.iter().map(|offence| stats.offences(*offence)).sum();
        Ok(soaked)
    })
}

/// What happens to the link: `within` a minute, in ticks.
fn disturb(world: &World, minute: u64, within: u64) {
    let link = world.link();
    // Longer ones are rarer: half a minute in every tenth minute.
    let dark_s = if minute % 10 == 2 { 30 } else { 1 + minute % 6 };
    match within {
        at if at == 15 * TICKS_PER_S => link.set_blackout(true),
        at if at == (15 + dark_s) * TICKS_PER_S => link.set_blackout(false),
        at if at == 3 * TICKS_PER_S || at == 6 * TICKS_PER_S || at == 9 * TICKS_PER_S => link.rebind(),
        at if at == 46 * TICKS_PER_S => link.set_hole(true),
        at if at == 47 * TICKS_PER_S => link.set_hole(false),
        _ => {}
    }
}

async fn start_gateway(
    world: &World,
    tls: &Credentials<Cloud>,
    stats: &Arc<GatewayStats>,
) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let gateway = Gateway {
        listen: SocketAddr::from(([0, 0, 0, 0], 0)),
        tls: tls.clone(),
        menu: menu(),
        limits: GatewayLimits { fleet_certificates: true, ..GatewayLimits::default() },
        served: None,
        events: None,
        bound: None,
        stats: Arc::clone(stats),
        counters: ThreadCounters::new("gateway").0,
        heartbeat: Heartbeat::default(),
        books: Default::default(),
    };
    let execution = Duration::from_millis(5);
    let work: super::Work = Box::new(move |_| (execution, Detections::new()));
    Ok(world.gateway(gateway, vec![work], &StopToken::default()).await?)
}
