//! Who is here and how much each may ask for: cars, the connections of each certificate, and the bytes of each car.
//!
//! A pure state machine, told the time and generic over what it takes to close a connection.

use std::collections::HashMap;
use std::sync::Arc;

use rt_core::clock::Monotonic;

use super::GatewayLimits;
use crate::certs::{Bearer, CertificateFacts};
use crate::wire::identity::Identity;

/// A car's certificate as the gateway saw it in the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PeerCertificate {
    /// All of it, which is what tells two certificates apart.
    pub(super) der: Arc<[u8]>,
    /// Whom it stands for.
    pub(super) bearer: Bearer,
}

impl PeerCertificate {
    pub(super) fn read(der: &[u8]) -> Self {
        let bearer = match CertificateFacts::from_der(der) {
            Ok(facts) => facts.bearer,
            Err(reason) => Bearer::Nobody(format!("it cannot be read: {reason}")),
        };
        Self { der: der.into(), bearer }
    }

    /// Whether a Hello of `identity` may come with it; else why not.
    pub(super) fn may_be(&self, identity: &Identity, fleet_certificates: bool) -> Result<(), String> {
        match &self.bearer {
            Bearer::One(own) if own == identity => Ok(()),
            Bearer::One(own) => Err(format!("Hello says {identity}, its certificate is {own}'s")),
            Bearer::Fleet if fleet_certificates => Ok(()),
            Bearer::Fleet => Err("its certificate is a fleet's, and this gateway asks for one of its own".to_owned()),
            Bearer::Nobody(reason) => Err(format!("its certificate does not say which car it is: {reason}")),
        }
    }
}

/// A connection on which a car was admitted.
struct Place<C> {
    connection: u64,
    close: C,
}

/// A car that is here.
struct Present<C> {
    /// The same for all its connections, and never used again.
    number: u64,
    /// Tells its connections from those of another car that says it is the same one.
    process: u64,
    /// Never empty.
    places: Vec<Place<C>>,
}

/// One car's bytes, over all its connections.
struct Purse {
    /// Of frames that are here.
    held: u64,
    /// What it may still send: a bucket that fills at the limit.
    left: u64,
    filled_at: Monotonic,
}

/// One connection's part of it.
struct Account {
    car: Arc<str>,
    /// As in [`Present`].
    number: u64,
    held: u64,
}

/// What becomes of a connection that has just been opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Its Hello decides.
    Heard,
    /// It is one too many for its certificate; once it has said Hello it is told so.
    Refused(String),
    /// There are twice too many, and none is waited for any more.
    Closed(String),
}

/// Why a frame's bytes are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// The car's frames here are as many bytes as it may have at a time.
    Held,
    /// It sends more bytes a second than it may.
    Rate,
}

/// Purses of cars that have left are gone through when there are so many more of them than cars.
const IDLE_PURSES: usize = 64;

pub(super) struct Admission<C> {
    cars: HashMap<Arc<str>, Present<C>>,
    /// Connections open by certificate, those before Hello included.
    open: HashMap<Arc<[u8]>, usize>,
    accounts: HashMap<u64, Account>,
    /// Also of cars that have left: whoever comes back finds what was left.
    purses: HashMap<Arc<str>, Purse>,
    next_connection: u64,
}

impl<C> Default for Admission<C> {
    fn default() -> Self {
        Self {
            cars: HashMap::new(),
            open: HashMap::new(),
            accounts: HashMap::new(),
            purses: HashMap::new(),
            next_connection: 0,
        }
    }
}

impl<C> Admission<C> {
    /// A connection was opened with this certificate; has to be taken back with [`Admission::closed`].
    pub(super) fn opened(&mut self, certificate: &PeerCertificate, limits: &GatewayLimits) -> Opening {
        let open = self.open.entry(Arc::clone(&certificate.der)).or_default();
        *open += 1;
        let most = match certificate.bearer {
            Bearer::Fleet => limits.max_cars.max(limits.max_certificate_connections),
            Bearer::One(_) | Bearer::Nobody(_) => limits.max_certificate_connections,
        };
        let reason = || format!("its certificate has {most} connections open already");
        match *open {
            open if open <= most => Opening::Heard,
            open if open <= most.saturating_mul(2) => Opening::Refused(reason()),
            _ => Opening::Closed(reason()),
        }
    }

