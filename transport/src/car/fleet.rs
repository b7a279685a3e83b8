//! Many cars on one thread, for whoever loads a gateway with them.

use std::time::Duration;

use rt_core::doorbell::Doorbell;
use rt_core::stop::StopToken;

use super::{CarEndpoint, CarError, driver::Driver};
use crate::reactor::Bell;

/// Runs `cars` on this thread until `stop` is set, each as [`super::run_car`] would with its doorbell, and each begun
/// `stagger` after the one before. They share the thread and nothing else.
///
/// # Errors
/// [`CarError`] of any of them, before its first connection only; the others end with it.
pub fn run_cars<B>(
    cars: impl IntoIterator<Item = (CarEndpoint<B>, Doorbell)>,
    stagger: Duration,
    stop: &StopToken,
) -> Result<(), CarError>
where
    B: AsRef<[u8]> + Send + 'static,
{
    let start = |what| move |error: std::io::Error| CarError::Start { what, reason: error.to_string() };
    let runtime = crate::reactor::runtime().map_err(start("runtime"))?;
    let local = tokio::task::LocalSet::new();
    let outcome = local.block_on(&runtime, async {
        let mut running = Vec::new();
        for (config, bell) in cars {
            stop.wakes(&bell);
            let bell = Bell::event(bell).map_err(start("doorbell"))?;
            running.push(tokio::task::spawn_local(Driver::new(config, stop.clone())?.run(bell)));
            if !stagger.is_zero() && !stop.is_set() {
                crate::reactor::sleep(stagger).await;
            }
        }
        for car in running {
            if let Err(error) = car.await
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
        Ok(())
    });
    drop(local);
    runtime.shutdown_background();
    outcome
}
