//! An endpoint's certificates in force: loaded and checked at the start, read again whenever somebody asks.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rt_core::clock::UnixTime;
use s2n_quic::provider::tls::default as tls;

use super::files::{Pems, TlsFiles};
use super::{Bearer, CAR_NAME, CertError, CertificateFacts, date};
use crate::wire::ALPN;

/// Certificates that end sooner than this are worth a word, seconds.
const SOON_S: i64 = 14 * 24 * 3_600;

/// The cloud's side of [`Credentials`].
#[derive(Debug)]
pub enum Cloud {}

/// The car's side of [`Credentials`].
#[derive(Debug)]
pub enum Car {}

/// One endpoint's certificates. Clones share them: what one reads again, all use from the next handshake on, and
/// connections that stand are left alone.
///
/// ```
/// use transport::certs::{Car, Credentials, DevPki};
/// let dir = tempfile::tempdir()?;
/// let pki = DevPki::create(dir.path())?;
/// let credentials = Credentials::<Car>::load(pki.car())?;
/// assert!(credentials.renew().is_ok(), "nothing has changed");
/// std::fs::write(pki.car().certificate, "half a certificate")?;
/// assert!(credentials.renew().is_err(), "the old ones stay in force");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Credentials<S> {
    files: TlsFiles,
    in_force: Arc<Mutex<InForce>>,
    build: Build,
    /// Whether it is shown by a server.
    server: bool,
    side: PhantomData<fn(S)>,
}

type Build = fn(&Pems, &TlsFiles) -> Result<Box<dyn tls::ConfigLoader>, CertError>;

struct InForce {
    loader: Box<dyn tls::ConfigLoader>,
    facts: CertificateFacts,
    authorities: Vec<CertificateFacts>,
}

impl<S> Clone for Credentials<S> {
    fn clone(&self) -> Self {
        Self {
            files: self.files.clone(),
            in_force: Arc::clone(&self.in_force),
            build: self.build,
            server: self.server,
            side: PhantomData,
        }
    }
}

impl<S> std::fmt::Debug for Credentials<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Credentials<Cloud> {
    /// Reads and checks a gateway's files.
    ///
    /// # Errors
    /// [`CertError`]: what cannot be read, a key that others may read or that is another certificate's, and a
    /// certificate whose time is over.
    pub fn load(files: TlsFiles) -> Result<Self, CertError> {
        Self::first(files, server, true)
    }

    pub(crate) fn server(&self) -> tls::Server<Loader> {
        tls::Server::from_loader(Loader(Arc::clone(&self.in_force)))
    }
}

impl Credentials<Car> {
    /// Reads and checks a car's files.
    ///
    /// # Errors
    /// As [`Credentials::<Cloud>::load`].
    pub fn load(files: TlsFiles) -> Result<Self, CertError> {
        Self::first(files, client, false)
    }

    pub(crate) fn client(&self) -> tls::Client<Loader> {
        tls::Client::from_loader(Loader(Arc::clone(&self.in_force)))
    }
}

impl<S> Credentials<S> {
    fn first(files: TlsFiles, build: Build, server: bool) -> Result<Self, CertError> {
        let in_force = Arc::new(Mutex::new(InForce::read(&files, build)?));
        Ok(Self { files, in_force, build, server, side: PhantomData })
    }

    /// Reads the same files again, for the handshakes to come. Where anything is wrong with them, those in force stay.
    ///
    /// # Errors
    /// As at the start, and [`CertError::OtherIdentity`].
    pub fn renew(&self) -> Result<CertificateFacts, CertError> {
        let fresh = InForce::read(&self.files, self.build)?;
        let mut in_force = lock(&self.in_force);
        if let Some(expected) = in_force.facts.identity()
            && fresh.facts.identity() != Some(expected)
        {
            let found = match &fresh.facts.bearer {
                Bearer::One(other) => other.to_string(),
                Bearer::Fleet => "any car".to_owned(),
                Bearer::Nobody(reason) => format!("nobody ({reason})"),
            };
            let path = self.files.certificate.clone();
            return Err(CertError::OtherIdentity { path, found, expected: expected.clone() });
        }
        let facts = fresh.facts.clone();
        *in_force = fresh;
        Ok(facts)
    }

    /// What this endpoint's own certificate says.
    #[must_use]
    pub fn facts(&self) -> CertificateFacts {
        lock(&self.in_force).facts.clone()
    }

