//! The real endpoints and the real QUIC stack over a simulated network, in virtual time.
//!
//! Nothing waits: a minute passes as fast as its work is done, on one thread, and the same seed gives the same run, so
//! a test may say to the frame what a disturbed link has to deliver. The network is the link emulator's own model
//! ([`crate::link::Path`]); executor and sockets are s2n-quic's testing provider.
//!
//! ```
//! use transport::link::{PathConfig, Trace};
//! use transport::simulation::{Setup, run};
//! use std::time::Duration;
//! let setup = Setup::new(7, PathConfig::shaped(Trace::fixed(10_000_000)), PathConfig::fast());
//! let slept = run(setup, |world| async move {
//!     let start = world.now();
//!     world.sleep(Duration::from_secs(3_600)).await;
//!     world.now().saturating_since(start)
//! });
//! assert_eq!(slept.as_secs_f64().round(), 3_600.0);
//! ```

pub mod cases;
pub mod drive;
mod nat;
mod network;
pub mod oracle;
pub mod scenario;
pub mod soak;
mod worker;
mod world;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use s2n_quic::provider::io::testing::{Executor, primary};
use send_wrapper::SendWrapper;

use crate::link::PathConfig;
use crate::reactor::simulated::Installed;

pub use network::SimulatedLink;
pub use worker::Work;
pub use world::{World, WorldBell};

/// What a simulated network is like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Decides every random number: losses, jitter, the stack's own choices.
    pub seed: u64,
    /// From the cars to the gateway, shared by all of them.
    pub up: PathConfig,
    /// From the gateway to the cars, shared by all of them.
    pub down: PathConfig,
    /// The two directions of each further uplink that a car may have.
    pub more: Vec<(PathConfig, PathConfig)>,
    /// The most packets queued or on their way in each direction.
    pub packets_per_direction: usize,
}

impl Setup {
    /// A network of two directions with room for 65,536 packets each.
    #[must_use]
    pub const fn new(seed: u64, up: PathConfig, down: PathConfig) -> Self {
        Self { seed, up, down, more: Vec::new(), packets_per_direction: 65_536 }
    }

    /// Adds an uplink, so that a car can have one more.
    #[must_use]
    pub fn and_uplink(mut self, up: PathConfig, down: PathConfig) -> Self {
        self.more.push((up, down));
        self
    }
}

/// Runs `script` and what it spawns until `script` is done; its result.
///
/// # Panics
/// Where nothing can ever happen any more although `script` is not done: that is a test's mistake.
#[expect(clippy::expect_used, reason = "a simulation that ends without its result has no other way to say so")]
pub fn run<T, S, F>(setup: Setup, script: S) -> T
where
    T: 'static,
    S: FnOnce(World) -> F,
    F: Future<Output = T> + 'static,
{
    let link = SimulatedLink::new(&setup);
    let mut executor = Executor::new(network::Network::new(link.clone()), setup.seed);
    let handle = executor.handle().clone();
    let installed = Installed::new(handle, link.uplinks(), setup.seed);
    let outcome = Rc::new(RefCell::new(None));
    let kept = Rc::clone(&outcome);
    executor.enter(|| {
        let script = script(World::new(link.clone()));
        // One task of the executor holds all of the endpoints' tasks, which need not be `Send`; the wrapper checks that
        // it never leaves this thread.
        primary::spawn(SendWrapper::new(async move {
            let tasks = tokio::task::LocalSet::new();
            let result = tasks.run_until(script).await;
            *kept.borrow_mut() = Some(result);
        }));
        link.attach();
    });
    executor.run();
    drop(executor);
    drop(installed);
    let result = outcome.borrow_mut().take();
    result.expect("the script ended")
}
