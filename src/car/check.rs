//! What a start of the car would refuse, without a start.

use config::car::CarProfile;
use telemetry::names::Names;
use transport::certs::{Car, Credentials};

use super::models::Models;
use super::{brain, peer, sources};
use crate::failure::Failure;

/// Loads what the profile names (detector, table, photographs with their labels, certificates) and sees that it belongs
/// together; says in a few words what there is. The cloud is not sought, and nothing is asked of the machine.
///
/// # Errors
/// [`Failure::Config`], as a start would give it.
pub fn check(profile: &CarProfile) -> Result<String, Failure> {
    let Models { plan, .. } = Models::load(profile, &[], false, &Names::default())?;
    brain::check_policy(profile, &plan)?;
    let rules = profile.context.rules(&profile.services).map_err(Failure::config)?;
    let cameras = sources::open(profile, 1)?;
    let cloud = match &profile.cloud {
        None => "no cloud".to_owned(),
        Some(cloud) => {
            let tls = Credentials::<Car>::load(peer::tls_files(cloud)).map_err(Failure::config)?;
            crate::credentials::tell(&tls);
            format!("the cloud at {}, to which it is {}", cloud.address, peer::identity(cloud, &tls.facts())?)
        }
    };
    Ok(format!(
        "a car's profile: services {}, configurations {}, rules {}, {cloud}",
        cameras.len(),
        plan.entries.len(),
        rules.rules().len()
    ))
}
