//! How true the emulator is on this machine: round trips and a rate, measured through a real relay on loopback.

mod rate;
mod round_trip;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use rt_core::stop::StopToken;
use serde::Serialize;

use super::config::LinkConfig;
use super::error::LinkError;
use super::path::PathConfig;
use super::relay::Link;
use super::stats::LinkSnapshot;
use super::trace::Trace;
pub use rate::RateFound;
pub use round_trip::RoundTripsFound;

/// The longest that either end waits for a packet before it looks whether the test is over.
const READ_TIMEOUT: Duration = Duration::from_millis(200);

/// What to measure, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfTest {
    /// Delay in each direction.
    pub one_way: Duration,
    /// Rate of the uplink, bit/s.
    pub rate_bps: u64,
    /// How long each of the two is measured.
    pub each_for: Duration,
}

impl Default for SelfTest {
    /// 20 ms each way and 10 Mbit/s, 5 s each.
    fn default() -> Self {
        Self { one_way: Duration::from_millis(20), rate_bps: 10_000_000, each_for: Duration::from_secs(5) }
    }
}

/// What was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SelfTestFound {
    /// Of packets that each find the link idle.
    pub round_trips: RoundTripsFound,
    /// The link's counters in that part; those of lateness tell what the machine did to it.
    pub round_trips_link: LinkSnapshot,
    /// Of packets that always find a queue.
    pub rate: RateFound,
    /// The link's counters in that part.
    pub rate_link: LinkSnapshot,
}

impl SelfTestFound {
    /// Whether both are within their bounds.
    #[must_use]
    pub const fn within_bounds(&self) -> bool {
        self.round_trips.within_bounds && self.rate.within_bounds
    }
}

/// Why a self-test came to no result.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The link could not be.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A socket of one of its ends failed.
    #[error("link: a loopback socket of the self-test failed: {0}")]
    Socket(#[from] std::io::Error),
    /// No packet came through, or it was stopped before one could.
    #[error("link: the self-test measured nothing: {measured} packets came through; {wanted} at least are wanted")]
    TooFew {
        /// How many came through.
        measured: usize,
        /// How many it takes.
        wanted: usize,
    },
    /// A thread panicked, which it cannot.
    #[error("link: a thread of the self-test failed")]
    Thread,
}

impl SelfTest {
    /// Measures round trips and then the rate, both on links of their own; ends early where `stop` is set.
    ///
    /// # Errors
    /// No sockets, or nothing measured.
    pub fn run(&self, stop: &StopToken) -> Result<SelfTestFound, SelfTestError> {
        let delayed = PathConfig::fast().delayed(self.one_way);
        let (round_trips, round_trips_link) =
            through_link(delayed.clone(), delayed, |ends| round_trip::measure(ends, self, stop))?;
        let shaped = PathConfig::shaped(Trace::fixed(self.rate_bps));
        let (rate, rate_link) = through_link(shaped, PathConfig::fast(), |ends| rate::measure(ends, self, stop))?;
        Ok(SelfTestFound { round_trips, round_trips_link, rate, rate_link })
    }
}

/// Both ends of a link.
struct Ends<'a> {
    client: &'a UdpSocket,
    listen: SocketAddr,
    server: &'a UdpSocket,
}

/// Runs a link beside `measure`.
fn through_link<T>(
    up: PathConfig,
    down: PathConfig,
    measure: impl FnOnce(&Ends<'_>) -> Result<T, SelfTestError>,
) -> Result<(T, LinkSnapshot), SelfTestError> {
    let socket = || -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(socket)
    };
    let (client, server) = (socket()?, socket()?);
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    let config = LinkConfig { up, down, ..LinkConfig::new(listen, server.local_addr()?, Trace::fixed(0)) };
    let (link, handle) = Link::bind(config)?;
    let stop = StopToken::default();
    std::thread::scope(|scope| {
        let relay = scope.spawn(|| link.run(&stop));
        let ends = Ends { client: &client, listen: handle.listen_addr(), server: &server };
        let measured = measure(&ends);
        stop.set();
        let counters = relay.join().map_err(|_| SelfTestError::Thread)??;
        Ok((measured?, counters))
    })
}

#[cfg(test)]
mod tests;
