//! The cars' connections: who is let in, and which silent one makes room.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rt_core::clock::Monotonic;
use s2n_quic::connection::Handle;

use super::Hub;
use super::tasks::Pending;
use crate::gateway::admission::{Opening, PeerCertificate};
use crate::gateway::peer::PeerMetrics;
use crate::wire::code;
use crate::wire::identity::Identity;

/// How a car's connection is known to be dead, and ended.
pub(super) struct Line {
    handle: Handle,
    metrics: Arc<PeerMetrics>,
}

/// A connection silent for this long may have to make room for another that is let in.
const SILENT: Duration = Duration::from_secs(5);
/// One silent for this long is ended where its car has another that is alive: a tunnel of this length costs a car with a
/// second uplink a handshake.
const LEFT_BEHIND: Duration = Duration::from_secs(20);
/// Between two looks for such.
const LOOK: Duration = Duration::from_secs(1);

impl Line {
    /// Whether it was opened with this certificate.
    fn is_of(&self, certificate: &PeerCertificate) -> bool {
        self.metrics.certificate().der == certificate.der
    }

    /// Ends it where it has been silent for `least`, once.
    fn give_up(&self, now: Monotonic, least: Duration) -> bool {
        let over = silence(now)(&self) >= least && self.metrics.give_up();
        if over {
            self.handle.close(code::REPLACED.into());
        }
        over
    }
}

/// How long nothing was heard on a line; nothing of one that has been given up already.
fn silence(now: Monotonic) -> impl Fn(&&Line) -> Duration {
    move |line| if line.metrics.is_given_up() { Duration::ZERO } else { now.saturating_since(line.metrics.heard_at()) }
}

impl Hub {
    /// A connection was opened with this certificate. One too many takes the place of the one of the same certificate that
    /// has been silent for longest, where there is one that long.
    pub(in crate::gateway) fn opened(&mut self, certificate: &PeerCertificate, now: Monotonic) -> Opening {
        let opening = self.admission.opened(certificate, &self.limits);
        if matches!(opening, Opening::Refused(_))
            && let Some(line) = self.admission.lines().filter(|line| line.is_of(certificate)).max_by_key(silence(now))
            && line.give_up(now, SILENT)
        {
            return Opening::Heard;
        }
        opening
    }

    /// Ends connections that a car has left behind: silent for long while another of the same car is alive. Looks once a
    /// second. The silent ones of a car that has no other are its way back, and stay.
    pub(in crate::gateway) fn bury_silent(&mut self, now: Monotonic) {
        if now.saturating_since(self.silent_looked_at) < LOOK {
            return;
        }
        self.silent_looked_at = now;
        for car in self.admission.lines_by_car() {
            if car.clone().any(|line| !line.metrics.is_dead(now)) {
                car.for_each(|line| {
                    line.give_up(now, LEFT_BEHIND);
                });
            }
        }
    }

    /// It ended.
    pub(in crate::gateway) fn closed(&mut self, certificate: &PeerCertificate) {
        self.admission.closed(certificate);
    }

    /// Admits a car; the number of its connection, or why it is refused.
    pub(in crate::gateway) fn join(
        &mut self,
        car: (&Identity, u64),
        connection: (Handle, Arc<PeerMetrics>),
        now: Monotonic,
    ) -> Result<u64, String> {
        let ((identity, process), (handle, metrics)) = (car, connection);
        metrics.certificate().may_be(identity, self.limits.fleet_certificates)?;
        // A full house has a place where somebody left without a word.
        if self.admission.is_full(identity, &self.limits)
            && let Some(silent) = self.admission.lines().max_by_key(silence(now))
            && silent.give_up(now, SILENT)
        {
            let connection = self.admission.connection_of(|line| Arc::ptr_eq(&line.metrics, &silent.metrics));
            connection.into_iter().for_each(|connection| self.leave(connection));
        }
        let line = Line { handle, metrics };
        let is_dead = |line: &Line| line.metrics.is_dead(now);
        let (connection, replaced) = self.admission.join((identity, process), line, &self.limits, now, is_dead)?;
        for dead in replaced {
            dead.handle.close(code::REPLACED.into());
        }
        self.count_cars();
        Ok(connection)
    }

    fn count_cars(&self) {
        self.stats.cars.store(self.admission.cars() as u64, Ordering::Relaxed);
        self.stats.connections.store(self.admission.connections() as u64, Ordering::Relaxed);
    }

    /// Closes all connections.
    pub(in crate::gateway) fn close(&self) {
        for line in self.admission.lines() {
            line.handle.close(code::DONE.into());
        }
    }

    /// Frees everything a connection held.
    pub(in crate::gateway) fn leave(&mut self, connection: u64) {
        self.admission.leave(connection);
        self.count_cars();
        let gone = |pending: &Pending| pending.connection == connection && pending.dispatched_at.is_none();
        let ids: Vec<u64> = self.pending.iter().filter(|(_, p)| gone(p)).map(|(id, _)| *id).collect();
        for id in ids {
            self.scheduler.cancel(id);
            self.pending.remove(&id);
        }
        self.count_tasks();
    }
}
