//! The hooks by which a simulation takes the place of tokio's reactor, on the thread that runs one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use s2n_quic::provider::io::testing;
use s2n_quic::provider::random;
use tokio::sync::Notify;

use crate::link::rng::Rng;

/// Virtual time begins here and not at zero, so that what lies a while ago can be told from what never was.
const EPOCH: Duration = Duration::from_secs(1_000);

thread_local! {
    static NETWORK: RefCell<Option<Sockets>> = const { RefCell::new(None) };
}

/// Which of a car's uplinks each of its sockets uses; a gateway's is not among them.
pub(crate) type UplinkOf = Rc<RefCell<HashMap<SocketAddr, usize>>>;

struct Sockets {
    network: testing::Handle,
    uplinks: UplinkOf,
    /// For the next endpoint's random numbers.
    seed: u64,
}

/// When virtual time begins.
pub(crate) fn epoch() -> Monotonic {
    Monotonic::ZERO.plus(EPOCH)
}

/// Whether this thread is inside a simulation.
pub(super) fn active() -> bool {
    testing::is_in_env()
}

/// The virtual time, inside a simulation.
pub(super) fn now() -> Option<Monotonic> {
    active().then(|| {
        // SAFETY: the caller is a time source, as `as_duration` demands: this is the endpoints' clock.
        let since_start = unsafe { testing::now().as_duration() };
        epoch().plus(since_start)
    })
}

/// Sleeps in virtual time.
pub(super) async fn sleep(time: Duration) {
    testing::time::delay(time).await;
}

/// Lets the sockets of this thread's endpoints be those of `network` until it is dropped.
pub(crate) struct Installed;

impl Installed {
    pub(crate) fn new(network: testing::Handle, uplinks: UplinkOf, seed: u64) -> Self {
        NETWORK.set(Some(Sockets { network, uplinks, seed }));
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        NETWORK.set(None);
    }
}

/// A socket of the simulated network and random numbers for the endpoint that gets it; `None` outside a simulation.
/// A car's names the uplink.
pub(crate) fn endpoint(uplink: Option<usize>) -> Option<(Result<testing::Io, std::io::Error>, Random)> {
    NETWORK.with_borrow_mut(|sockets| {
        let sockets = sockets.as_mut()?;
        sockets.seed = sockets.seed.wrapping_add(0x5851_f42d_4c95_7f2d);
        let uplinks = Rc::clone(&sockets.uplinks);
        let builder = sockets.network.builder().on_socket(move |socket| {
            if let (Some(uplink), Ok(address)) = (uplink, socket.local_addr()) {
                uplinks.borrow_mut().insert(address, uplink);
            }
        });
        Some((builder.build(), Random(Rng::new(sockets.seed))))
    })
}

/// Repeatable random numbers for an endpoint: good for a simulation, and for nothing that is to be secret.
pub(crate) struct Random(Rng);

impl random::Generator for Random {
    fn public_random_fill(&mut self, dest: &mut [u8]) {
        for bytes in dest.chunks_mut(8) {
            for (byte, random) in bytes.iter_mut().zip(self.0.word().to_le_bytes()) {
                *byte = random;
            }
        }
    }

    fn private_random_fill(&mut self, dest: &mut [u8]) {
        self.public_random_fill(dest);
    }
}

impl random::Provider for Random {
    type Generator = Self;
    type Error = std::convert::Infallible;

    fn start(self) -> Result<Self, Self::Error> {
        Ok(self)
    }
}

/// What a simulated doorbell wakes.
#[derive(Debug, Default)]
pub(crate) struct Notice(Notify);

impl Notice {
    /// A doorbell, and what it wakes.
    pub(crate) fn with_doorbell() -> (Doorbell, Arc<Self>) {
        let notice = Arc::new(Self::default());
        (Doorbell::task(Waker::from(Arc::clone(&notice))), notice)
    }

    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }
}

impl Wake for Notice {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}
