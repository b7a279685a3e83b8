//! The cars: plain QUIC clients that say Hello, ping as cars do, and send each frame on a stream of its own; all on one
//! thread. A thousand of the real endpoints, with their rules and estimates, would need more than the core that is
//! left beside the gateway, and it is the gateway that is measured.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use transport::certs::TlsFiles;

use super::plain_car::{Answer, Car, Credentials, Frame, send_frame};
use crate::cpu::CpuClock;
use crate::error::{BenchError, Result};

/// What became of the frames of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames given to the cars.
    pub frames: u64,
    /// Answered with detections by their deadline.
    pub on_time: u64,
    /// Answered as superseded or expired.
    pub given_up: u64,
    /// Answered with an error, or as overload.
    pub wrong: u64,
    /// Not answered at all.
    pub unanswered: u64,
    /// Cars that were not let in, and connections that ended.
    pub links_lost: u64,
}

/// What a fleet is like.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many.
    pub cars: usize,
    /// Coded bytes of a frame.
    pub frame_bytes: usize,
    /// From capture to detections.
    pub budget: Duration,
    /// Time between the starts of two cars.
    pub stagger: Duration,
    /// What they show and trust.
    pub tls: TlsFiles,
}

struct Drive {
    per_second: f64,
    time: Duration,
}

/// The cars.
pub struct Fleet {
    orders: Option<mpsc::UnboundedSender<Drive>>,
    tallies: Receiver<Tally>,
    thread: JoinHandle<Result<()>>,
}

impl Fleet {
    /// Starts the cars one after the other.
    ///
    /// # Errors
    /// Where there is no clock for their thread.
    #[must_use]
    pub fn start(plan: Plan, server: SocketAddr) -> Self {
        let (orders, heard) = mpsc::unbounded_channel();
        let (tallies_in, tallies) = sync_channel(1);
        let thread = std::thread::spawn(move || run(&plan, server, heard, &tallies_in));
        Self { orders: Some(orders), tallies, thread }
    }

    /// Processor time of the cars' thread.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn clock(&self) -> Result<CpuClock> {
        CpuClock::of_thread(&self.thread)
    }

    /// Gives the cars `per_second` frames a second between them, evenly and one car after the other, for `time`.
    ///
    /// # Errors
    /// Where the cars have ended.
    pub fn drive(&self, per_second: f64, time: Duration) -> Result<Tally> {
        if let Some(orders) = &self.orders {
            // Where nobody hears it, nobody answers either.
            let _ = orders.send(Drive { per_second, time });
        }
        self.tallies.recv().map_err(|_| BenchError::Closed("the cars have ended".to_owned()))
    }

    /// Ends all of them.
    ///
    /// # Errors
    /// Why they could not start.
    pub fn end(mut self) -> Result<()> {
        self.orders = None;
        self.thread.join().map_err(|_| BenchError::Violated("the cars' thread panicked".to_owned()))?
    }
}

fn run(
    plan: &Plan,
    server: SocketAddr,
    mut orders: mpsc::UnboundedReceiver<Drive>,
    tallies: &SyncSender<Tally>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(BenchError::system("the cars' runtime"))?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let credentials = Credentials::load(&plan.tls);
        let tally = Rc::new(RefCell::new(Tally::default()));
        let mut joining = Vec::new();
        for number in 0..plan.cars {
            let (credentials, tally) = (credentials.clone(), Rc::clone(&tally));
            joining.push(tokio::task::spawn_local(Car::join(credentials, server, number, tally)));
            tokio::time::sleep(plan.stagger).await;
        }
        let mut cars = Vec::new();
        for car in joining {
            match car.await {
                Ok(Ok(car)) => cars.push(car),
                Ok(Err(error)) => {
                    eprintln!("a car was not let in: {error}");
                    tally.borrow_mut().links_lost += 1;
                }
                Err(_) => return Err(BenchError::Violated("a car panicked".to_owned())),
            }
        }
        let bytes = Bytes::from(vec![0; plan.frame_bytes]);
        while let Some(order) = orders.recv().await {
            drive(&mut cars, &order, &bytes, plan.budget, &tally).await;
            let tally = std::mem::take(&mut *tally.borrow_mut());
            if tallies.send(tally).is_err() {
                break;
            }
        }
        cars.iter().for_each(Car::close);
        // So that the last goodbye is sent, too.
        tokio::time::sleep(plan.budget).await;
        Ok(())
    })
}

/// Sends the frames and waits for what becomes of them.
async fn drive(cars: &mut [Car], order: &Drive, bytes: &Bytes, budget: Duration, tally: &Rc<RefCell<Tally>>) {
    let frames = (order.per_second * order.time.as_secs_f64()) as u64;
    let start = tokio::time::Instant::now();
    let count = cars.len().max(1) as u64;
    for number in 0..frames {
        tokio::time::sleep_until(start + Duration::from_secs_f64(number as f64 / order.per_second)).await;
        let place = usize::try_from(number % count).unwrap_or(0);
        let Some(car) = cars.get_mut(place) else { break };
        tally.borrow_mut().frames += 1;
        let frame = Frame { seq: car.next_seq(), bytes: bytes.clone(), budget };
        let (handle, tally) = (car.handle(), Rc::clone(tally));
        tokio::task::spawn_local(async move {
            let began = tokio::time::Instant::now();
            let sent = tokio::time::timeout(budget * 2, send_frame(handle, frame)).await;
            let in_time = began.elapsed() <= budget;
            let mut tally = tally.borrow_mut();
            match sent {
                Ok(Ok(Answer::Detections)) => tally.on_time += u64::from(in_time),
                Ok(Ok(Answer::GivenUp)) => tally.given_up += 1,
                Ok(_) => tally.wrong += 1,
                Err(_) => tally.unanswered += 1,
            }
        });
    }
    tokio::time::sleep(budget * 3).await;
}
