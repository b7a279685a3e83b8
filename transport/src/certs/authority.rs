//! A small authority: makes itself, keeps its key or forgets it, and signs certificates of clouds and cars.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rt_core::clock::UnixTime;
use time::{Duration, OffsetDateTime};

use super::files::{self, Overwrite, PRIVATE, PUBLIC};
use super::issued::{Issued, Subject};
use super::{CAR_NAME, CertError, CertificateFacts, FLEET_URI, IDENTITY_SCHEME, date};

/// Certificates begin that long before they are made: a car's clock may be behind.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// An authority that can sign.
///
/// ```
/// use transport::certs::{Authority, Overwrite, Subject, TlsFiles};
/// let dir = tempfile::tempdir()?;
/// let authority = Authority::create(3_650)?;
/// authority.save(dir.path(), Overwrite::Refuse)?;
/// let again = Authority::open(dir.path())?;
/// let car = Subject::Car("car/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01".parse()?);
/// let issued = again.issue(&car, Some(90))?;
/// assert_eq!(issued.facts.identity().map(|identity| identity.name()), Some("north-1"));
/// issued.write(&TlsFiles::of(dir.path(), "car"), Overwrite::Refuse)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    facts: CertificateFacts,
}

impl Authority {
    /// The certificate's file in an authority's folder.
    pub const CERTIFICATE: &str = "ca.pem";
    /// The key's.
    pub const KEY: &str = "ca.key";
    /// How long certificates are good for where nothing is said, days.
    pub const LEAF_DAYS: u32 = 365;
    /// The same for the authority itself.
    pub const OWN_DAYS: u32 = 3_650;

    /// A new authority, good for `days`; it is kept by [`Authority::save`] alone.
    ///
    /// # Errors
    /// [`CertError::Generate`].
    pub fn create(days: u32) -> Result<Self, CertError> {
        let fail = |source| CertError::Generate { name: "the authority".to_owned(), source };
        let key = KeyPair::generate().map_err(fail)?;
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(fail)?;
        params.distinguished_name.push(DnType::CommonName, "turbo development authority");
        // Two authorities must not be taken for each other while one follows the other.
        let now = clock();
        params.distinguished_name.push(DnType::OrganizationalUnitName, format!("made {}", date(now.unix_timestamp())));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now.saturating_sub(CLOCK_SKEW);
        params.not_after = now.saturating_add(Duration::days(i64::from(days)));
        let certificate = params.self_signed(&key).map_err(fail)?;
        let facts = read_back(certificate.der())?;
        Ok(Self { issuer: Issuer::new(params, key), pem: certificate.pem(), facts })
    }

    /// Opens the authority that [`Authority::save`] left in `dir`.
    ///
    /// # Errors
    /// [`CertError`]: unreadable files, a key that others may read or that is not the certificate's.
    pub fn open(dir: &Path) -> Result<Self, CertError> {
        let (certificate, key_file) = (dir.join(Self::CERTIFICATE), dir.join(Self::KEY));
        let pem = files::text("the authority's certificate", &certificate)?;
        let refused = |what, path: &Path, error: &dyn std::fmt::Display| CertError::Refused {
            what,
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let key = KeyPair::from_pem(&files::key(&key_file)?)
            .map_err(|error| refused("the authority's key", &key_file, &error))?;
        let mut all = CertificateFacts::all_from_pem(&pem, &certificate)?;
        let facts = all.swap_remove(0);
        if !facts.authority {
            return Err(refused("the authority's certificate", &certificate, &"it may not sign others"));
        }
        if !belongs(&pem, &key) {
            return Err(CertError::KeyMismatch { key: key_file, certificate });
        }
        let issuer = Issuer::from_ca_cert_pem(&pem, key)
            .map_err(|error| refused("the authority's certificate", &certificate, &error))?;
        Ok(Self { issuer, pem, facts })
    }

    /// What its certificate says.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// Writes certificate and key into `dir`, which is made where it is missing.
    ///
    /// # Errors
    /// [`CertError::Exists`], before anything is written, and [`CertError::Write`].
    pub fn save(&self, dir: &Path, overwrite: Overwrite) -> Result<(), CertError> {
        files::folder(dir)?;
        let (certificate, key) = (dir.join(Self::CERTIFICATE), dir.join(Self::KEY));
        if overwrite == Overwrite::Refuse {
            files::absent(&certificate)?;
            files::absent(&key)?;
        }
        files::write(&key, &self.issuer.key().serialize_pem(), PRIVATE, overwrite)?;
        files::write(&certificate, &self.pem, PUBLIC, overwrite)
    }

    /// Writes the certificate alone, for those who trust it, into a folder that is made where it is missing; where it
    /// is there already nothing is done.
    ///
    /// # Errors
    /// [`CertError::Write`], and [`CertError::Exists`] where another's is there.
    pub fn publish(&self, path: &Path, overwrite: Overwrite) -> Result<(), CertError> {
        if std::fs::read_to_string(path).is_ok_and(|text| text == self.pem) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            files::folder(folder)?;
        }
        files::write(path, &self.pem, PUBLIC, overwrite)
    }

