//! A network address translator, which may forget what it knew.

use std::collections::HashMap;
use std::net::SocketAddr;

/// After a change of addresses, ports begin here.
const FIRST_PORT: u16 = 1_024;

/// Gives every client an address outside; the same until [`Nat::rebind`].
#[derive(Debug, Default)]
pub(super) struct Nat {
    rebinds: u16,
    outside: HashMap<SocketAddr, SocketAddr>,
    inside: HashMap<SocketAddr, SocketAddr>,
}

impl Nat {
    /// Forgets all addresses; what still comes to them goes nowhere.
    pub(super) fn rebind(&mut self) {
        self.rebinds += 1;
        self.outside.clear();
        self.inside.clear();
    }

    /// The client's address as it is seen outside.
    pub(super) fn outside(&mut self, inside: SocketAddr) -> SocketAddr {
        // Clients differ in their hosts already, and until the first change nothing needs translating.
        let port = if self.rebinds == 0 { inside.port() } else { FIRST_PORT.wrapping_add(self.rebinds) };
        let outside = *self.outside.entry(inside).or_insert(SocketAddr::new(inside.ip(), port));
        self.inside.insert(outside, inside);
        outside
    }

    /// Whose address that is.
    pub(super) fn inside(&self, outside: SocketAddr) -> Option<SocketAddr> {
        self.inside.get(&outside).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_until_it_is_forgotten() {
        let client: SocketAddr = ([1, 0, 0, 1], 49_152).into();
        let mut nat = Nat::default();
        let first = nat.outside(client);
        assert_eq!((nat.outside(client), nat.inside(first)), (first, Some(client)));
        nat.rebind();
        assert_eq!(nat.inside(first), None);
        let second = nat.outside(client);
        assert_ne!(first, second);
        assert_eq!(nat.inside(second), Some(client));
    }
}
