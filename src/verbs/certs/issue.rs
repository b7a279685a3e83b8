//! Making an authority, and signing with it.

use std::path::Path;

use serde::Serialize;
use transport::certs::{Authority, CLOUD_NAME, CertificateFacts, Issued, Overwrite, Subject, TlsFiles, date};
use transport::wire::identity::Identity;

use super::{InitArgs, IssueArgs, failure};
use crate::credentials::random_identity;
use crate::failure::Failure;

/// What was made, as `--json` prints it.
#[derive(Serialize)]
struct Made<'a> {
    subject: String,
    ca: &'a Path,
    certificate: &'a Path,
    key: &'a Path,
    serial: &'a str,
    not_before: String,
    not_after: String,
}

pub(super) fn init(args: &InitArgs) -> Result<(), Failure> {
    let subject = Subject::Cloud { name: args.name.clone() };
    let authority = Authority::create(args.authority_days).map_err(failure)?;
    let issued = authority.issue(&subject, args.days).map_err(failure)?;
    let files = TlsFiles::of(&args.dir, subject.role());
    // Looked at before anything is written, so that a refusal leaves no half of it.
    issued.check_absent(&files).map_err(failure)?;
    authority.save(&args.dir, Overwrite::Refuse).map_err(failure)?;
    issued.write(&files, Overwrite::Refuse).map_err(failure)?;
    if !args.json {
        let key = args.dir.join(Authority::KEY);
        println!("authority   {}, until {}", files.ca.display(), date(authority.facts().not_after));
        println!("its key     {}: keep it off cloud and cars", key.display());
    }
    tell(&subject, &issued, &files, args.json)
}

pub(super) fn issue(args: &IssueArgs) -> Result<(), Failure> {
    let authority = Authority::open(&args.dir).map_err(failure)?;
    let overwrite = if args.replace { Overwrite::Replace } else { Overwrite::Refuse };
    let (subject, files) = subject(args)?;
    let issued = authority.issue(&subject, args.days).map_err(failure)?;
    if overwrite == Overwrite::Refuse {
        issued.check_absent(&files).map_err(failure)?;
    }
    authority.publish(&files.ca, overwrite).map_err(failure)?;
    issued.write(&files, overwrite).map_err(failure)?;
    tell(&subject, &issued, &files, args.json)
}

/// Whom it is for, and where it goes.
fn subject(args: &IssueArgs) -> Result<(Subject, TlsFiles), Failure> {
    let folder = |name: &str| match &args.out {
        Some(out) => Ok(out.clone()),
        None if name.starts_with('.') || name.contains('/') => {
            Err(Failure::Usage(format!("{name:?} is not the name of a folder; give one with --out FOLDER")))
        }
        None => Ok(args.dir.join(name)),
    };
    if let Some(car) = &args.car {
        let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("--car {car}: {error}"));
        let car = car.strip_prefix("car/").unwrap_or(car);
        if car.contains('/') {
            let identity: Identity = format!("car/{car}").parse().map_err(|error| wrong(&error))?;
            let files = TlsFiles::of(&folder(identity.name())?, "car");
            return Ok((Subject::Car(identity), files));
        }
        let fresh = random_identity(car).map_err(|error| wrong(&error))?;
        let files = TlsFiles::of(&folder(car)?, "car");
        let identity = if args.replace { known(&files, car).unwrap_or(fresh) } else { fresh };
        return Ok((Subject::Car(identity), files));
    }
    if args.fleet {
        return Ok((Subject::Fleet, TlsFiles::of(&folder("fleet")?, "car")));
    }
    let name = args.name.clone().unwrap_or_else(|| CLOUD_NAME.to_owned());
    let files = TlsFiles::of(&folder(&name)?, "cloud");
    Ok((Subject::Cloud { name }, files))
}

/// The identity in a certificate that is there, where it is a car's of that name.
fn known(files: &TlsFiles, name: &str) -> Option<Identity> {
    let all = CertificateFacts::read(&files.certificate).ok()?;
    all.first()?.identity().filter(|identity| identity.name() == name).cloned()
}

fn tell(subject: &Subject, issued: &Issued, files: &TlsFiles, json: bool) -> Result<(), Failure> {
    let facts = &issued.facts;
    let made = Made {
        subject: subject.to_string(),
        ca: &files.ca,
        certificate: &files.certificate,
        key: &files.key,
        serial: &facts.serial,
        not_before: date(facts.not_before),
        not_after: date(facts.not_after),
    };
    if json {
        println!("{}", serde_json::to_string(&made).map_err(Failure::run)?);
    } else {
        println!("certificate {} of {}, until {}", files.certificate.display(), made.subject, made.not_after);
        println!("its key     {}", files.key.display());
    }
    Ok(())
}
