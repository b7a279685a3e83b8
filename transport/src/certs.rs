//! Mutual TLS: a small PKI for development, and the loading of certificates at run time.
//!
//! The two roles carry different names in their certificates ([`CLOUD_NAME`], [`CAR_NAME`]), and each side checks the
//! other's, so that one role's certificate is no good for the other.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use s2n_quic::provider::tls::default as tls;

use crate::wire::ALPN;

/// The name in the cloud's certificate, which the car asks for.
pub const CLOUD_NAME: &str = "turbo-cloud";
/// The name in every car's certificate, which the gateway asks for.
pub const CAR_NAME: &str = "turbo-car";

/// The three PEM files one endpoint needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority whose peers are trusted.
    pub ca: PathBuf,
    /// This endpoint's certificate chain.
    pub certificate: PathBuf,
    /// This endpoint's private key.
    pub key: PathBuf,
}

/// Why certificates could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// A file could not be read.
    #[error("cannot read {what} {path}: {source}")]
    Read {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A certificate could not be generated.
    #[error("cannot make the certificate of {name}: {source}")]
    Generate {
        /// Whose it is.
        name: &'static str,
        /// The generator's reason.
        source: rcgen::Error,
    },
    /// The TLS library refuses what a file holds.
    #[error("{what} {path} is refused: {reason}; it has to be PEM, and a key has to belong to its certificate")]
    Refused {
        /// What the file is for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The library's reason.
        reason: String,
    },
}

/// A development PKI on disk: one authority, one cloud, one car.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// let pki = transport::certs::DevPki::create(dir.path())?;
/// assert!(pki.cloud().certificate.is_file() && pki.car().key.is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevPki {
    dir: PathBuf,
}

impl DevPki {
    /// Makes `ca.pem`, `cloud.pem`, `cloud.key`, `car.pem` and `car.key` in `dir`, which is created where it is
    /// missing; the authority's key is forgotten, so nothing more can be issued.
    ///
    /// # Errors
    /// [`CertError::Write`] and [`CertError::Generate`].
    pub fn create(dir: &Path) -> Result<Self, CertError> {
        std::fs::create_dir_all(dir).map_err(|source| CertError::Write { path: dir.to_owned(), source })?;
        let pki = Self { dir: dir.to_owned() };
        let (ca, issuer) = authority().map_err(|source| CertError::Generate { name: "the authority", source })?;
        write(&dir.join("ca.pem"), ca.as_bytes(), 0o644)?;
        for (name, files) in [(CLOUD_NAME, pki.cloud()), (CAR_NAME, pki.car())] {
            let (certificate, key) = leaf(name, &issuer).map_err(|source| CertError::Generate { name, source })?;
            write(&files.certificate, certificate.as_bytes(), 0o644)?;
            write(&files.key, key.as_bytes(), 0o600)?;
        }
        Ok(pki)
    }

    /// The files the gateway needs.
    #[must_use]
    pub fn cloud(&self) -> TlsFiles {
        self.files("cloud")
    }

    /// The files a car needs.
    #[must_use]
    pub fn car(&self) -> TlsFiles {
        self.files("car")
    }

    fn files(&self, role: &str) -> TlsFiles {
        TlsFiles {
            ca: self.dir.join("ca.pem"),
            certificate: self.dir.join(format!("{role}.pem")),
            key: self.dir.join(format!("{role}.key")),
        }
    }
}

fn authority() -> Result<(String, Issuer<'static, KeyPair>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, "turbo development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), Issuer::new(params, key)))
}

fn leaf(name: &str, issuer: &Issuer<'_, KeyPair>) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![if name == CLOUD_NAME {
        ExtendedKeyUsagePurpose::ServerAuth
    } else {
        ExtendedKeyUsagePurpose::ClientAuth
    }];
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The mode is given at creation, so that a key is at no moment readable by others.
fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CertError> {
    let fail = |source| CertError::Write { path: path.to_owned(), source };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(fail)?;
    file.write_all(bytes).map_err(fail)
}

struct Pems {
    ca: String,
    certificate: String,
    key: String,
}

fn read(files: &TlsFiles) -> Result<Pems, CertError> {
    let text = |what, path: &Path| {
        std::fs::read_to_string(path).map_err(|source| CertError::Read { what, path: path.to_owned(), source })
    };
    Ok(Pems {
        ca: text("the authority's certificate", &files.ca)?,
        certificate: text("the certificate", &files.certificate)?,
        key: text("the private key", &files.key)?,
    })
}

fn refused(what: &'static str, path: &Path) -> impl Fn(tls::error::Error) -> CertError {
    let path = path.to_owned();
    move |error| CertError::Refused { what, path: path.clone(), reason: error.to_string() }
}

/// The car's side: trusts only the authority, shows its certificate.
pub(crate) fn client(files: &TlsFiles) -> Result<tls::Client, CertError> {
    let pems = read(files)?;
    let ca = refused("the authority's certificate", &files.ca);
    let own = refused("the private key or its certificate", &files.key);
    tls::Client::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_certificate(&pems.ca))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .map_err(ca)?
        .with_client_identity(&pems.certificate, &pems.key)
        .and_then(tls::client::Builder::build)
        .map_err(own)
}

/// Accepts clients whose certificate names them as cars.
struct IsCar;

impl tls::callbacks::VerifyHostNameCallback for IsCar {
    fn verify_host_name(&self, name: &str) -> bool {
        name == CAR_NAME
    }
}

/// The gateway's side: trusts only the authority, demands a car's certificate.
pub(crate) fn server(files: &TlsFiles) -> Result<tls::Server, CertError> {
    let pems = read(files)?;
    let ca = refused("the authority's certificate", &files.ca);
    let own = refused("the private key or its certificate", &files.key);
    tls::Server::builder()
        .with_empty_trust_store()
        .and_then(|builder| builder.with_trusted_certificate(&pems.ca))
        .and_then(|builder| builder.with_application_protocols([ALPN]))
        .and_then(tls::server::Builder::with_client_authentication)
        .and_then(|builder| builder.with_verify_host_name_callback(IsCar))
        .map_err(ca)?
        .with_certificate(&pems.certificate, &pems.key)
        .and_then(tls::server::Builder::build)
        .map_err(own)
}
