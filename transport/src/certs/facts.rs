//! What a certificate says: whose it is, what it is good for, and until when.

use std::path::Path;

use rt_core::clock::UnixTime;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{CAR_NAME, CertError, FLEET_URI, IDENTITY_SCHEME};
use crate::wire::identity::Identity;

/// Whom a car's certificate stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// This car alone.
    One(Identity),
    /// Any car: the authority leaves it to the cars who they are.
    Fleet,
    /// It does not say, or not clearly; the reason is for a person.
    Nobody(String),
}

/// What a certificate says of itself, without any check of who signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject's distinguished name, such as `CN=turbo-car`.
    pub subject: String,
    /// The issuer's.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// DNS names and URIs it is good for.
    pub names: Vec<String>,
    /// Whether it may sign others.
    pub authority: bool,
    /// Whether a server may show it.
    pub server: bool,
    /// Whether a client may show it.
    pub client: bool,
    /// First moment of its time, seconds since the Unix epoch.
    pub not_before: i64,
    /// Last moment of its time, seconds since the Unix epoch.
    pub not_after: i64,
    /// Whom it stands for, as a car's.
    pub bearer: Bearer,
}

impl CertificateFacts {
    /// Reads a certificate's DER.
    ///
    /// # Errors
    /// Where reading ended, for a person.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let mut names = Vec::new();
        if let Some(all) = certificate.subject_alternative_name().map_err(|error| error.to_string())? {
            for name in &all.value.general_names {
                match name {
                    GeneralName::DNSName(name) | GeneralName::URI(name) => names.push((*name).to_owned()),
                    _ => {}
                }
            }
        }
        let usage = certificate.extended_key_usage().map_err(|error| error.to_string())?;
        let good_for = |server: bool| {
            usage.as_ref().is_none_or(|usage| {
                usage.value.any || if server { usage.value.server_auth } else { usage.value.client_auth }
            })
        };
        Ok(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.raw_serial_as_string(),
            authority: certificate.is_ca(),
            server: good_for(true),
            client: good_for(false),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            bearer: bearer(&names),
            names,
        })
    }

    /// Reads every certificate of a PEM text; `path` is for the error alone.
    ///
    /// # Errors
    /// [`CertError::NotACertificate`], also where there is none.
    pub fn all_from_pem(text: &str, path: &Path) -> Result<Vec<Self>, CertError> {
        let fail = |reason: String| CertError::NotACertificate { path: path.to_owned(), reason };
        let mut all = Vec::new();
        for pem in x509_parser::pem::Pem::iter_from_buffer(text.as_bytes()) {
            let pem = pem.map_err(|error| fail(error.to_string()))?;
            if pem.label == "CERTIFICATE" {
                all.push(Self::from_der(&pem.contents).map_err(fail)?);
            }
        }
        if all.is_empty() { Err(fail("no PEM block of that kind is in it".to_owned())) } else { Ok(all) }
    }

    /// Reads every certificate of a PEM file.
    ///
    /// # Errors
    /// [`CertError::Read`] and [`CertError::NotACertificate`].
    pub fn read(path: &Path) -> Result<Vec<Self>, CertError> {
        Self::all_from_pem(&super::files::text("the certificate", path)?, path)
    }

    /// Whether it is a car's.
    #[must_use]
    pub fn is_car(&self) -> bool {
        self.client && self.names.iter().any(|name| name == CAR_NAME)
    }

    /// The car's identity, where it names one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match &self.bearer {
            Bearer::One(identity) => Some(identity),
            Bearer::Fleet | Bearer::Nobody(_) => None,
        }
    }

    /// Whether its time is over by the wall clock.
    #[must_use]
    pub fn has_expired(&self, now: UnixTime) -> bool {
        now.seconds() > self.not_after
    }

    /// Whether its time ends within so many seconds from now, or has ended.
    pub(super) fn ends_within(&self, now: UnixTime, seconds: i64) -> bool {
        self.not_after.saturating_sub(now.seconds()) < seconds
    }

    /// Whether its time has yet to come by the wall clock.
    #[must_use]
    pub fn is_early(&self, now: UnixTime) -> bool {
        now.seconds() < self.not_before
    }
}

fn bearer(names: &[String]) -> Bearer {
    let mut ours = names.iter().filter(|name| name.starts_with(IDENTITY_SCHEME));
    match (ours.next(), ours.next()) {
        (None, _) => Bearer::Nobody(format!("it has no URI {IDENTITY_SCHEME}car/<name>/<uuid>")),
        (Some(one), Some(other)) => Bearer::Nobody(format!("it names both {one} and {other}")),
        (Some(fleet), None) if fleet == FLEET_URI => Bearer::Fleet,
        (Some(uri), None) => match uri.strip_prefix(IDENTITY_SCHEME).unwrap_or_default().parse() {
            Ok(identity) => Bearer::One(identity),
            Err(error) => Bearer::Nobody(error.to_string()),
        },
    }
}

/// A time as `2026-11-21T11:08:58Z`.
#[must_use]
pub fn date(unix_s: i64) -> String {
    match OffsetDateTime::from_unix_timestamp(unix_s) {
        Ok(at) => {
            let (year, month, day) = at.to_calendar_date();
            let (hour, minute, second) = at.to_hms();
            format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month))
        }
        Err(_) => format!("{unix_s} s after 1970"),
    }
}
