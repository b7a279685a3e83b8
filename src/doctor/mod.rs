//! Whether this machine, a profile and a utility table still belong together.

mod machine;
mod rows;

use std::path::PathBuf;

use config::Profile;
use config::table::{FileHash, LoadedModel, UtilityTable};
use inference::detector::Detector;
use serde::Serialize;

use crate::any_file::AnyFile;
use crate::calibrate::NamedModel;
use crate::failure::Failure;
pub use rows::{Row, Sight};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but worse than it could.
    Warning,
    /// It does not work as the profile says.
    Failure,
    /// It could not be checked.
    Skipped,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Of what.
    pub check: String,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, and what would be better.
    pub says: String,
}

impl Check {
    fn new(check: impl Into<String>, verdict: Verdict, says: impl Into<String>) -> Self {
        Self { check: check.into(), verdict, says: says.into() }
    }
}

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether nothing failed and no row has drifted.
    pub ok: bool,
    /// The checks, in their order.
    pub checks: Vec<Check>,
    /// The table's rows as measured here.
    pub rows: Vec<Row>,
}

/// What to look at.
pub struct Patient<'a> {
    /// The profile.
    pub profile: Option<&'a AnyFile>,
    /// The table's file.
    pub table: Option<PathBuf>,
    /// Detectors of the cloud beside those of the profile.
    pub cloud_models: &'a [NamedModel],
    /// What the rows are measured on.
    pub sight: Sight,
}

/// Checks everything.
///
/// # Errors
/// [`Failure::Config`] for a table or model that cannot be read at all; what is merely wrong is in the report.
pub fn examine(patient: &Patient<'_>) -> Result<Report, Failure> {
    let mut report = Report { checks: machine::checks(patient.profile)?, ..Report::default() };
    if let Some(path) = &patient.table {
        let table = UtilityTable::load(path).map_err(Failure::config)?;
        let known = table.models.as_deref().unwrap_or_default();
        if known.is_empty() {
            let says = "it names no models, so any may be its own; `turbo calibrate` writes one that does";
            report.checks.push(Check::new("table", Verdict::Warning, says));
        }
        let mut detectors = Vec::new();
        for (model, vehicle) in models(patient, &table) {
            // As each runs where it is used.
            let threads = match patient.profile {
                Some(AnyFile::Cloud(cloud)) if !vehicle => cloud.threads_per_worker as usize,
                _ => 1,
            };
            let detector = Detector::load(&model.file, threads).map_err(Failure::config)?;
            let fnv1a64 = FileHash(detector.info().fnv1a64);
            let loaded = LoadedModel { name: &model.name, file: &model.file, fnv1a64 };
            let check = format!("model {}", model.name);
            report.checks.push(match table.check_loaded(path, &loaded) {
                Err(error) => Check::new(check, Verdict::Failure, error.to_string()),
                Ok(()) if known.is_empty() => Check::new(check, Verdict::Skipped, format!("its hash is {fnv1a64}")),
                Ok(()) => {
                    Check::new(check, Verdict::Ok, format!("the one that the table was measured with ({fnv1a64})"))
                }
            });
            detectors.push((model, vehicle, detector));
        }
        match rows::measured(&table, detectors, &patient.sight)? {
            Ok(rows) => report.rows = rows,
            Err(why) => report.checks.push(Check::new("rows", Verdict::Skipped, why)),
        }
        let drifted = report.rows.iter().filter(|row| row.drifted).count();
        if !report.rows.is_empty() {
            let verdict = if drifted == 0 { Verdict::Ok } else { Verdict::Warning };
            let says = format!("{drifted} of {} numbers measured here are not what the table says", report.rows.len());
            report.checks.push(Check::new("rows", verdict, says));
        }
    }
    let failed = report.checks.iter().any(|check| check.verdict == Verdict::Failure);
    report.ok = !failed && !report.rows.iter().any(|row| row.drifted);
    Ok(report)
}

/// The models at hand, and whether each is the on-vehicle detector.
fn models(patient: &Patient<'_>, table: &UtilityTable) -> Vec<(NamedModel, bool)> {
    let mut models = Vec::new();
    match patient.profile {
        Some(AnyFile::Car(car)) => {
            let vehicle = NamedModel { name: table.vehicle.model.clone(), file: car.vehicle.model.clone() };
            models.push((vehicle, true));
        }
        Some(AnyFile::Cloud(cloud)) => {
            let named =
                |model: &config::cloud::ModelFile| NamedModel { name: model.name.clone(), file: model.file.clone() };
            models.extend(cloud.models.iter().map(|model| (named(model), false)));
        }
        None | Some(AnyFile::Table(_)) => {}
    }
    models.extend(patient.cloud_models.iter().map(|model| (model.clone(), false)));
    models
}
