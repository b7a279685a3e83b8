//! What can be wrong with certificates and keys.

use std::path::PathBuf;

use crate::wire::identity::Identity;

/// Why certificates could not be made, loaded or read again.
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
    /// A file that would be written is there already.
    #[error("{path} exists already and is not overwritten; name another folder, or ask for it to be replaced")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner may read a private key.
    #[error("private key {path} has mode {mode:04o}: others can read or change it; chmod {right:04o} {path}")]
    LooseKey {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The same without those of group and others.
        right: u32,
    },
    /// A certificate could not be generated.
    #[error("cannot make the certificate of {name}: {source}")]
    Generate {
        /// Whose it is.
        name: String,
        /// The generator's reason.
        source: rcgen::Error,
    },
    /// A file holds no certificate that can be read.
    #[error("{path} holds no certificate: {reason}; PEM is expected, with BEGIN CERTIFICATE")]
    NotACertificate {
        /// The file.
        path: PathBuf,
        /// Where reading it ended.
        reason: String,
    },
    /// A certificate's time is over.
    #[error("certificate {path} expired on {not_after}, and the clock says {now}; issue another (turbo certs issue)")]
    Expired {
        /// The file.
        path: PathBuf,
        /// Its last moment, UTC.
        not_after: String,
        /// This machine's time, UTC.
        now: String,
    },
    /// A certificate would outlive the authority that signs it.
    #[error("{days} days from now the authority has expired: it ends on {not_after}; ask for fewer, or make another")]
    Outlives {
        /// Days that were asked for.
        days: u32,
        /// The authority's last moment, UTC.
        not_after: String,
    },
    /// A key and a certificate are not a pair.
    #[error("private key {key} does not belong to certificate {certificate}")]
    KeyMismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// A certificate read again is another car's.
    #[error("certificate {path} is now that of {found}; this car is {expected} for as long as it runs")]
    OtherIdentity {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it was at the start.
        expected: Identity,
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
