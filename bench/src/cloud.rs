//! The real gateway, with one worker that finds nothing and takes no time: what is left is the transport.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::detections::Detections;
use rt_core::doorbell::Doorbell;
use rt_core::lifecycle::Heartbeat;
use rt_core::stop::StopToken;
use rt_core::trace::counters::ThreadCounters;
use transport::certs::{Cloud, Credentials, TlsFiles};
use transport::gateway::worker::{TaskResult, TaskStatus, WorkerEnd, worker_channel};
use transport::gateway::{Gateway, GatewayError, GatewayLimits, GatewayStats, run_gateway};
use transport::wire::menu::CloudMenu;

use crate::cpu::CpuClock;
use crate::error::{BenchError, Result};

/// The worker looks for the gateway's end at least this often.
const LOOK: Duration = Duration::from_secs(1);
/// A gateway that has not bound its socket by then will not.
const START: Duration = Duration::from_secs(10);

/// A gateway and its worker, on threads of this process.
pub struct NullCloud {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    /// What it counts.
    pub stats: Arc<GatewayStats>,
    stop: StopToken,
    gateway: JoinHandle<std::result::Result<(), GatewayError>>,
    worker: JoinHandle<()>,
}

impl NullCloud {
    /// Starts both; fleet certificates are taken.
    ///
    /// # Errors
    /// Certificates that cannot be read, a socket that cannot be had.
    pub fn start(tls: TlsFiles, menu: CloudMenu) -> Result<Self> {
        let tls = Credentials::<Cloud>::load(tls).map_err(BenchError::library("the cloud's certificates"))?;
        let bell = Doorbell::eventfd().map_err(BenchError::system("the gateway's doorbell"))?;
        let (port, end) = worker_channel(&bell);
        let stats = Arc::new(GatewayStats::default());
        let (bound_in, bound) = std::sync::mpsc::sync_channel(1);
        let config = Gateway {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls,
            menu,
            limits: GatewayLimits { fleet_certificates: true, ..GatewayLimits::default() },
            served: None,
            events: None,
            stats: Arc::clone(&stats),
            bound: Some(bound_in),
            counters: ThreadCounters::new("gateway").0,
            heartbeat: Heartbeat::default(),
            books: Default::default(),
        };
        let stop = StopToken::default();
        let (worker_stop, gateway_stop) = (stop.clone(), stop.clone());
        let worker = std::thread::spawn(move || answer_at_once(end, &worker_stop));
        let gateway = std::thread::spawn(move || run_gateway(config, vec![port], &gateway_stop, bell));
        match bound.recv_timeout(START) {
            Ok(address) => Ok(Self { address, stats, stop, gateway, worker }),
            Err(_) => {
                stop.set();
                let reason = gateway.join().map_or_else(|_| "it panicked".to_owned(), |end| format!("{end:?}"));
                Err(BenchError::Library { what: "starting the gateway", reason })
            }
        }
    }

    /// Processor time of the gateway's thread.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn gateway_clock(&self) -> Result<CpuClock> {
        CpuClock::of_thread(&self.gateway)
    }

    /// Ends both.
    ///
    /// # Errors
    /// Why the gateway had failed.
    pub fn end(self) -> Result<()> {
        self.stop.set();
        let ended = self.gateway.join().map_err(|_| BenchError::Violated("the gateway panicked".to_owned()))?;
        // A worker has nothing to fail with.
        let _ = self.worker.join();
        ended.map_err(BenchError::library("the gateway"))
    }
}

fn answer_at_once(mut end: WorkerEnd, stop: &StopToken) {
    stop.wakes(end.bell());
    while !stop.is_set() && !end.is_closed() {
        let seen = end.bell().count();
        match end.take() {
            Some(task) => {
                end.finish(TaskResult {
                    id: task.id,
                    status: TaskStatus::Ok,
                    detections: Detections::new(),
                    prepare: Duration::ZERO,
                    inference: Duration::ZERO,
                    finish: Duration::ZERO,
                });
            }
            None => end.bell().wait_until(seen, Monotonic::now().plus(LOOK)),
        }
    }
}
