//! A drive: a car that divides its uplink by a policy, over the real endpoints in virtual time.
//!
//! It is the other half of `allocation::simulate`: the same services, the same frames with the same sizes and times, the
//! same link, but the real transport, estimator and gateway in place of their models. Where the two disagree, the model
//! is wrong, or the transport does what nobody meant.

mod car;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use allocation::policy::Policy;
use allocation::simulate::{Frames, Scenario};
use rt_core::detections::Detections;
use rt_core::stop::StopToken;

use super::{Setup, World, run, scenario};
use crate::carrier::CarrierChoice;
use crate::certs::{Car, Cloud, Credentials, DevPki};
use crate::wire::menu::{CloudMenu, ModelEntry};

/// What is driven. Policies believe the menus' costs but for execution times, which the cloud tells.
pub struct Drive {
    /// The network; what the scenario says of round trip and loss counts in the model alone.
    pub setup: Setup,
    /// The services.
    pub scenario: Scenario,
    /// Their frames.
    pub frames: Frames,
    /// Who divides.
    pub policy: Box<dyn Policy>,
    /// Workers of the cloud; without them as many as services, so that no frame waits for another's.
    pub workers: Option<usize>,
    /// What carries the frames.
    pub carrier: CarrierChoice,
}

/// What came of a drive; counted as `allocation::simulate::Outcome` counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Driven {
    /// When the first frame could be captured, after the start of the link's traces: the car had to connect before.
    pub began: Duration,
    /// Frames captured.
    pub frames: u64,
    /// Frames that were to go to the cloud, probes apart.
    pub sent: u64,
    /// Of these, results that were back before their deadline less the margin.
    pub in_time: u64,
    /// Mean accuracy of the decisions, weighted.
    pub utility: f64,
    /// Changes of a service's choice.
    pub switches: u64,
}

impl Driven {
    /// Share of the frames for the cloud whose results were in time; 1 where there was none.
    #[must_use]
    pub fn on_time(&self) -> f64 {
        if self.sent == 0 { 1.0 } else { self.in_time as f64 / self.sent as f64 }
    }
}

/// How long the worker takes for a service's frame, from its draw.
type Executions = Rc<RefCell<HashMap<(u16, u64), Duration>>>;

/// Drives with certificates of `pki`.
///
/// # Errors
/// What kept an endpoint from starting, or the policy from answering.
pub fn drive(drive: Drive, pki: &DevPki) -> Result<Driven, Box<dyn std::error::Error>> {
    let (cloud, tls) = (Credentials::<Cloud>::load(pki.cloud())?, Credentials::<Car>::load(pki.car())?);
    run(drive.setup.clone(), move |world| async move {
        let stop = StopToken::default();
        let executions = Executions::default();
        let server = gateway(&world, &drive, cloud, &executions, &stop).await?;
        let mut car = car::DrivenCar::start(&world, drive, server, tls, executions, &stop)?;
        let driven = car.run(&world).await;
        stop.set();
        driven
    })
}

async fn gateway(
    world: &World,
    drive: &Drive,
    tls: Credentials<Cloud>,
    executions: &Executions,
    stop: &StopToken,
) -> Result<SocketAddr, Box<dyn std::error::Error>> {
    let work = (0..drive.workers.unwrap_or_else(|| drive.scenario.services().len())).map(|_| {
        let executions = Rc::clone(executions);
        let work: super::Work = Box::new(move |task| {
            let of = (task.header.service, task.header.seq);
            (executions.borrow().get(&of).copied().unwrap_or_default(), Detections::new())
        });
        work
    });
    Ok(world.gateway(scenario::gateway(tls, menu(&drive.scenario)), work.collect(), stop).await?)
}

/// The models of the scenario's menus, with the times that they say.
fn menu(scenario: &Scenario) -> CloudMenu {
    let micros = |seconds: f64| (seconds * 1e6) as u32;
    let mut models: Vec<ModelEntry> = Vec::new();
    for choice in scenario.services().iter().flat_map(|service| service.menu.choices()) {
        let name = &choice.config().model;
        if models.iter().all(|known| known.name != *name) {
            models.push(ModelEntry {
                name: name.clone(),
                input_width: car::INPUT.0,
                input_height: car::INPUT.1,
                classes: vec!["car".into()],
                p50_us: micros(choice.typical_execution_s()),
                p95_us: micros(choice.costs().execution_s),
                workers: 0,
            });
        }
    }
    CloudMenu { models }
}