    /// A connection of this certificate has ended.
    pub(super) fn closed(&mut self, certificate: &PeerCertificate) {
        if let Some(open) = self.open.get_mut(&certificate.der) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&certificate.der);
            }
        }
    }

    /// Admits a car: the number of its connection, and what closes the dead ones that it replaces. Otherwise why not.
    ///
    /// A car may have several connections at a time: the next one while it moves, another that stands by over a second
    /// uplink. They have the number of its process in common; another process of the same identity is another car with
    /// a copied configuration, and is refused while the first one lives.
    pub(super) fn join(
        &mut self,
        (identity, process): (&Identity, u64),
        close: C,
        limits: &GatewayLimits,
        now: Monotonic,
        is_dead: impl Fn(&C) -> bool,
    ) -> Result<(u64, Vec<C>), String> {
        if let Some(present) = self.cars.get(identity.as_str()) {
            let alive = present.places.iter().filter(|place| !is_dead(&place.close)).count();
            if alive > 0 && present.process != process {
                return Err(format!("{identity} is connected already; a car's UUID has to be its own"));
            }
            if alive >= limits.max_car_connections.max(1) {
                return Err(format!("{identity} has {alive} connections, and no more are allowed"));
            }
        } else if self.cars.len() >= limits.max_cars {
            return Err(format!("{} cars are connected, and no more are allowed", self.cars.len()));
        }
        self.forget_full_purses(limits, now);
        self.next_connection += 1;
        let connection = self.next_connection;
        let car: Arc<str> = identity.as_str().into();
        let full = Purse { held: 0, left: most_at_once(limits), filled_at: now };
        self.purses.entry(Arc::clone(&car)).or_insert(full);
        let fresh = || Present { number: connection, process, places: Vec::new() };
        let present = self.cars.entry(Arc::clone(&car)).or_insert_with(fresh);
        if present.process != process {
            (present.number, present.process) = (connection, process);
        }
        let replaced = present.places.extract_if(.., |place| is_dead(&place.close)).map(|place| place.close).collect();
        present.places.push(Place { connection, close });
        self.accounts.insert(connection, Account { car, number: present.number, held: 0 });
        Ok((connection, replaced))
    }

    /// The number of the car whose connection this is, the same for all of them.
    pub(super) fn car_of(&self, connection: u64) -> Option<u64> {
        self.accounts.get(&connection).map(|account| account.number)
    }

    /// What closes each connection on which a car was admitted.
    pub(super) fn lines(&self) -> impl Iterator<Item = &C> {
        self.cars.values().flat_map(|present| &present.places).map(|place| &place.close)
    }

    /// The same, car by car.
    pub(super) fn lines_by_car(&self) -> impl Iterator<Item = impl Iterator<Item = &C> + Clone> {
        self.cars.values().map(|present| present.places.iter().map(|place| &place.close))
    }

    /// Whether a car of this identity would be one too many.
    pub(super) fn is_full(&self, identity: &Identity, limits: &GatewayLimits) -> bool {
        self.cars.len() >= limits.max_cars && !self.cars.contains_key(identity.as_str())
    }

    /// The number of the connection that is `wanted`.
    pub(super) fn connection_of(&self, wanted: impl Fn(&C) -> bool) -> Option<u64> {
        let mut places = self.cars.values().flat_map(|present| &present.places);
        places.find(|place| wanted(&place.close)).map(|place| place.connection)
    }

    fn forget_full_purses(&mut self, limits: &GatewayLimits, now: Monotonic) {
        if self.purses.len() > self.cars.len() + IDLE_PURSES {
            let Self { cars, purses, .. } = self;
            purses.retain(|car, purse| {
                cars.contains_key(car) || purse.held > 0 || purse.left_at(now, limits) < most_at_once(limits)
            });
        }
    }

    /// How many cars are here.
    pub(super) fn cars(&self) -> usize {
        self.cars.len()
    }

    /// How many connections they have.
    pub(super) fn connections(&self) -> usize {
        self.accounts.len()
    }

    /// Frees what a connection held.
    pub(super) fn leave(&mut self, connection: u64) {
        let Some(account) = self.accounts.remove(&connection) else { return };
        if let Some(purse) = self.purses.get_mut(&account.car) {
            purse.held = purse.held.saturating_sub(account.held);
        }
        if let Some(present) = self.cars.get_mut(&account.car) {
            present.places.retain(|place| place.connection != connection);
            if present.places.is_empty() {
                self.cars.remove(&account.car);
            }
        }
    }

    /// Sets `bytes` aside for a frame that has begun to arrive.
    pub(super) fn hold(
        &mut self,
        connection: u64,
        bytes: u64,
        limits: &GatewayLimits,
        now: Monotonic,
    ) -> Result<(), Excess> {
        // A connection that has left holds nothing any more, and its frames are nobody's.
        let account = self.accounts.get_mut(&connection).ok_or(Excess::Held)?;
        let purse = self.purses.get_mut(&account.car).ok_or(Excess::Held)?;
        if purse.held.saturating_add(bytes) > limits.max_car_bytes {
            return Err(Excess::Held);
        }
        let left = purse.left_at(now, limits).checked_sub(bytes).ok_or(Excess::Rate)?;
        account.held += bytes;
        *purse = Purse { held: purse.held + bytes, left, filled_at: now };
        Ok(())
    }

    /// Gives back what [`Admission::hold`] set aside.
    pub(super) fn release(&mut self, connection: u64, bytes: u64) {
        let Some(account) = self.accounts.get_mut(&connection) else { return };
        account.held = account.held.saturating_sub(bytes);
        if let Some(purse) = self.purses.get_mut(&account.car) {
            purse.held = purse.held.saturating_sub(bytes);
        }
    }
}

/// The bucket's size: all that may be here at a time, and never less than a second's worth.
fn most_at_once(limits: &GatewayLimits) -> u64 {
    limits.max_car_bytes.max(limits.max_car_bytes_per_s)
}

impl Purse {
    fn left_at(&self, now: Monotonic, limits: &GatewayLimits) -> u64 {
        let filled = u128::from(limits.max_car_bytes_per_s) * now.saturating_since(self.filled_at).as_nanos();
        let filled = u64::try_from(filled / 1_000_000_000).unwrap_or(u64::MAX);
        self.left.saturating_add(filled).min(most_at_once(limits))
    }
}

#[cfg(test)]
mod tests;
