//! Which cars are here, over which connections.
//!
//! A car may have several connections at a time: the next one while it moves, another that stands by over a second
//! uplink. They belong together by the number of the car's process, which Hello brings; another process of the same
//! identity is another car with a copied configuration, and is refused while the first one lives. Which connection
//! carries frames is the car's business, and it closes those that it does not need.

use std::collections::HashMap;
use std::sync::Arc;

use rt_core::clock::Monotonic;
use s2n_quic::connection::Handle;

use super::peer::PeerMetrics;
use crate::wire::code;
use crate::wire::identity::Identity;

/// The most connections of one car; beyond it, the one that was silent for longest is closed.
const MOST_CONNECTIONS: usize = 8;

struct Connection {
    number: u64,
    handle: Handle,
    metrics: Arc<PeerMetrics>,
}

struct Car {
    process: u64,
    connections: Vec<Connection>,
}

/// The cars. Their numbers and those of their connections are never used again.
#[derive(Default)]
pub(super) struct Cars {
    /// The car that an identity stands for at present.
    present: HashMap<Identity, u64>,
    cars: HashMap<u64, Car>,
    /// Which connection is which car's.
    members: HashMap<u64, u64>,
    next: u64,
}

impl Cars {
    /// Admits a connection, which gets a number, or says why it is refused.
    pub(super) fn join(
        &mut self,
        (identity, process): (&Identity, u64),
        (handle, metrics): (Handle, Arc<PeerMetrics>),
        most_cars: usize,
        now: Monotonic,
    ) -> Result<u64, String> {
        self.next += 1;
        let number = self.next;
        let known = self.present.get(identity).and_then(|present| Some((*present, self.cars.get(present)?)));
        let car = match known {
            Some((present, car)) if car.process == process => {
                car.make_room(now);
                present
            }
            Some((_, other)) if other.connections.iter().any(|connection| !connection.metrics.is_dead(now)) => {
                return Err(format!("{identity} is connected already; a car's UUID has to be its own"));
            }
            Some((_, dead)) => {
                for connection in &dead.connections {
                    connection.handle.close(code::REPLACED.into());
                }
                number
            }
            None if self.present.len() >= most_cars => {
                return Err(format!("{} cars are connected, and no more are allowed", self.present.len()));
            }
            None => number,
        };
        self.present.insert(identity.clone(), car);
        self.members.insert(number, car);
        let car = self.cars.entry(car).or_insert_with(|| Car { process, connections: Vec::new() });
        car.connections.push(Connection { number, handle, metrics });
        Ok(number)
    }

    /// The car whose connection this is.
    pub(super) fn car_of(&self, connection: u64) -> Option<u64> {
        self.members.get(&connection).copied()
    }

    /// All connections of the car whose connection this is.
    pub(super) fn siblings(&self, connection: u64) -> impl Iterator<Item = u64> {
        let car = self.car_of(connection).and_then(|car| self.cars.get(&car));
        car.into_iter().flat_map(|car| &car.connections).map(|connection| connection.number)
    }

    /// Closes all connections; they leave by themselves.
    pub(super) fn close(&self) {
        for connection in self.cars.values().flat_map(|car| &car.connections) {
            connection.handle.close(code::DONE.into());
        }
    }

    /// Forgets a connection, and its car with the last of them.
    pub(super) fn leave(&mut self, identity: &Identity, connection: u64) {
        let Some(number) = self.members.remove(&connection) else { return };
        let Some(car) = self.cars.get_mut(&number) else { return };
        car.connections.retain(|other| other.number != connection);
        if car.connections.is_empty() {
            self.cars.remove(&number);
            if self.present.get(identity) == Some(&number) {
                self.present.remove(identity);
            }
        }
    }
}

impl Car {
    /// Closes what is dead, and if need be the connection that was silent for longest. Those closed leave by
    /// themselves.
    fn make_room(&self, now: Monotonic) {
        let surplus = self.connections.len() >= MOST_CONNECTIONS;
        let oldest = self.connections.iter().map(|connection| connection.metrics.heard_at()).min();
        for connection in &self.connections {
            if connection.metrics.is_dead(now) || (surplus && Some(connection.metrics.heard_at()) == oldest) {
                connection.handle.close(code::REPLACED.into());
            }
        }
    }
}
