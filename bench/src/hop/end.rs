//! One end of a pair, and the two loops that every pair runs: the one that calls and the one that answers.

use rt_core::clock::Monotonic;

use super::Plan;
use crate::error::{BenchError, Result};

/// The call that ends the answering loop.
pub const STOP: u64 = u64::MAX;

/// Bytes of one message.
pub const MESSAGE_BYTES: usize = size_of::<u64>();

/// One end: messages go out and come in. Inlined into the loops, so that a row shows the hand-over and nothing else.
pub trait End {
    /// Hands a message to the other end.
    ///
    /// # Errors
    /// Where the other end cannot be reached.
    fn send(&mut self, message: u64) -> Result<()>;

    /// Waits for the other end's next message.
    ///
    /// # Errors
    /// Where the other end is gone.
    fn receive(&mut self) -> Result<u64>;
}

/// Makes the calls of `plan` and returns the latency of each that counts, in nanoseconds; then stops the other end.
///
/// # Errors
/// The end's, and [`BenchError::WrongAnswer`] where an answer does not follow from its call.
pub fn measure<E: End>(end: &mut E, plan: &Plan) -> Result<Vec<u32>> {
    // Filled with ones, because zeroed memory would be mapped page by page while it is measured.
    let mut samples = vec![1_u32; plan.calls];
    let mut message = 0;
    for _ in 0..plan.warm_up {
        message = call(end, message)?;
    }
    for sample in &mut samples {
        let start = Monotonic::now();
        message = call(end, message)?;
        let latency = Monotonic::now().saturating_since(start);
        *sample = u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX);
    }
    end.send(STOP)?;
    end.receive()?;
    Ok(samples)
}

/// One call; the answer is the next call's message, so that no call can start before its forerunner has ended.
fn call<E: End>(end: &mut E, message: u64) -> Result<u64> {
    end.send(message)?;
    let answer = end.receive()?;
    if answer == message.wrapping_add(1) {
        Ok(answer)
    } else {
        Err(BenchError::WrongAnswer { sent: message, got: answer })
    }
}

/// Answers every call with its successor, until [`STOP`].
///
/// # Errors
/// The end's.
pub fn answer<E: End>(end: &mut E) -> Result<()> {
    loop {
        let message = end.receive()?;
        end.send(message.wrapping_add(1))?;
        if message == STOP {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Liar(Option<u64>);

    impl End for Liar {
        fn send(&mut self, message: u64) -> Result<()> {
            self.0 = Some(message.wrapping_add(u64::from(message != 2)));
            Ok(())
        }

        fn receive(&mut self) -> Result<u64> {
            self.0.take().ok_or_else(|| BenchError::Closed("nothing was sent".into()))
        }
    }

    #[test]
    fn a_wrong_answer_ends_the_round() {
        let plan = Plan { warm_up: 1, calls: 10 };
        assert!(matches!(measure(&mut Liar(None), &plan), Err(BenchError::WrongAnswer { sent: 2, got: 2 })));
        assert!(measure(&mut Liar(None), &Plan { warm_up: 1, calls: 1 }).is_ok_and(|samples| samples.len() == 1));
    }
}
