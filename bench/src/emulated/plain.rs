//! What one would otherwise use: QUIC as it comes, a stream for each frame, given to the stack at once.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use rt_core::clock::Monotonic;
use transport::car::ReplyStatus;
use transport::certs::DevPki;
use transport::simulation::scenario::{FrameOutcome, Outcome, Scenario};

use super::{Changes, Costs, Due, due};
use crate::cpu::CpuClock;
use crate::error::{BenchError, Result};
use crate::gateway::plain_car::{Answer, Car, Credentials, Frame, send_frame};

/// Runs the case's cameras through it, on a thread of its own.
///
/// # Errors
/// What kept it from starting or connecting.
pub(super) fn play(
    scenario: &Scenario,
    pki: &DevPki,
    server: SocketAddr,
    gateway: CpuClock,
    changes: Changes<'_>,
) -> Result<(Outcome, Costs)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(BenchError::system("the plain client's runtime"))?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let credentials = Credentials::load(&pki.car());
        let mut car = Car::join(credentials, server, 0, Rc::default()).await?;
        let outcome = Rc::new(RefCell::new(Outcome::default()));
        let mut before = (Duration::ZERO, Duration::ZERO);
        let start = Monotonic::now();
        for (at, what) in due(scenario, &changes) {
            tokio::time::sleep(start.plus(at).saturating_since(Monotonic::now())).await;
            match what {
                Due::Count => before = (own_time()?, gateway.time()?),
                Due::Rate(bps) => (changes.set_rate)(bps),
                Due::Frame(index) => {
                    let Some(camera) = scenario.cameras.get(index) else { continue };
                    let seq = car.next_seq();
                    let place = outcome.borrow().frames.len();
                    let (frame_bytes, budget) = (camera.frame_bytes, camera.budget);
                    outcome.borrow_mut().frames.push(FrameOutcome {
                        camera: index,
                        seq,
                        captured: at,
                        bytes: frame_bytes,
                        budget,
                        answer: None,
                    });
                    let left = start.plus(at + budget).saturating_since(Monotonic::now());
                    let frame = Frame { seq, bytes: Bytes::from(vec![0; frame_bytes]), budget: left };
                    let (handle, outcome) = (car.handle(), Rc::clone(&outcome));
                    tokio::task::spawn_local(async move {
                        let answer = send_frame(handle, frame).await;
                        let took = Monotonic::now().saturating_since(start.plus(at));
                        let status = match answer {
                            Ok(Answer::Detections) => ReplyStatus::Ok,
                            Ok(Answer::GivenUp) => ReplyStatus::Expired,
                            Ok(Answer::Wrong) | Err(_) => ReplyStatus::Error,
                        };
                        if let Some(frame) = outcome.borrow_mut().frames.get_mut(place) {
                            frame.answer = Some((status, took));
                        }
                    });
                }
            }
        }
        let used = (own_time()?.saturating_sub(before.0), gateway.time()?.saturating_sub(before.1));
        let longest = scenario.cameras.iter().map(|camera| camera.budget).max().unwrap_or_default();
        tokio::time::sleep(longest * 2).await;
        let mut outcome = outcome.take();
        outcome.frames.retain(|frame| frame.captured >= scenario.warm_up);
        car.close();
        Ok((outcome, Costs { car: used.0, gateway: used.1 }))
    })
}

/// Processor time of this thread.
fn own_time() -> Result<Duration> {
    let time = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now();
    time.map(Duration::from).map_err(|error| BenchError::system("reading processor time")(error.into()))
}
