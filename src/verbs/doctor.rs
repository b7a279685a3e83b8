//! `turbo doctor`: whether machine, profile and utility table still belong together.

use std::path::{Path, PathBuf};

use super::calibrate::model;
use crate::any_file::AnyFile;
use crate::calibrate::NamedModel;
use crate::doctor::{Patient, Report, Sight, Verdict, examine};
use crate::failure::Failure;
use crate::quantities;

/// Check this machine, a profile and its utility table: clock, memory, core map, models by hash, sizes and times.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n\
    \x20 turbo doctor --profile config/demo-car.yaml\n\
    \x20 turbo doctor --profile config/demo-cloud.yaml --table config/tables/demo.yaml --json\n\
    Exit code 1 where something fails or a number of the table has drifted: sizes by more than a factor of 1.5, times \
    by more than a factor of 2.")]
pub struct DoctorArgs {
    /// A car's or a cloud's profile (YAML).
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Utility table; without it, that of a car's profile.
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// A detector of the cloud (ONNX) and its name, beside those of the profile; give it once for each.
    #[arg(long = "cloud-model", value_name = "[NAME=]FILE", value_parser = model)]
    pub cloud_models: Vec<NamedModel>,
    /// Photographs to measure on, in place of images as those that the table was measured on.
    #[arg(long, value_name = "DIR")]
    pub images: Option<PathBuf>,
    /// How many images to measure on.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = quantities::whole::<u32>("number of images", 1..=10_000, "8"))]
    pub scenes: u32,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Checks and prints.
///
/// # Errors
/// [`Failure::Config`] for a file that cannot be read, [`Failure::Run`] where something is not as it should be.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let profile = args.profile.as_deref().map(AnyFile::load).transpose()?;
    let of_profile = match &profile {
        Some(AnyFile::Car(car)) => Some(car.allocation.table.clone()),
        Some(AnyFile::Table(_)) => {
            let file = args.profile.as_deref().unwrap_or(Path::new("")).display();
            return Err(Failure::Config(format!(
                "{file} is a utility table, not a profile; give it as --table {file}"
            )));
        }
        Some(AnyFile::Cloud(_)) | None => None,
    };
    let sight = Sight { photographs: args.images.clone(), count: args.scenes };
    let table = args.table.clone().or(of_profile);
    let patient = Patient { profile: profile.as_ref(), table, cloud_models: &args.cloud_models, sight };
    let report = examine(&patient)?;
    if args.json {
        println!("{}", serde_json::to_string(&report).map_err(Failure::run)?);
    } else {
        print(&report);
    }
    if report.ok {
        return Ok(());
    }
    Err(Failure::Run("not everything is as it should be; what is not, is marked above".to_owned()))
}

fn print(report: &Report) {
    for check in &report.checks {
        let verdict = match check.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "WARNING",
            Verdict::Failure => "FAILS",
            Verdict::Skipped => "skipped",
        };
        println!("{:<18} {verdict:<8} {}", check.check, check.says);
    }
    for row in report.rows.iter().filter(|row| row.drifted) {
        println!(
            "{:<34} {:<15} {:>9.3} {}, the table says {:.3}",
            row.config, row.quantity, row.live, row.unit, row.table
        );
    }
}
