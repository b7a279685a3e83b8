//! The least PKI there is: one authority whose key is forgotten, one cloud, one car's certificate.

use std::path::{Path, PathBuf};

use super::files;
use super::{Authority, CLOUD_NAME, CertError, Overwrite, Subject, TlsFiles};
use crate::wire::identity::Identity;

/// A development PKI on disk: one authority, one cloud, one certificate for cars.
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
    /// missing; files of these names are replaced. The authority's key is forgotten, so nothing more can be issued. The
    /// car's certificate is a fleet's: any identity may show it, where the gateway takes such certificates.
    ///
    /// # Errors
    /// [`CertError::Write`] and [`CertError::Generate`].
    pub fn create(dir: &Path) -> Result<Self, CertError> {
        Self::make(dir, &Subject::Fleet)
    }

    /// The same with a certificate of this car alone.
    ///
    /// # Errors
    /// As [`DevPki::create`].
    pub fn create_for(dir: &Path, car: Identity) -> Result<Self, CertError> {
        Self::make(dir, &Subject::Car(car))
    }

    fn make(dir: &Path, car: &Subject) -> Result<Self, CertError> {
        files::folder(dir)?;
        let pki = Self { dir: dir.to_owned() };
        let authority = Authority::create(Authority::LEAF_DAYS)?;
        authority.publish(&pki.cloud().ca, Overwrite::Replace)?;
        let cloud = Subject::Cloud { name: CLOUD_NAME.to_owned() };
        for (subject, files) in [(&cloud, pki.cloud()), (car, pki.car())] {
            authority.issue(subject, None)?.write(&files, Overwrite::Replace)?;
        }
        Ok(pki)
    }

    /// The files the gateway needs.
    #[must_use]
    pub fn cloud(&self) -> TlsFiles {
        TlsFiles::of(&self.dir, "cloud")
    }

    /// The files a car needs.
    #[must_use]
    pub fn car(&self) -> TlsFiles {
        TlsFiles::of(&self.dir, "car")
    }
}
