//! Mutual TLS: who may speak to whom, and as whom.
//!
//! One authority signs both roles. A cloud's certificate bears the DNS name that cars ask for ([`CLOUD_NAME`] unless
//! told otherwise) and is good for servers only, a car's bears [`CAR_NAME`] and is good for clients only, so that one
//! role's certificate is no use to the other. Which car it is stands in the certificate too ([`Bearer`]). Certificates
//! are made by an [`Authority`], read and checked at run time as [`Credentials`], and read again while they are in use.

mod authority;
mod credentials;
mod dev;
mod error;
mod facts;
mod files;
mod issued;

pub use authority::Authority;
pub use credentials::{Car, Cloud, Credentials};
pub use dev::DevPki;
pub use error::CertError;
pub use facts::{Bearer, CertificateFacts, date};
pub use files::{Overwrite, TlsFiles};
pub use issued::{Issued, Subject};

/// The name in the cloud's certificate, which the car asks for.
pub const CLOUD_NAME: &str = "turbo-cloud";
/// The name in every car's certificate, which the gateway asks for.
pub const CAR_NAME: &str = "turbo-car";
/// Starts the URI in a car's certificate that says which car it is: `turbo:car/<name>/<uuid>`.
pub const IDENTITY_SCHEME: &str = "turbo:";
/// The whole URI in a certificate that any car of a fleet may show.
pub const FLEET_URI: &str = "turbo:car/*";

#[cfg(test)]
mod tests;
