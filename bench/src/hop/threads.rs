//! A pair of two threads of this process.

use std::sync::mpsc::{SyncSender, sync_channel};

use super::{About, End, Pair, Plan, answer, measure};
use crate::error::{BenchError, Result};
use crate::seat::{Seats, seated};

/// A pair whose ends are made by `make`: the calling one and the answering one, each as a function that is called on
/// the end's own thread, because some peers' ends may not move.
pub struct Threads<F> {
    /// What the table says of it.
    pub about: About,
    /// Makes fresh ends for a round.
    pub make: F,
}

impl<F, A, B, MakeA, MakeB> Pair for Threads<F>
where
    F: Fn() -> Result<(MakeA, MakeB)>,
    A: End,
    B: End,
    MakeA: FnOnce() -> Result<A> + Send + 'static,
    MakeB: FnOnce() -> Result<B> + Send + 'static,
{
    fn about(&self) -> About {
        self.about
    }

    fn round(&self, plan: &Plan, seats: Seats) -> Result<Vec<u32>> {
        let (make_client, make_server) = (self.make)()?;
        let plan = *plan;
        // Both ends exist before the first call, and the results outlive their threads.
        let (server_ready, server_is_ready) = sync_channel(1);
        let (server_done, server_is_done) = sync_channel(1);
        let (client_done, client_is_done) = sync_channel(1);
        let server = seated("bench-server", seats.server, move || {
            let result = make_server().and_then(|mut end| {
                report(&server_ready, ());
                answer(&mut end)
            });
            report(&server_done, result);
            Ok(())
        })?;
        let client = seated("bench-client", seats.client, move || {
            let result = make_client().and_then(|mut end| {
                server_is_ready.recv().map_err(|_| BenchError::Closed("the answering end could not be made".into()))?;
                measure(&mut end, &plan)
            });
            report(&client_done, result);
            Ok(())
        })?;
        let joined = client.join().and(server.join());
        let answered = server_is_done.recv().unwrap_or_else(|_| Err(BenchError::Closed("no result".into())));
        let samples = client_is_done.recv().unwrap_or_else(|_| Err(BenchError::Closed("no result".into())));
        joined.map_err(|reason| BenchError::Library { what: "a measuring thread", reason })?;
        answered?;
        samples
    }
}

/// The receiver waits for as long as this thread lives; where it is gone, so is the interest in the result.
fn report<T>(to: &SyncSender<T>, value: T) {
    let _ = to.send(value);
}
