//! The seam between the endpoints and what drives them: tokio and this project's clock on a vehicle, a simulation's
//! executor and virtual clock in tests and benchmarks. Neither endpoint reads a clock, sleeps, or opens a socket but
//! through here.

mod backoff;
mod bell;
#[cfg(feature = "simulation")]
pub(crate) mod simulated;

use std::future::Future;
use std::time::Duration;

use rt_core::clock::Monotonic;

pub(crate) use backoff::Backoff;
pub(crate) use bell::Bell;

/// An endpoint that stops has its connections closed and runs on for this long, so that its peers hear of it: they would
/// wait for [`crate::wire::IDLE`] otherwise.
pub(crate) const FAREWELL: Duration = Duration::from_millis(20);

/// Now, by the clock that drives this thread's endpoints.
#[inline]
pub(crate) fn now() -> Monotonic {
    #[cfg(feature = "simulation")]
    if let Some(now) = simulated::now() {
        return now;
    }
    Monotonic::now()
}

/// Sleeps for `time`.
pub(crate) async fn sleep(time: Duration) {
    #[cfg(feature = "simulation")]
    if simulated::active() {
        return simulated::sleep(time).await;
    }
    tokio::time::sleep(time).await;
}

/// Sleeps until `instant`.
pub(crate) async fn sleep_until(instant: Monotonic) {
    let left = instant.saturating_since(now());
    if !left.is_zero() {
        sleep(left).await;
    }
}

/// What `work` yields, or `None` where it takes longer than `time`.
pub(crate) async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = sleep(time) => None,
    }
}

/// The later part of a thread's start: its runtime, single-threaded, with sockets and timers.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()
}

/// Takes an impossible error for any value: providers given as ready values cannot fail to start.
pub(crate) fn never<T>(error: std::convert::Infallible) -> T {
    match error {}
}
