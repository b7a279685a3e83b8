//! What is simulated: the services, the round trip, the loss, the cloud.

use std::time::Duration;

use crate::choice::{Choice, Costs};
use crate::menu::{Menu, MenuError};
use crate::problem::{Capacity, Demand, ServiceProblem};
use crate::quantity::{InvalidQuantity, fraction, non_negative, positive};

/// Where a table has no spread of a payload, its 95th percentile is this times its mean.
const LEAST_PAYLOAD_TAIL: f64 = 1.15;
/// Where a table has no spread of an execution time, its 95th percentile is this times its median.
const LEAST_EXECUTION_TAIL: f64 = 1.05;

/// How frames share the uplink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Discipline {
    /// One at a time, the newest of each service, earliest deadline first among those that can make it, given up once
    /// hopeless: this project's transport.
    #[default]
    Gated,
    /// One at a time in order of readiness, the newest of each service; what was begun is finished: the prototype's.
    Fifo,
}

/// One camera's service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// What is asked.
    pub demand: Demand,
    /// The menu; its costs are both what policies believe and what the frames are drawn from.
    pub menu: Menu,
}

/// Everything but the link, the policy and the length.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The services as policies see them.
    pub(super) services: Vec<ServiceProblem>,
    pub(super) rtt: Duration,
    pub(super) loss: f64,
    pub(super) workers: Option<usize>,
    pub(super) discipline: Discipline,
    /// Whether captures of the cameras are spread over the period, or at once.
    pub(super) staggered: bool,
    pub(super) seed: u64,
    pub(super) cost_per_mb: f64,
}

/// Why a scenario was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// A number out of its range.
    #[error(transparent)]
    Quantity(#[from] InvalidQuantity),
    /// A menu that is none.
    #[error(transparent)]
    Menu(#[from] MenuError),
    /// Nobody to serve.
    #[error("there is no service; expected at least one")]
    NoService,
    /// A cloud without a worker serves nobody.
    #[error("the cloud has 0 workers; expected at least 1")]
    NoWorker,
}

impl Scenario {
    /// Services behind a link of this round trip and loss (0..1).
    ///
    /// A menu whose numbers have no spread (a mean equal to its 95th percentile) gets a small one, since no camera's
    /// frames are all of one size: 95th percentiles of 1.15 times the mean payload and 1.05 times the execution time.
    ///
    /// # Errors
    /// [`ScenarioError`] names what is out of range.
    pub fn new(services: Vec<Service>, rtt: Duration, loss: f64, seed: u64) -> Result<Self, ScenarioError> {
        if services.is_empty() {
            return Err(ScenarioError::NoService);
        }
        fraction("the loss", loss)?;
        // At a loss of one nothing ever arrives, and a retransmission is tried for ever.
        positive("the share of packets that arrive", 1.0 - loss)?;
        non_negative("the round trip in seconds", rtt.as_secs_f64())?;
        let services = services.into_iter().map(|service| {
            let menu = with_spread(&service.menu)?;
            Ok(ServiceProblem::new(service.demand, menu)?)
        });
        let services = services.collect::<Result<_, ScenarioError>>()?;
        let discipline = Discipline::Gated;
        Ok(Self { services, rtt, loss, workers: None, discipline, staggered: false, seed, cost_per_mb: 0.0 })
    }

    /// Limits the cloud to this many frames at once; without it every frame has a worker.
    ///
    /// # Errors
    /// [`ScenarioError::NoWorker`] for 0.
    pub fn with_workers(self, workers: usize) -> Result<Self, ScenarioError> {
        if workers == 0 { Err(ScenarioError::NoWorker) } else { Ok(Self { workers: Some(workers), ..self }) }
    }

    /// Sends in this order.
    #[must_use]
    pub fn with_discipline(self, discipline: Discipline) -> Self {
        Self { discipline, ..self }
    }

    /// Spreads the captures of the cameras evenly over the period, instead of all at once.
    #[must_use]
    pub fn staggered(self) -> Self {
        Self { staggered: true, ..self }
    }

    /// Makes a megabyte on the uplink cost so much, see [`Capacity::with_cost_per_mb`].
    ///
    /// # Errors
    /// As there.
    pub fn with_cost_per_mb(self, cost_per_mb: f64) -> Result<Self, InvalidQuantity> {
        // Refused here already, not at the first decision.
        Capacity::new(0.0, 0.0)?.with_cost_per_mb(cost_per_mb)?;
        Ok(Self { cost_per_mb, ..self })
    }

    /// When a service's frame is captured, after the start.
    #[must_use]
    pub fn capture(&self, service: usize, frame: usize) -> Duration {
        let fps = self.services.get(service).map_or(1.0, |service| service.demand().fps);
        let phase = if self.staggered { service as f64 / self.services.len() as f64 } else { 0.0 };
        Duration::try_from_secs_f64((frame as f64 + phase) / fps).unwrap_or(Duration::MAX)
    }

    /// The services as policies see them.
    #[must_use]
    pub fn services(&self) -> &[ServiceProblem] {
        &self.services
    }

    /// The most choices of one service.
    #[must_use]
    pub fn most_choices(&self) -> usize {
        self.services.iter().map(|service| service.menu.choices().len()).max().unwrap_or(0)
    }
}

fn with_spread(menu: &Menu) -> Result<Menu, ScenarioError> {
    let spread = |choice: &Choice| -> Result<Choice, InvalidQuantity> {
        let (costs, typical) = (choice.costs(), choice.typical_execution_s());
        let costs = Costs {
            payload_bits: costs.payload_bits.max(LEAST_PAYLOAD_TAIL * costs.mean_bits),
            execution_s: costs.execution_s.max(LEAST_EXECUTION_TAIL * typical),
            ..costs
        };
        Choice::new(choice.config().clone(), costs, choice.accuracy())?.with_typical_execution(typical)
    };
    if menu.choices().is_empty() {
        return Ok(Menu::on_vehicle_only());
    }
    Ok(Menu::new(menu.choices().iter().map(spread).collect::<Result<_, _>>()?)?)
}
