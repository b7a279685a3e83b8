//! Round trips to the cloud's machine by ICMP echo, without privileges.
//!
//! A datagram socket of protocol ICMP may send echo requests where the kernel's `net.ipv4.ping_group_range` includes one
//! of the process's groups; the kernel fills in identifier and checksum and gives only this socket's replies back.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, SockaddrStorage, connect, socket};
use rt_core::clock::Monotonic;

/// ICMP header: type, code, checksum, identifier, sequence number (RFC 792; RFC 4443 for version 6).
const HEADER_BYTES: usize = 8;
/// What travels beside the header, as with `ping`.
const PAYLOAD_BYTES: usize = 56;

/// Why there are no ICMP pings.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// The kernel gives no such socket.
    #[error(
        "no ICMP socket to {address}: {source}; without privileges it needs a group within net.ipv4.ping_group_range"
    )]
    Socket {
        /// Where pings were to go.
        address: IpAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Pings one address.
#[derive(Debug)]
pub struct IcmpPinger {
    socket: UdpSocket,
    request: u8,
    reply: u8,
    sequence: u16,
}

impl IcmpPinger {
    /// A socket for pings of `address`.
    ///
    /// # Errors
    /// [`PingError`], where the kernel refuses.
    pub fn new(address: IpAddr) -> Result<Self, PingError> {
        let refused = |error: nix::Error| PingError::Socket { address, source: error.into() };
        let (family, protocol, request, reply) = match address {
            IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp, 8, 0),
            IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6, 128, 129),
        };
        let fd = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol).map_err(refused)?;
        // Port 0: the kernel chooses the identifier.
        connect(fd.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(address, 0))).map_err(refused)?;
        Ok(Self { socket: UdpSocket::from(fd), request, reply, sequence: 0 })
    }

    /// Sends one ping and waits for its answer, `patience` at the most; `None` where none came.
    ///
    /// When it was sent is said too. An error on the way (no route, say) is a ping without an answer.
    pub fn ping(&mut self, patience: Duration) -> (Monotonic, Option<Duration>) {
        self.sequence = self.sequence.wrapping_add(1);
        let sent = Monotonic::now();
        let round_trip = self.echo(sent, patience).unwrap_or(None);
        (sent, round_trip)
    }

    fn echo(&mut self, sent: Monotonic, patience: Duration) -> io::Result<Option<Duration>> {
        let message = request(self.request, self.sequence);
        self.socket.send(&message)?;
        let until = sent.plus(patience);
        let mut answer = [0_u8; HEADER_BYTES + PAYLOAD_BYTES];
        loop {
            let left = until.saturating_since(Monotonic::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv(&mut answer) {
                Ok(bytes) => {
                    let came = Monotonic::now();
                    let answer = answer.get(..bytes).unwrap_or_default();
                    // An answer to an earlier ping is too late for anybody.
                    if is_reply(answer, self.reply, self.sequence) {
                        return Ok(Some(came.saturating_since(sent)));
                    }
                }
                Err(error) if is_timeout(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// An echo request; checksum and identifier are the kernel's to fill in.
fn request(kind: u8, sequence: u16) -> [u8; HEADER_BYTES + PAYLOAD_BYTES] {
    let mut message = [0_u8; HEADER_BYTES + PAYLOAD_BYTES];
    let header = [kind].into_iter().chain([0; 5]).chain(sequence.to_be_bytes());
    message.iter_mut().zip(header).for_each(|(byte, value)| *byte = value);
    message
}

fn is_reply(message: &[u8], kind: u8, sequence: u16) -> bool {
    matches!(message, [found, 0, _, _, _, _, high, low, ..] if *found == kind && [*high, *low] == sequence.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn this_machine_answers_its_own_pings() {
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let mut pinger = match IcmpPinger::new(address) {
                Ok(pinger) => pinger,
                Err(error) => {
                    assert!(error.to_string().contains("ping_group_range"), "{error}");
                    eprintln!("SKIPPED: {error}");
                    continue;
                }
            };
            for _ in 0..3 {
                let before = Monotonic::now();
                let (sent, round_trip) = pinger.ping(Duration::from_secs(10));
                let round_trip = round_trip.expect("the loopback answers");
                assert!(before <= sent && sent.plus(round_trip) <= Monotonic::now());
            }
        }
    }

    #[test]
    fn a_ping_into_the_void_comes_back_empty() {
        // TEST-NET-1 (RFC 5737): nobody is there.
        let Ok(mut pinger) = IcmpPinger::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))) else {
            eprintln!("SKIPPED: no ICMP socket");
            return;
        };
        assert_eq!(pinger.ping(Duration::from_millis(20)).1, None);
    }

    proptest! {
        #[test]
        fn only_the_reply_to_the_newest_request_counts(sequence: u16, other: u16, kind in 0_u8..=255, cut in 0_usize..8) {
            let mut reply = request(8, sequence);
            reply[0] = kind;
            prop_assert_eq!(is_reply(&reply, 0, sequence), kind == 0);
            reply[0] = 0;
            prop_assert_eq!(is_reply(&reply, 0, other), other == sequence);
            prop_assert!(!is_reply(&reply[..cut], 0, sequence));
        }
    }
}
