//! Why a link could not be set up or run.

use std::net::{IpAddr, SocketAddr};

use super::path::PathConfigError;

/// A link that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address clients would send to cannot be had.
    #[error("link: cannot listen on UDP {addr}: {source}{}", hint(source))]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// There is no way to the server's address.
    #[error(
        "link: cannot send to the server at UDP {addr}: {source}; give an address that this machine has a route to"
    )]
    Server {
        /// The server's address.
        addr: SocketAddr,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// There is no way to the server's address from the one to rebind to.
    #[error(
        "link: cannot send from {from} to the server at UDP {server}: {source}; give an address of this machine (on loopback, 127.0.0.2 will do), or none"
    )]
    Rebind {
        /// The address to send from.
        from: IpAddr,
        /// The server's address.
        server: SocketAddr,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The link runs no more.
    #[error("link: it has ended; nothing can be changed any more")]
    Ended,
    /// One direction is described wrongly.
    #[error("link: {0}")]
    Path(#[from] PathConfigError),
    /// The MTU is out of bounds.
    #[error("link: an MTU of {mtu_bytes} bytes cannot be; {least} to {most} is wanted, 1500 as a rule")]
    Mtu {
        /// What was given.
        mtu_bytes: u32,
        /// The least there may be.
        least: u32,
        /// The most there may be.
        most: u32,
    },
    /// No packet or no client could be held.
    #[error(
        "link: packets_per_direction is {packets_per_direction} and max_clients is {max_clients}; both are at least 1"
    )]
    NoRoom {
        /// What was given.
        packets_per_direction: usize,
        /// What was given.
        max_clients: usize,
    },
    /// The kernel refused to wait for packets.
    #[error("link: cannot wait for packets: {0}")]
    Wait(std::io::Error),
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; another program has this port: end it, or choose another port (0 takes any free one)"
        }
        std::io::ErrorKind::AddrNotAvailable => "; this machine does not have that address: 127.0.0.1 is always there",
        std::io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges: choose a higher one",
        _ => "",
    }
}
