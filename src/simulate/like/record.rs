//! What a run's directory says of how it was made.

use std::path::{Path, PathBuf};

use config::Profile;
use config::car::CarProfile;
use config::table::UtilityTable;
use serde::Deserialize;

use crate::car::TABLE_FILE;
use crate::emulated::{EmulatedLink, FLAG};
use crate::failure::Failure;

/// How a run was made.
pub struct Record {
    pub car: CarProfile,
    pub table: UtilityTable,
    pub link: EmulatedLink,
    /// The cloud's workers, where its own directory lies beside the car's.
    pub workers: Option<usize>,
    /// The cloud's directories beside the car's.
    pub clouds: Vec<PathBuf>,
}

/// Of `run.yaml`, what is asked.
#[derive(Deserialize)]
struct RunInfo {
    command: Vec<String>,
    configuration: String,
}

fn info(dir: &Path) -> Result<RunInfo, Failure> {
    let path = dir.join("run.yaml");
    let refused = |reason: String| Failure::Config(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| {
        refused(format!("cannot be read: {error}; expected the run directory of a car, such as runs/client_main_…"))
    })?;
    serde_saphyr::from_str(&text).map_err(|error| {
        refused(format!("is no run information: {}", error.to_string().lines().next().unwrap_or_default()))
    })
}

impl Record {
    /// Reads the directory of a car's run.
    ///
    /// # Errors
    /// [`Failure::Config`], with the file.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let RunInfo { command, configuration } = info(dir)?;
        let path = dir.join("run.yaml");
        let link = command.iter().skip_while(|word| *word != FLAG).nth(1).ok_or_else(|| {
            Failure::Config(format!(
                "{}: the run was not over the emulated link: its command has no {FLAG}; expected a run of `turbo demo`",
                path.display()
            ))
        })?;
        let link = serde_json::from_str(link)
            .map_err(|error| Failure::Config(format!("{}: {FLAG}: {error}", path.display())))?;
        let car = CarProfile::parse(&configuration, Path::new("configuration of run.yaml")).map_err(Failure::config)?;
        let table = UtilityTable::load(&dir.join(TABLE_FILE)).map_err(Failure::config)?;
        let clouds = clouds(dir);
        let workers = clouds.iter().find_map(|cloud| {
            let configuration: serde_json::Value = serde_json::from_str(&info(cloud).ok()?.configuration).ok()?;
            usize::try_from(configuration.get("workers")?.as_u64()?).ok()
        });
        Ok(Self { car, table, link, workers, clouds })
    }
}

/// The directories beside `dir` that a cloud's logs may be in.
fn clouds(dir: &Path) -> Vec<PathBuf> {
    let whole = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let Some(entries) = whole.parent().and_then(|parent| std::fs::read_dir(parent).ok()) else { return Vec::new() };
    let is_cloud = |path: &PathBuf| {
        path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("server_"))
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_cloud).collect();
    found.sort();
    found
}
