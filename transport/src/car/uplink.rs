//! Which way packets leave the car.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use nix::sys::socket::{setsockopt, sockopt};

/// One way to the cloud. A car with several keeps a connection over each, and sends its frames over the best.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Uplink {
    /// As the system routes it.
    #[default]
    Any,
    /// From this address of the car's. The system's routes have to send such packets out of the interface that has it.
    Address(IpAddr),
    /// Over this interface, whatever the routes say (`SO_BINDTODEVICE`; Linux lets any process do it since 5.7).
    Interface(String),
}

impl Uplink {
    /// A socket that reaches `server` this way.
    pub(super) fn socket(&self, server: SocketAddr) -> std::io::Result<UdpSocket> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let local = if let Self::Address(address) = self { *address } else { any };
        let socket = UdpSocket::bind((local, 0))?;
        if let Self::Interface(name) = self {
            setsockopt(&socket, sockopt::BindToDevice, &name.into())?;
        }
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

impl fmt::Display for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("the system's routes"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Interface(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_bound_to_the_address_or_the_interface_asked_for() {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let second: IpAddr = Ipv4Addr::new(127, 0, 0, 2).into();
        let socket = Uplink::Address(second).socket(server).expect("a loopback address");
        assert_eq!(socket.local_addr().expect("its address").ip(), second);
        match Uplink::Interface("lo".into()).socket(server) {
            Ok(socket) => assert!(socket.send_to(b"x", server).is_ok()),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                eprintln!("skipped: this kernel lets only the privileged bind to an interface");
            }
            Err(error) => panic!("{error}"),
        }
        assert!(Uplink::Interface("no-such-device".into()).socket(server).is_err());
    }
}
