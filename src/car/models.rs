//! The on-vehicle detector, the utility table and what can be sent by both: loaded, and found to belong together.

use config::Profile;
use config::car::CarProfile;
use config::table::{FileHash, LoadedModel, UtilityTable};
use inference::detector::Detector;
use telemetry::names::Names;

use super::plan::Plan;
use crate::failure::Failure;

/// What a car knows before it meets its cloud.
pub struct Models {
    /// The on-vehicle detector.
    pub detector: Detector,
    /// What each configuration costs and is worth.
    pub table: UtilityTable,
    /// The configurations that can be sent.
    pub plan: Plan,
}

impl Models {
    /// Loads them. `unknown_models` take the table's place; `tried_out` says that the command line put the detector in
    /// the place of the profile's.
    ///
    /// # Errors
    /// [`Failure::Config`], with the file and, of a table, the line.
    pub fn load(
        profile: &CarProfile,
        unknown_models: &[String],
        tried_out: bool,
        names: &Names,
    ) -> Result<Self, Failure> {
        let detector = Detector::load(&profile.vehicle.model, 1).map_err(Failure::config)?;
        for assumption in &detector.info().assumed {
            telemetry::say!("turbo: {}: {assumption}", profile.vehicle.model.display());
        }
        let table = UtilityTable::load(&profile.allocation.table).map_err(Failure::config)?;
        check_vehicle_model(profile, &table, &detector, tried_out)?;
        let plan = Plan::new(&table, unknown_models, names)?;
        Ok(Self { detector, table, plan })
    }
}

/// Whether the table was measured with the on-vehicle detector that is loaded. One that the command line puts in the
/// profile's place may be another: what the table says of it is a guess then, and is said to be.
///
/// # Errors
/// [`Failure::Config`], with the table's line.
fn check_vehicle_model(
    profile: &CarProfile,
    table: &UtilityTable,
    detector: &Detector,
    tried_out: bool,
) -> Result<(), Failure> {
    let fnv1a64 = FileHash(detector.info().fnv1a64);
    let loaded = LoadedModel { name: &table.vehicle.model, file: &profile.vehicle.model, fnv1a64 };
    match table.check_loaded(&profile.allocation.table, &loaded) {
        Err(error) if tried_out => {
            telemetry::say!("turbo: --vehicle-model: its accuracy is a guess: {error}");
            Ok(())
        }
        other => other.map_err(Failure::config),
    }
}
