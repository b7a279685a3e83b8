//! What a certificate says, for people and programs.

use rt_core::clock::UnixTime;
use serde::Serialize;
use transport::certs::{Bearer, CertificateFacts, date};

use super::{ShowArgs, failure};
use crate::failure::Failure;

/// One certificate, as `--json` prints it.
#[derive(Serialize)]
struct Shown {
    role: &'static str,
    /// A car's identity, where it has one.
    identity: Option<String>,
    names: Vec<String>,
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    expired: bool,
}

#[derive(Serialize)]
struct All {
    certificates: Vec<Shown>,
}

pub(super) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let now = UnixTime::now();
    let certificates: Vec<Shown> =
        CertificateFacts::read(&args.file).map_err(failure)?.into_iter().map(|facts| shown(facts, now)).collect();
    if args.json {
        println!("{}", serde_json::to_string(&All { certificates }).map_err(Failure::run)?);
        return Ok(());
    }
    for certificate in certificates {
        let Shown { role, identity, names, subject, issuer, serial, not_before, not_after, expired } = certificate;
        println!("role        {role}{}", identity.map(|identity| format!(", {identity}")).unwrap_or_default());
        println!("names       {}", names.join(", "));
        println!("subject     {subject}");
        println!("issuer      {issuer}");
        println!("serial      {serial}");
        println!("valid       {not_before} to {not_after}{}", if expired { " (expired)" } else { "" });
    }
    Ok(())
}

fn shown(facts: CertificateFacts, now: UnixTime) -> Shown {
    let role = match (&facts.bearer, facts.authority) {
        (_, true) => "authority",
        (Bearer::One(_), _) => "car",
        (Bearer::Fleet, _) => "fleet",
        (Bearer::Nobody(_), _) if facts.is_car() && !facts.server => "car without identity",
        (Bearer::Nobody(_), _) if facts.server => "cloud",
        (Bearer::Nobody(_), _) => "other",
    };
    Shown {
        role,
        identity: facts.identity().map(ToString::to_string),
        expired: facts.has_expired(now),
        names: facts.names,
        subject: facts.subject,
        issuer: facts.issuer,
        serial: facts.serial,
        not_before: date(facts.not_before),
        not_after: date(facts.not_after),
    }
}
