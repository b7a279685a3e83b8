//! What both processes do with their certificates: load them, say what is worth saying, read them again.

use std::io::ErrorKind;

use telemetry::subscribe::{Hub, NoteKind};
use transport::certs::{Credentials, date};
use transport::wire::identity::Identity;

use crate::failure::Failure;

/// Says what is not wrong with them and yet worth a word.
pub fn tell<S>(credentials: &Credentials<S>) {
    for note in credentials.notes() {
        telemetry::say!("turbo: {note}");
    }
}

/// Reads them again, and says what came of it.
pub fn renew<S>(credentials: &Credentials<S>, hub: &Hub) {
    let said = match credentials.renew() {
        Ok(facts) => {
            let (serial, end) = (facts.serial, date(facts.not_after));
            tell(credentials);
            format!("certificates: read again; new connections use number {serial}, good until {end}")
        }
        Err(error) => format!("turbo: certificates: {error}; those in force stay"),
    };
    hub.say(NoteKind::Certificates, &said);
}

/// `car/<name>/<uuid>` with a random UUID (version 4).
///
/// # Errors
/// [`Failure::Config`] for a name that is none, [`Failure::Run`] where the kernel gives no UUID.
pub fn random_identity(name: &str) -> Result<Identity, Failure> {
    const SOURCE: &str = "/proc/sys/kernel/random/uuid";
    let uuid = std::fs::read_to_string(SOURCE).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::Run(format!("{SOURCE}: {error}; is /proc mounted?")),
        _ => Failure::Run(format!("{SOURCE}: {error}")),
    })?;
    format!("car/{name}/{}", uuid.trim()).parse().map_err(Failure::config)
}