    /// What is not wrong and yet worth saying, a line each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let (in_force, now) = (lock(&self.in_force), UnixTime::now());
        let facts = &in_force.facts;
        let (path, ca) = (self.files.certificate.display(), self.files.ca.display());
        let mut notes = Vec::new();
        if facts.is_early(now) {
            let (from, now) = (date(facts.not_before), date(now.seconds()));
            notes.push(format!("certificate {path} is good from {from} on, and the clock says {now}: is it right?"));
        } else if facts.ends_within(now, SOON_S) {
            notes.push(format!("certificate {path} expires on {}", date(facts.not_after)));
        }
        for authority in in_force.authorities.iter().filter(|authority| authority.ends_within(now, SOON_S)) {
            let (name, end) = (&authority.subject, date(authority.not_after));
            notes.push(format!("authority {name} in {ca} expires on {end}, and what it signed is worth nothing then"));
        }
        if self.server && !facts.server {
            notes.push(format!("certificate {path} is not good for a server: every car will refuse it"));
        } else if !self.server && !facts.is_car() {
            notes.push(format!("certificate {path} is not a car's: every cloud will refuse it"));
        }
        notes
    }
}

impl InForce {
    fn read(files: &TlsFiles, build: Build) -> Result<Self, CertError> {
        let pems = Pems::read(files)?;
        let authorities = CertificateFacts::all_from_pem(&pems.ca, &files.ca)?;
        let mut own = CertificateFacts::all_from_pem(&pems.certificate, &files.certificate)?;
        let facts = own.swap_remove(0);
        let now = UnixTime::now();
        if facts.has_expired(now) {
            return Err(CertError::Expired {
                path: files.certificate.clone(),
                not_after: date(facts.not_after),
                now: date(now.seconds()),
            });
        }
        Ok(Self { loader: build(&pems, files)?, facts, authorities })
    }
}

/// Held for the time it takes to clone or replace a pointer, at a handshake or a renewal; no frame waits for it.
fn lock(in_force: &Mutex<InForce>) -> MutexGuard<'_, InForce> {
    in_force.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives each new connection what is in force then.
pub(crate) struct Loader(Arc<Mutex<InForce>>);

impl tls::ConfigLoader for Loader {
    fn load(&mut self, context: tls::ConnectionContext<'_>) -> tls::config::Config {
        lock(&self.0).loader.load(context)
    }
}

fn refused(what: &'static str, path: &Path) -> impl Fn(tls::error::Error) -> CertError {
    let path = path.to_owned();
    move |error| CertError::Refused { what, path: path.clone(), reason: error.to_string() }
}

fn own(files: &TlsFiles) -> impl Fn(tls::error::Error) -> CertError {
    let files = files.clone();
    move |error| {
        if error.name() == "S2N_ERR_KEY_MISMATCH" {
            return CertError::KeyMismatch { key: files.key.clone(), certificate: files.certificate.clone() };
        }
        refused("the private key or its certificate", &files.key)(error)
    }
}

/// Trusts only the authority, shows the car's certificate.
fn client(pems: &Pems, files: &TlsFiles) -> Result<Box<dyn tls::ConfigLoader>, CertError> {
    let built = tls::Client::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_certificate(&pems.ca))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .map_err(refused("the authority's certificate", &files.ca))?
        .with_client_identity(&pems.certificate, &pems.key)
        .and_then(tls::client::Builder::build)
        .map_err(own(files))?;
    Ok(Box::new(built))
}

/// Accepts clients whose certificate names them as cars; which car it is, the gateway asks with Hello in hand.
struct IsCar;

impl tls::callbacks::VerifyHostNameCallback for IsCar {
    fn verify_host_name(&self, name: &str) -> bool {
        name == CAR_NAME
    }
}

/// Trusts only the authority, demands a car's certificate.
fn server(pems: &Pems, files: &TlsFiles) -> Result<Box<dyn tls::ConfigLoader>, CertError> {
    let built = tls::Server::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_trusted_certificate(&pems.ca))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .and_then(tls::server::Builder::with_client_authentication)
        .and_then(|builder| builder.with_verify_host_name_callback(IsCar))
        .map_err(refused("the authority's certificate", &files.ca))?
        .with_certificate(&pems.certificate, &pems.key)
        .and_then(tls::server::Builder::build)
        .map_err(own(files))?;
    Ok(Box::new(built))
}
