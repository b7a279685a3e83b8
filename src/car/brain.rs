//! Makes what the allocator decides by, and the ends of it that others hold.

use std::time::Duration;

use allocation::policy::PolicyName;
use config::car::CarProfile;
use config::table::UtilityTable;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox::mailbox;
use rt_core::snapshot::snapshot;
use telemetry::names::Names;
use telemetry::subscribe::Hub;

use super::attention::{Attention, AttentionInputs};
use super::control::{CarControl, Vocabulary};
use super::drift::DriftWatch;
use super::notices::NoticeTeller;
use super::observer::Observer;
use super::plan::Plan;
use super::service::MAX_PENDING;
use super::status::Status;
use super::wiring::Brain;
use crate::failure::Failure;

/// The allocator's brain and those who speak with it.
pub struct Mind {
    /// For the allocator.
    pub brain: Brain,
    /// For the collector.
    pub observer: Observer,
    /// For the main thread.
    pub notices: NoticeTeller,
    /// For the control socket.
    pub control: CarControl,
}

/// Notices that wait for the main thread, which looks ten times a second.
const NOTICES: usize = 128;

/// Makes and joins them.
///
/// # Errors
/// [`Failure::Config`] for rules that make no sense.
pub fn make(profile: &CarProfile, plan: Plan, table: &UtilityTable, names: &Names, hub: &Hub) -> Result<Mind, Failure> {
    check_policy(profile, &plan)?;
    let rules = profile.context.rules(&profile.services).map_err(Failure::config)?;
    let own_weights = profile.services.iter().map(|service| service.weight).collect();
    let vocabulary = Vocabulary {
        services: profile.services.iter().map(|service| service.name.clone()).collect(),
        rules: rules.rules().iter().map(|rule| rule.name.clone()).collect(),
        tags: rules.tags().to_vec(),
    };
    let services = profile.services.len();
    let bell = Doorbell::futex();
    let (said, drive) = mailbox();
    let (notices_in, notices_out) = rtrb::RingBuffer::new(NOTICES);
    // As many as the collector can bring at once.
    let (seen_in, seen) = rtrb::RingBuffer::new(4 * MAX_PENDING * services.max(1));
    let (status, mut readers) = snapshot(1, Status::default).map_err(Failure::run)?;
    let reader = readers.pop().ok_or_else(|| Failure::Run("the allocator's state has no reader".to_owned()))?;
    let inputs = AttentionInputs {
        drive,
        seen,
        rules,
        max_age: Duration::from_secs_f64(profile.context.max_age_s),
        recent: Duration::from_secs_f64(profile.context.recent_s),
    };
    let observer = Observer::new(&plan, seen_in);
    let drift = DriftWatch::new(&plan, table.vehicle.execution_ms_p95, names);
    let attention = Attention::new(inputs, services);
    let control = CarControl::new(vocabulary.clone(), names.clone(), (said, bell.clone()), reader);
    let notices = NoticeTeller::new(notices_out, vocabulary, names.clone(), own_weights, hub.clone());
    Ok(Mind { brain: Brain { plan, attention, drift, notices: notices_in, status, bell }, observer, notices, control })
}

/// A fixed configuration that cannot be sent would silently be none.
///
/// # Errors
/// [`Failure::Config`], with the configurations that can.
pub fn check_policy(profile: &CarProfile, plan: &Plan) -> Result<(), Failure> {
    let PolicyName::Fixed(config) = &profile.allocation.policy else { return Ok(()) };
    if plan.entries.iter().any(|entry| entry.choice.config() == config) {
        return Ok(());
    }
    let known: Vec<String> = plan.entries.iter().map(|entry| entry.choice.config().to_string()).collect();
    Err(Failure::Config(format!(
        "policy fixed:{config}: the utility table {} has no such configuration; expected one of {}",
        profile.allocation.table.display(),
        known.join(", ")
    )))
}
