//! What an authority is asked for, and what it gives.

use super::files::{self, Overwrite, PRIVATE, PUBLIC, TlsFiles};
use super::{CertError, CertificateFacts};
use crate::wire::identity::Identity;

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A gateway, by the DNS name that cars ask for.
    Cloud {
        /// That name.
        name: String,
    },
    /// One car.
    Car(Identity),
    /// Any car of a fleet: who they are is left to them, so gateways take it only where they are told to.
    Fleet,
}

impl Subject {
    /// What the files are called: `cloud` or `car`.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Cloud { .. } => "cloud",
            Self::Car(_) | Self::Fleet => "car",
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cloud { name } => write!(f, "cloud {name}"),
            Self::Car(identity) => write!(f, "{identity}"),
            Self::Fleet => f.write_str("any car"),
        }
    }
}

/// A certificate and its key, PEM, not yet on disk.
pub struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
    /// What the certificate says.
    pub facts: CertificateFacts,
}

impl Issued {
    /// Says so where one of the files is there already.
    ///
    /// # Errors
    /// [`CertError::Exists`].
    pub fn check_absent(&self, files: &TlsFiles) -> Result<(), CertError> {
        files::absent(&files.key)?;
        files::absent(&files.certificate)
    }

    /// Writes both; the key first and for its owner alone, so that a certificate never stands without its key.
    ///
    /// # Errors
    /// [`CertError::Exists`], before anything is written, and [`CertError::Write`].
    pub fn write(&self, files: &TlsFiles, overwrite: Overwrite) -> Result<(), CertError> {
        if overwrite == Overwrite::Refuse {
            self.check_absent(files)?;
        }
        files::write(&files.key, &self.key, PRIVATE, overwrite)?;
        files::write(&files.certificate, &self.certificate, PUBLIC, overwrite)
    }
}