    /// Signs a new key of `subject`, good for `days`; without a number for [`Authority::LEAF_DAYS`] or as long as the
    /// authority itself.
    ///
    /// # Errors
    /// [`CertError::Outlives`] and [`CertError::Generate`].
    pub fn issue(&self, subject: &Subject, days: Option<u32>) -> Result<Issued, CertError> {
        let fail = |source| CertError::Generate { name: subject.to_string(), source };
        let now = clock();
        let wanted = now.saturating_add(Duration::days(i64::from(days.unwrap_or(Self::LEAF_DAYS))));
        let end = OffsetDateTime::from_unix_timestamp(self.facts.not_after).unwrap_or(wanted);
        if let Some(days) = days
            && wanted > end
        {
            return Err(CertError::Outlives { days, not_after: date(self.facts.not_after) });
        }
        self.sign(subject, now.saturating_sub(CLOCK_SKEW), wanted.min(end)).map_err(fail)?
    }

    /// What the generator refuses is the outer error.
    fn sign(
        &self,
        subject: &Subject,
        not_before: OffsetDateTime,
        not_after: OffsetDateTime,
    ) -> Result<Result<Issued, CertError>, rcgen::Error> {
        let key = KeyPair::generate()?;
        let (name, usage, uri) = match subject {
            Subject::Cloud { name } => (name.as_str(), ExtendedKeyUsagePurpose::ServerAuth, None),
            Subject::Car(identity) => {
                (CAR_NAME, ExtendedKeyUsagePurpose::ClientAuth, Some(format!("{IDENTITY_SCHEME}{identity}")))
            }
            Subject::Fleet => (CAR_NAME, ExtendedKeyUsagePurpose::ClientAuth, Some(FLEET_URI.to_owned())),
        };
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        if let Some(uri) = uri {
            params.subject_alt_names.push(SanType::URI(uri.try_into()?));
        }
        let common_name = match subject {
            Subject::Car(identity) => identity.name(),
            Subject::Cloud { .. } | Subject::Fleet => name,
        };
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (not_before, not_after);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(read_back(certificate.der()).map(|facts| Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            facts,
        }))
    }

    /// The same for a time that is stated, seconds since the Unix epoch; also for one that is over or has yet to come.
    ///
    /// # Errors
    /// [`CertError::Generate`].
    pub fn issue_between(&self, subject: &Subject, not_before: i64, not_after: i64) -> Result<Issued, CertError> {
        let fail = |source| CertError::Generate { name: subject.to_string(), source };
        let at = |unix_s| OffsetDateTime::from_unix_timestamp(unix_s).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        self.sign(subject, at(not_before), at(not_after)).map_err(fail)?
    }
}

fn clock() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(UnixTime::now().seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn read_back(der: &[u8]) -> Result<CertificateFacts, CertError> {
    CertificateFacts::from_der(der)
        .map_err(|reason| CertError::NotACertificate { path: "the new certificate".into(), reason })
}

fn belongs(pem: &str, key: &KeyPair) -> bool {
    use x509_parser::prelude::{FromDer, X509Certificate};
    x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).next().and_then(Result::ok).is_some_and(|pem| {
        X509Certificate::from_der(&pem.contents)
            .is_ok_and(|(_, certificate)| certificate.public_key().subject_public_key.data == key.public_key_raw())
    })
}
