//! The profile with the command line's flags laid over it.

use allocation::policy::PolicyName;
use config::Profile;
use config::Unique;
use config::car::{Camera, CarProfile, Carrier, CloudPeer, FilesCamera, Probe, ServiceConfig};
use garde::Validate;

use transport::certs::TlsFiles;

use crate::failure::Failure;
use crate::verbs::car::{CarArgs, Tuning};

/// Loads the profile and applies the flags.
///
/// # Errors
/// [`Failure::Config`] for the profile, [`Failure::Usage`] for flags it cannot take.
pub fn profile(args: &CarArgs) -> Result<CarProfile, Failure> {
    let mut profile = CarProfile::load(&args.config).map_err(Failure::config)?;
    let tuning = &args.tuning;
    let mut services: Vec<ServiceConfig> = profile.services.iter().cloned().collect();
    if let Some(count) = tuning.services {
        let last = services.last().cloned().ok_or_else(|| Failure::Config("no services".to_owned()))?;
        services.truncate(count);
        for number in services.len() + 1..=count {
            services.push(ServiceConfig { name: format!("{}-{number}", last.name), ..last.clone() });
        }
    }
    for service in &mut services {
        if let Some(fps) = tuning.fps {
            service.fps = fps;
        }
        if let Some(slo) = tuning.slo {
            service.slo_ms = slo.as_secs_f64() * 1e3;
        }
        if let Some(dir) = &tuning.frames {
            service.camera = Camera::Files(FilesCamera { dir: dir.clone(), labels: tuning.labels.clone() });
        }
    }
    if tuning.labels.is_some() && tuning.frames.is_none() {
        return Err(Failure::Usage("--labels labels the photographs of --frames DIR, which is missing".to_owned()));
    }
    profile.context.keep_only(&services);
    profile.services = Unique::new(services).map_err(|report| Failure::Usage(report.to_string()))?;
    if let Some(policy) = &tuning.policy {
        profile.allocation.policy = policy.parse().map_err(|error| Failure::Usage(format!("--policy: {error}")))?;
        if profile.allocation.policy == PolicyName::Oracle {
            return Err(Failure::Usage(format!(
                "--policy {policy}: it knows the future, and runs in turbo simulate alone"
            )));
        }
    }
    if let Some(table) = &args.table {
        profile.allocation.table.clone_from(table);
    }
    if let Some(model) = &tuning.vehicle_model {
        profile.vehicle.model.clone_from(model);
    }
    if let Some(path) = &tuning.control {
        profile.control = Some(path.clone());
    }
    if let Some(dir) = &tuning.output_dir {
        profile.run.output_dir.clone_from(dir);
    }
    if tuning.no_logs {
        profile.run.log_nothing();
    }
    if let Some(dir) = &args.certs {
        let files = TlsFiles::of(dir, "car");
        let peer = profile.cloud.get_or_insert_with(|| CloudPeer {
            address: String::new(),
            uplinks: Vec::new(),
            server_name: transport::certs::CLOUD_NAME.to_owned(),
            ca: files.ca.clone(),
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            identity: None,
            carrier: Carrier::default(),
            probe: Probe::default(),
        });
        TlsFiles { ca: peer.ca, certificate: peer.certificate, key: peer.key } = files;
    }
    match (&args.cloud, &mut profile.cloud) {
        (Some(address), Some(peer)) => peer.address = address.to_string(),
        (Some(_), None) => {
            return Err(Failure::Usage("--cloud needs certificates: give --certs DIR or a cloud block".to_owned()));
        }
        _ => {}
    }
    discipline(tuning, &mut profile)?;
    profile.validate().map_err(|report| Failure::Usage(report.to_string().trim().to_owned()))?;
    Ok(profile)
}

/// How frames are carried: the prototype's policy is the prototype as a whole, unless its carrier is named as another.
fn discipline(tuning: &Tuning, profile: &mut CarProfile) -> Result<(), Failure> {
    let whole = tuning.policy.is_some() && profile.allocation.policy == PolicyName::Prototype;
    let carrier = tuning.carrier.or(whole.then_some(Carrier::Prototype));
    match &mut profile.cloud {
        Some(peer) => {
            peer.carrier = carrier.unwrap_or(peer.carrier);
            peer.probe = tuning.probe.unwrap_or(peer.probe);
            Ok(())
        }
        // A policy alone means something without a cloud: nothing to divide.
        None if tuning.carrier.is_none() && tuning.probe.is_none() => Ok(()),
        None => Err(Failure::Usage("--carrier and --probe need a cloud: give --certs DIR or a cloud block".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: CarArgs,
    }

    fn cloud(flags: &[&str]) -> Result<(PolicyName, Carrier, Probe), String> {
        let car = concat!(env!("CARGO_MANIFEST_DIR"), "/config/car.yaml");
        let line = Line::try_parse_from(["car", car].iter().chain(flags)).map_err(|error| error.to_string())?;
        let again = Line::try_parse_from(["car".into(), car.into()].into_iter().chain(line.args.tuning.to_flags()));
        let profile = profile(&line.args).map_err(|failure| failure.to_string())?;
        let handed = super::profile(&again.expect("what is handed through parses").args).expect("as before");
        assert_eq!(handed, profile, "as a child process gets it");
        let peer = profile.cloud.expect("a cloud");
        Ok((profile.allocation.policy, peer.carrier, peer.probe))
    }

    #[test]
    fn the_prototypes_policy_brings_the_prototypes_carrier() {
        use PolicyName::{Prototype, Turbo};
        assert_eq!(cloud(&[]), Ok((Turbo, Carrier::Auto, Probe::None)));
        assert_eq!(cloud(&["--policy", "prototype"]), Ok((Prototype, Carrier::Prototype, Probe::None)));
        let probing = cloud(&["--policy", "prototype", "--probe", "fill"]);
        assert_eq!(probing, Ok((Prototype, Carrier::Prototype, Probe::Fill)));
        let half = cloud(&["--policy", "prototype", "--carrier", "auto"]);
        assert_eq!(half, Ok((Prototype, Carrier::Auto, Probe::None)));
        let other_half = cloud(&["--carrier", "prototype"]);
        assert_eq!(other_half, Ok((Turbo, Carrier::Prototype, Probe::None)));
    }

    #[test]
    fn no_logs_means_none_of_any_kind() {
        let run = |flags: &[&str]| {
            let car = concat!(env!("CARGO_MANIFEST_DIR"), "/config/car.yaml");
            let line = Line::try_parse_from(["car", car].iter().chain(flags)).expect("the line parses");
            profile(&line.args).expect("the profile is right").run
        };
        let (with, without) = (run(&[]), run(&["--no-logs"]));
        assert!(with.client_queries && with.event_log_quota_mib > 0);
        let said = serde_json::to_string(&without).expect("a profile is text");
        assert!(!said.contains("true") && said.contains("\"event_log_quota_mib\":0"), "{said}");
        assert!(said.contains("\"save_frames\":\"none\""), "{said}");
        assert!(cloud(&["--no-logs"]).is_ok());
    }

    #[test]
    fn what_cannot_be_is_said() {
        let said = cloud(&["--probe", "fill"]).expect_err("turbo sends no probe");
        assert!(said.contains("carrier: prototype"), "{said}");
        let said = cloud(&["--carrier", "pigeon"]).expect_err("no carrier");
        assert!(said.contains("auto, stream, datagram or prototype"), "{said}");
    }
}
