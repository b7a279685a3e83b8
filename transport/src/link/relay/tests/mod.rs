mod carrying;
mod changing;

use std::net::Ipv4Addr;
use std::time::Duration;

use rt_core::clock::Monotonic;

use super::*;
use crate::link::trace::Trace;

const PATIENCE: Duration = Duration::from_secs(20);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket
}

fn config_for(server: &UdpSocket) -> LinkConfig {
    let listen = (Ipv4Addr::LOCALHOST, 0).into();
    LinkConfig::new(listen, server.local_addr().expect("bound"), Trace::fixed(1_000_000_000))
}

/// Runs a link beside `body` and gives its last counters.
fn with_link(config: LinkConfig, body: impl FnOnce(&LinkHandle)) -> LinkSnapshot {
    let (link, handle) = Link::bind(config).expect("a link");
    let stop = StopToken::default();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| link.run(&stop));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(&handle)));
        stop.set();
        let counters = running.join().expect("no panic in the link").expect("no error in the link");
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
        counters
    })
}

/// Waits for a state that must come, and fails where it does not.
fn wait_for(mut reached: impl FnMut() -> bool) {
    let give_up = Monotonic::now().plus(PATIENCE);
    while !reached() {
        assert!(Monotonic::now() < give_up, "it never came to be");
        std::thread::yield_now();
    }
}
