//! Where the cloud is, and who this car is to it.

use std::net::{SocketAddr, ToSocketAddrs};

use config::car::CloudPeer;
use transport::car::Uplink;
use transport::carrier::{Carrier, CarrierChoice, Probe};
use transport::certs::{Bearer, CertificateFacts, TlsFiles};
use transport::wire::identity::Identity;

use crate::credentials::random_identity;
use crate::failure::Failure;

/// The gateway's address.
///
/// # Errors
/// [`Failure::Config`] for a name without one.
pub fn resolve(peer: &CloudPeer) -> Result<SocketAddr, Failure> {
    let wrong =
        |reason: String| Failure::Config(format!("cloud address {:?}: {reason}; expected host:port", peer.address));
    let mut found = peer.address.to_socket_addrs().map_err(|error| wrong(error.to_string()))?;
    found.next().ok_or_else(|| wrong("the name has no address".to_owned()))
}

/// What this car proves with who it is.
pub fn tls_files(peer: &CloudPeer) -> TlsFiles {
    TlsFiles { ca: peer.ca.clone(), certificate: peer.certificate.clone(), key: peer.key.clone() }
}

/// The ways to the gateway: an address of this car's each, or else the name of an interface.
pub fn uplinks(peer: &CloudPeer) -> Vec<Uplink> {
    let uplink = |text: &String| match text.parse() {
        Ok(address) => Uplink::Address(address),
        Err(_) => Uplink::Interface(text.clone()),
    };
    peer.uplinks.iter().map(uplink).collect()
}

/// What carries frames there.
pub fn carrier(peer: &CloudPeer) -> CarrierChoice {
    match peer.carrier {
        config::car::Carrier::Auto => CarrierChoice::Auto,
        config::car::Carrier::Stream => CarrierChoice::Pinned(Carrier::Stream),
        config::car::Carrier::Datagram => CarrierChoice::Pinned(Carrier::Datagram),
        config::car::Carrier::Prototype => CarrierChoice::Prototype(match peer.probe {
            config::car::Probe::None => Probe::None,
            config::car::Probe::Fill => Probe::Fill,
            config::car::Probe::Idle => Probe::Idle,
        }),
    }
}

/// Who this car is: what its certificate says, which the profile must not contradict. Only with a fleet's certificate
/// the profile decides, and a random UUID makes each process its own peer.
///
/// # Errors
/// [`Failure::Config`], with what would be right.
pub fn identity(peer: &CloudPeer, certificate: &CertificateFacts) -> Result<Identity, Failure> {
    let path = peer.certificate.display();
    match (&certificate.bearer, peer.identity.as_deref()) {
        (Bearer::One(own), None) => Ok(own.clone()),
        (Bearer::One(own), Some(said)) if said == own.name() || said == own.as_str() => Ok(own.clone()),
        (Bearer::One(own), Some(said)) => Err(Failure::Config(format!(
            "cloud identity: {said:?} is not {own}, whose certificate {path} is; leave the key out, or take the car's own"
        ))),
        (Bearer::Fleet, Some(said)) if said.contains('/') => {
            said.parse().map_err(|error| Failure::Config(format!("cloud identity: {error}")))
        }
        (Bearer::Fleet, Some(name)) => random_identity(name),
        (Bearer::Fleet, None) => Err(Failure::Config(format!(
            "cloud identity is missing: certificate {path} is a fleet's and does not say which car this is"
        ))),
        (Bearer::Nobody(reason), _) => Err(Failure::Config(format!(
            "certificate {path} does not say which car this is: {reason}; turbo certs issue makes one that does"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "car/north-1/8f14e45f-ceea-467f-a8f5-3c9d7b1a2e01";

    fn who(said: Option<&str>, bearer: Bearer) -> Result<String, String> {
        let peer = CloudPeer {
            address: "127.0.0.1:1".into(),
            uplinks: vec![],
            server_name: "turbo-cloud".into(),
            ca: "ca.pem".into(),
            certificate: "car.pem".into(),
            key: "car.key".into(),
            identity: said.map(Into::into),
            carrier: config::car::Carrier::default(),
            probe: config::car::Probe::default(),
        };
        let certificate = CertificateFacts {
            subject: String::new(),
            issuer: String::new(),
            serial: String::new(),
            names: vec![],
            authority: false,
            server: false,
            client: true,
            not_before: 0,
            not_after: 0,
            bearer,
        };
        identity(&peer, &certificate).map(|identity| identity.to_string()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_car_is_who_its_certificate_says() {
        let own = || Bearer::One(OWN.parse().expect("an identity"));
        for said in [None, Some("north-1"), Some(OWN)] {
            assert_eq!(who(said, own()), Ok(OWN.to_owned()), "{said:?}");
        }
        let wrong = who(Some("south-2"), own()).expect_err("another name");
        assert!(wrong.contains("south-2") && wrong.contains(OWN) && wrong.contains("car.pem"), "{wrong}");
    }

    #[test]
    fn with_a_fleets_certificate_the_profile_says_it() {
        assert!(who(Some("south-2"), Bearer::Fleet).is_ok_and(|identity| identity.starts_with("car/south-2/")));
        assert_ne!(who(Some("south-2"), Bearer::Fleet), who(Some("south-2"), Bearer::Fleet), "a UUID each");
        assert_eq!(who(Some(OWN), Bearer::Fleet), Ok(OWN.to_owned()));
        assert!(who(None, Bearer::Fleet).is_err_and(|error| error.contains("identity is missing")));
        assert!(who(Some("car/a"), Bearer::Fleet).is_err_and(|error| error.contains("car/<name>/<uuid>")));
        let nobody = who(Some("a"), Bearer::Nobody("no URI".into())).expect_err("nobody's");
        assert!(nobody.contains("no URI") && nobody.contains("turbo certs issue"), "{nobody}");
    }
}
