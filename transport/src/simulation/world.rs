//! What a script can do in a simulation.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;
use tokio::task::JoinHandle;

use super::network::SimulatedLink;
use super::worker::{self, Work};
use crate::car::{CarEndpoint, CarError};
use crate::gateway::worker::worker_channel_with;
use crate::gateway::{Gateway, GatewayError};
use crate::reactor::simulated::Notice;
use crate::reactor::{self, Bell};

/// A script's handle to the simulation it runs in.
#[derive(Clone)]
pub struct World {
    link: SimulatedLink,
}

/// What a doorbell of [`World::bell`] wakes.
#[derive(Clone)]
pub struct WorldBell(Arc<Notice>);

impl WorldBell {
    /// Returns once the doorbell has rung since this last returned.
    pub async fn rung(&self) {
        self.0.rung().await;
    }
}

impl World {
    pub(super) fn new(link: SimulatedLink) -> Self {
        Self { link }
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Monotonic {
        reactor::now()
    }

    /// Lets virtual time pass.
    pub async fn sleep(&self, time: Duration) {
        reactor::sleep(time).await;
    }

    /// Lets virtual time pass until `instant`.
    pub async fn sleep_until(&self, instant: Monotonic) {
        reactor::sleep_until(instant).await;
    }

    /// Runs `task` beside the script; it is dropped when the script ends.
    pub fn spawn<T: 'static>(&self, task: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        tokio::task::spawn_local(task)
    }

    /// A doorbell for a task of this simulation.
    #[must_use]
    pub fn bell(&self) -> (Doorbell, WorldBell) {
        let (doorbell, notice) = Notice::with_doorbell();
        (doorbell, WorldBell(notice))
    }

    /// The network.
    #[must_use]
    pub fn link(&self) -> &SimulatedLink {
        &self.link
    }

    /// Starts a gateway with a worker for each of `work`; its address, which is that of the first one for all that
    /// follow it. `config.listen` and `config.bound` are not used.
    ///
    /// # Errors
    /// As [`crate::gateway::run_gateway`].
    pub async fn gateway(
        &self,
        config: Gateway,
        work: Vec<Work>,
        stop: &StopToken,
    ) -> Result<SocketAddr, GatewayError> {
        let (doorbell, bell) = self.bell();
        stop.wakes(&doorbell);
        let ports = work
            .into_iter()
            .map(|work| {
                let (own, notice) = self.bell();
                let (port, end) = worker_channel_with(&doorbell, own);
                self.spawn(worker::run(end, notice, work));
                port
            })
            .collect();
        let (bound, address) = std::sync::mpsc::sync_channel(1);
        let config = Gateway { bound: Some(bound), ..config };
        let stop = stop.clone();
        let gateway = self
            .spawn(async move { crate::gateway::endpoint::serve(config, ports, &stop, Bell::Simulated(bell.0)).await });
        loop {
            if let Ok(address) = address.try_recv() {
                return Ok(self.link.set_server(address));
            }
            if gateway.is_finished() {
                let ended = gateway.await.unwrap_or(Ok(()));
                return Err(ended.err().unwrap_or(GatewayError::Start {
                    what: "simulation",
                    reason: "the gateway ended before it was bound".to_owned(),
                }));
            }
            self.sleep(Duration::from_micros(10)).await;
        }
    }

    /// Starts a car; ring the doorbell that comes back after putting a frame into a mailbox.
    ///
    /// # Errors
    /// As [`crate::car::run_car`].
    pub fn car<B>(&self, config: CarEndpoint<B>, stop: &StopToken) -> Result<Doorbell, CarError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let (doorbell, bell) = self.bell();
        stop.wakes(&doorbell);
        let driver = crate::car::driver::Driver::new(config, stop.clone())?;
        self.spawn(driver.run(Bell::Simulated(bell.0)));
        Ok(doorbell)
    }
}
