//! The listening socket and the loop beside it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;
use rt_core::trace::counters::Counter;
use s2n_quic::Server;
use s2n_quic::provider::congestion_controller::Bbr;
use s2n_quic::provider::{endpoint_limits, io, limits};

use super::connection;
use super::handshakes::{Door, UnderWay};
use super::hub::Hub;
use super::peer::PeerWatch;
use super::refusals::{RefusalReports, refusals};
use super::worker::WorkerPort;
use super::{Gateway, GatewayError};
use crate::carrier::provider::Datagrams;
use crate::reactor::{Bell, FAREWELL, never, sleep_until};
use crate::wire::IDLE;

/// A handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_millis(2_500);
/// Receive windows: a cellular uplink's bandwidth-delay product many times over, so that flow control never paces.
const STREAM_WINDOW: u64 = 8 * 1024 * 1024;
const CONNECTION_WINDOW: u64 = 32 * 1024 * 1024;
/// What the socket may hold while this thread does something else: the system's usual 208 KiB are full after some ninety
/// packets, which a thousand cars send in a few milliseconds. The system grants what `net.core.rmem_max` allows.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Acknowledgements are the car's clock: the downlink is not scarce, so one goes for every second packet, and none waits
/// longer than this.
const ACK_INTERVAL: u8 = 2;
const MAX_ACK_DELAY: Duration = Duration::from_millis(4);
/// The loop looks round at least this often.
const TICK: Duration = Duration::from_millis(100);

fn start(config: &Gateway, refusals: RefusalReports) -> Result<Server, GatewayError> {
    let tls = config.tls.server();
    let listen = config.listen;
    let socket = |error: &dyn std::fmt::Display| GatewayError::Listen { listen, reason: error.to_string() };
    // The control stream needs one.
    let streams = config.limits.max_streams.max(2);
    let limits = limits::Limits::new()
        .with_max_idle_timeout(IDLE)
        .and_then(|l| l.with_max_handshake_duration(HANDSHAKE))
        .and_then(|l| l.with_max_ack_delay(MAX_ACK_DELAY))
        .and_then(|l| l.with_ack_elicitation_interval(ACK_INTERVAL))
        .and_then(|l| l.with_data_window(CONNECTION_WINDOW))
        .and_then(|l| l.with_bidirectional_remote_data_window(STREAM_WINDOW))
        .and_then(|l| l.with_max_open_remote_bidirectional_streams(streams))
        .and_then(|l| l.with_max_open_remote_unidirectional_streams(0))
        .map_err(|error| GatewayError::Start { what: "limits", reason: error.to_string() })?;
    let Ok(handshakes) =
        endpoint_limits::Default::builder().with_inflight_handshake_limit(config.limits.max_handshakes);
    let Ok(handshakes) = handshakes.build();
    let under_way = UnderWay::default();
    let builder = Server::builder()
        .with_tls(tls)
        .unwrap_or_else(never)
        .with_limits(limits)
        .unwrap_or_else(never)
        .with_endpoint_limits(handshakes)
        .unwrap_or_else(never)
        .with_congestion_controller(Bbr::default())
        .unwrap_or_else(never)
        .with_datagram(Datagrams { wake: None, accept: config.limits.max_reassembling > 0 })
        .unwrap_or_else(never)
        .with_address_token(Door { under_way: under_way.clone(), most: config.limits.max_pending_handshakes })
        .unwrap_or_else(never)
        .with_event(PeerWatch { refusals, under_way })
        .unwrap_or_else(never);
    #[cfg(feature = "simulation")]
    if let Some((io, random)) = crate::reactor::simulated::endpoint(None) {
        let builder = builder.with_random(random).unwrap_or_else(never);
        let io = io.map_err(|error| socket(&error))?;
        return builder.with_io(io).unwrap_or_else(never).start().map_err(|error| socket(&error));
    }
    // A second gateway on the same port must fail, so the address is not shared.
    let io = io::tokio::Builder::default()
        .with_receive_address(listen)
        .and_then(|io| io.with_recv_buffer_size(SOCKET_BUFFER_BYTES))
        .and_then(io::tokio::Builder::build)
        .map_err(|error| socket(&error))?;
    builder.with_io(io).unwrap_or_else(never).start().map_err(|error| socket(&error))
}

pub(crate) async fn serve(
    config: Gateway,
    workers: Vec<WorkerPort>,
    stop: &StopToken,
    bell: Bell,
) -> Result<(), GatewayError> {
    let (reports, refusals) = refusals();
    let mut server = start(&config, reports)?;
    let heartbeat = config.heartbeat.clone();
    if let (Some(bound), Ok(address)) = (&config.bound, server.local_addr()) {
        // Without room nobody waits for it; this thread must not.
        let _ = bound.try_send(address);
    }
    let hub = Rc::new(RefCell::new(Hub::new(config, workers, refusals)));
    while !stop.is_set() {
        let now = crate::reactor::now();
        heartbeat.beat(now);
        let until = {
            let mut hub = hub.borrow_mut();
            hub.counters.tick(now);
            hub.counters.count(Counter::Sleeps);
            hub.hear_workers(now);
            hub.expire(now);
            hub.hear_refusals(now);
            hub.bury_silent(now);
            hub.next_change(now).unwrap_or(Monotonic::from_ns(u64::MAX)).min(now.plus(TICK))
        };
        tokio::select! {
            biased;
            () = bell.rung() => hub.borrow_mut().counters.count(Counter::Wakeups),
            () = sleep_until(until.max(now.plus(Duration::from_millis(1)))) => {}
            accepted = server.accept() => match accepted {
                Some(connection) => {
                    tokio::task::spawn_local(connection::serve(Rc::clone(&hub), connection));
                }
                None => {
                    let reason = "the QUIC endpoint ended by itself".to_owned();
                    return Err(GatewayError::Start { what: "endpoint", reason });
                }
            },
        }
    }
    hub.borrow().close();
    crate::reactor::sleep(FAREWELL).await;
    Ok(())
}
