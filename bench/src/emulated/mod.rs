//! The cases of `turbo bench transport` in real time: real endpoints on threads of their own, real sockets, and the link
//! emulator's relay between them. What virtual time says is held against it, and what an endpoint costs is measured,
//! beside a plain client that sends each frame on a stream at once: in virtual time everything shares one thread.

mod car;
mod plain;
mod row;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rt_core::stop::StopToken;
use transport::carrier::CarrierChoice;
use transport::certs::DevPki;
use transport::link::{Link, LinkConfig, PathConfig, Trace};
use transport::simulation::cases::Case;
use transport::simulation::scenario::{Outcome, Scenario, menu};

use crate::cloud::NullCloud;
use crate::error::{BenchError, Result};
use crate::transport::CARRIERS;
pub use row::RealRow;

/// Frames before those that count.
const WARM_UP: Duration = Duration::from_secs(3);

/// Processor time that the endpoints' threads used while frames counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    /// The car's.
    pub car: Duration,
    /// The gateway's.
    pub gateway: Duration,
}

/// What is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Runs of each row.
    pub seeds: u64,
    /// How long frames count.
    pub time: Duration,
    /// Only this carrier.
    pub carrier: Option<String>,
}

/// Cases in which every frame can be on time, whatever carries it: what they cost can be compared.
#[must_use]
pub fn cost_cases() -> Vec<Case> {
    let rtt = Duration::from_millis(50);
    // The load is counted as part of 10 Mbit/s.
    let case = |mbps: u64, load: f64| {
        let name = format!("{mbps} Mbit/s, 50 ms, no loss, 0.5 x");
        let case = Case::constant(&name, load, rtt, 0.0, 0.0);
        Case { up: PathConfig { trace: Trace::fixed(mbps * 1_000_000), ..case.up.clone() }, claimed: None, ..case }
    };
    vec![case(10, 0.5), case(30, 1.5)]
}

/// Runs `cases` in real time and in virtual time, a row for each carrier; the plain client is the last of them.
///
/// # Errors
/// What kept a part from starting.
pub fn run(cases: &[Case], options: &Options) -> Result<Vec<RealRow>> {
    let dir = tempfile::tempdir().map_err(BenchError::library("a temporary folder"))?;
    let pki = DevPki::create(dir.path()).map_err(BenchError::library("certificates"))?;
    let mut rows = Vec::new();
    for case in cases {
        let case = Case { duration: options.time, ..case.clone() };
        let carriers = CARRIERS.iter().map(|(name, carrier)| (*name, Some(*carrier))).chain([(PLAIN, None)]);
        let wanted = |name: &str| options.carrier.as_deref().is_none_or(|only| only == name || name == PLAIN);
        for (name, carrier) in carriers.filter(|(name, _)| wanted(name)) {
            let (mut real, mut costs, mut simulated) = (Vec::new(), Vec::new(), Vec::new());
            for seed in 1..=options.seeds {
                let (outcome, cost) = play(&case, seed, carrier, &pki)?;
                real.push(outcome);
                costs.push(cost);
                if let Some(carrier) = carrier {
                    let played = transport::simulation::scenario::play(case.scenario(seed, WARM_UP, carrier), &pki);
                    simulated.push(played.map_err(|error| BenchError::Violated(format!("{}: {error}", case.name)))?);
                }
            }
            let row = RealRow::of(&case, name, &real, &simulated, &costs);
            eprintln!("{row}");
            rows.push(row);
        }
    }
    row::compare(&mut rows);
    Ok(rows)
}

/// The name of what has no carrier: each frame is given to the stack at once, on a stream of its own.
const PLAIN: &str = "plain";

/// One run of a case in real time; without a carrier, of the plain client.
fn play(case: &Case, seed: u64, carrier: Option<CarrierChoice>, pki: &DevPki) -> Result<(Outcome, Costs)> {
    let scenario = case.scenario(seed, WARM_UP, carrier.unwrap_or_default());
    let cloud = NullCloud::start(pki.cloud(), menu())?;
    let listen: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let mut config = LinkConfig::new(listen, cloud.address, Trace::fixed(1));
    (config.up, config.down, config.seed) = (case.up.clone(), case.down.clone(), seed);
    let (link, handle) = Link::bind(config).map_err(BenchError::library("the emulated link"))?;
    let stop = StopToken::default();
    let link_stop = stop.clone();
    let relay = std::thread::spawn(move || link.run(&link_stop));
    let set_rate = |bps| handle.set_up_rate(bps);
    let steps = case.steps.iter().map(|&(at, bps)| (WARM_UP + at, bps)).collect();
    let changes = Changes { steps, set_rate: &set_rate };
    let gateway = cloud.gateway_clock()?;
    let played = match carrier {
        Some(_) => car::play(&scenario, pki, handle.listen_addr(), gateway, changes),
        None => plain::play(&scenario, pki, handle.listen_addr(), gateway, changes),
    };
    stop.set();
    let relayed = relay.join().map_err(|_| BenchError::Violated("the relay panicked".to_owned()))?;
    relayed.map_err(BenchError::library("the relay"))?;
    cloud.end()?;
    played
}

/// What happens to the link, by time after the start of the warm-up.
struct Changes<'a> {
    steps: Vec<(Duration, u64)>,
    set_rate: &'a dyn Fn(u64),
}

/// What is due next.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// A camera's frame.
    Frame(usize),
    /// A change of the uplink's rate, bits per second.
    Rate(u64),
    /// Frames count from now on.
    Count,
}

/// All that will happen, by time after the start of the warm-up.
fn due(scenario: &Scenario, changes: &Changes<'_>) -> Vec<(Duration, Due)> {
    let end = scenario.warm_up + scenario.duration;
    let mut due: Vec<(Duration, Due)> = changes.steps.iter().map(|&(at, bps)| (at, Due::Rate(bps))).collect();
    for (index, camera) in scenario.cameras.iter().enumerate() {
        let frames = std::iter::successors(Some(camera.phase), |at| Some(*at + camera.period));
        due.extend(frames.take_while(|at| *at < end).map(|at| (at, Due::Frame(index))));
    }
    due.push((scenario.warm_up, Due::Count));
    due.retain(|(at, _)| *at < end);
    due.sort_by_key(|(at, _)| *at);
    due
}
