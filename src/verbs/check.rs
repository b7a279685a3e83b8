//! `turbo check`: whether files are right, without a start.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::any_file::AnyFile;
use crate::failure::Failure;
use crate::{car, cloud};

/// Check car profiles, cloud profiles and utility tables, with the models, photographs and certificates they name.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo check config/car.yaml config/cloud.yaml config/tables/demo.yaml\n\n\
    Says of every file what a start would say of it. Exit code 78 where one is refused. What a profile asks of the \
    machine it will run on, `turbo doctor` looks at.")]
pub struct CheckArgs {
    /// YAML files; what each of them is shows by its keys.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What a file came to.
#[derive(Serialize)]
struct Checked {
    file: String,
    ok: bool,
    says: String,
}

/// Checks all of them and prints what they are, or what is wrong with them.
///
/// # Errors
/// [`Failure::Config`] where one is refused.
pub fn run(args: &CheckArgs) -> Result<(), Failure> {
    let checked: Vec<Checked> = args.files.iter().map(|file| checked(file)).collect();
    if args.json {
        println!("{}", serde_json::json!({ "files": checked }));
    } else {
        for one in &checked {
            if one.ok {
                println!("{}: {}", one.file, one.says);
            } else {
                // Says itself which file it is about: a profile's fault may be in its table.
                eprintln!("turbo: {}", one.says);
            }
        }
    }
    let refused: Vec<&str> = checked.iter().filter(|one| !one.ok).map(|one| one.file.as_str()).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::Config(format!("{} of {} files refused: {}", refused.len(), checked.len(), refused.join(", "))))
}

fn checked(path: &Path) -> Checked {
    let file = path.display().to_string();
    match check(path) {
        Ok(says) => Checked { file, ok: true, says },
        Err(failure) => Checked { file, ok: false, says: failure.to_string() },
    }
}

fn check(path: &Path) -> Result<String, Failure> {
    match AnyFile::load(path)? {
        AnyFile::Car(profile) => car::check(&profile),
        AnyFile::Cloud(profile) => cloud::check(&profile),
        AnyFile::Table(table) => {
            for entry in table.entries.iter() {
                entry.choice().map_err(Failure::config)?;
            }
            let (entries, floor) = (table.entries.len(), &table.vehicle);
            Ok(format!("a utility table: configurations {entries}, beside {} on the vehicle", floor.model))
        }
    }
}
