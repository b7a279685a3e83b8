//! Receiving a packet and learning when it came: the kernel's stamp, for a relay that wakes up late.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use rt_core::clock::{Monotonic, UnixTime};

/// The longest that a packet can have waited; a stamp that says more, or lies in the future, is of a clock that has been
/// set meanwhile.
const MOST_WAIT_NS: u64 = 1_000_000_000;

/// A packet in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub(super) len: usize,
    /// When it came to the socket; `now` where the kernel does not tell.
    pub(super) at: Monotonic,
    /// When it was received.
    pub(super) now: Monotonic,
    /// Who sent it; `None` where the kernel does not tell.
    pub(super) from: Option<SocketAddr>,
}

/// Room for what the kernel tells beside a packet; taken once.
pub(super) struct Receiver {
    told: Vec<u8>,
}

/// Has the kernel stamp what comes to `socket`; where it does not, a packet counts from when it was received.
pub(super) fn stamp_arrivals(socket: &UdpSocket) {
    let _unstamped = setsockopt(socket, ReceiveTimestampns, &true);
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self { told: nix::cmsg_space!(TimeSpec) }
    }

    /// The next packet of a non-blocking socket.
    pub(super) fn receive(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> std::io::Result<Received> {
        let mut parts = [IoSliceMut::new(buffer)];
        let fd = socket.as_raw_fd();
        let message = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(&mut self.told), MsgFlags::empty())?;
        let (now, wall) = (Monotonic::now(), UnixTime::now());
        let stamp = message.cmsgs().ok().and_then(|mut told| {
            told.find_map(|told| match told {
                ControlMessageOwned::ScmTimestampns(at) => Some(at),
                _ => None,
            })
        });
        let from = message.address.as_ref().and_then(address);
        Ok(Received { len: message.bytes, at: arrival(now, wall, stamp), now, from })
    }
}

/// The stamp is of the wall clock, which no other clock of the kernel's replaces here; it is compared with the wall
/// clock of a moment later, and believed as far as it can be.
fn arrival(now: Monotonic, wall: UnixTime, stamp: Option<TimeSpec>) -> Monotonic {
    let waited_ns = stamp.and_then(|stamp| {
        let ns = u64::try_from(stamp.tv_sec()).ok()?.checked_mul(1_000_000_000)?;
        wall.as_ns().checked_sub(ns.checked_add(u64::try_from(stamp.tv_nsec()).ok()?)?)
    });
    Monotonic::from_ns(now.as_ns().saturating_sub(waited_ns.filter(|ns| *ns <= MOST_WAIT_NS).unwrap_or(0)))
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|address| SocketAddr::from((address.ip(), address.port())));
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| (*address).into()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_packet_that_waited_counts_from_when_it_came() {
        let receiver = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        stamp_arrivals(&receiver);
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let mut told = Receiver::new();
        let mut counted_as_early = || {
            sender.send_to(b"early", receiver.local_addr().expect("bound")).expect("sent");
            let sent = Monotonic::now();
            std::thread::sleep(Duration::from_millis(10));
            let mut buffer = [0; 16];
            let received = told.receive(&receiver, &mut buffer).expect("it is there");
            assert_eq!((&buffer[..received.len], received.from), (&b"early"[..], sender.local_addr().ok()));
            assert!(received.at <= received.now && received.now.saturating_since(sent).as_millis() >= 10);
            received.at <= sent
        };
        // The kernel begins to stamp a moment after it is told to.
        assert!((0..200).any(|_| counted_as_early()));
    }

    #[test]
    fn addresses_of_both_families_are_told() {
        let Ok(receiver) = UdpSocket::bind("[::1]:0") else {
            eprintln!("skipped: this machine has no IPv6 loopback");
            return;
        };
        let sender = UdpSocket::bind("[::1]:0").expect("a socket");
        sender.send_to(b"six", receiver.local_addr().expect("bound")).expect("sent");
        let received = Receiver::new().receive(&receiver, &mut [0; 16]).expect("it is there");
        assert_eq!(received.from, sender.local_addr().ok());
        assert_eq!(received.at, received.now, "not stamped");
    }

    #[test]
    fn a_stamp_of_a_clock_that_was_set_is_not_believed() {
        let (now, wall) = (Monotonic::from_ns(5_000_000_000), UnixTime::from_ns(90_000_000_000));
        let stamped = |seconds, ns| arrival(now, wall, Some(TimeSpec::new(seconds, ns))).as_ns();
        assert_eq!(stamped(89, 999_000_000), 4_999_000_000);
        assert_eq!(stamped(90, 0), 5_000_000_000);
        assert_eq!(stamped(90, 1), 5_000_000_000, "in the future");
        assert_eq!(stamped(88, 0), 5_000_000_000, "two seconds ago");
        assert_eq!(stamped(-1, 0), 5_000_000_000);
        assert_eq!(arrival(now, wall, None), now);
    }
}
