//! A YAML file of any of the three kinds, told apart by its keys.

use std::path::Path;

use config::Profile;
use config::car::CarProfile;
use config::cloud::CloudProfile;
use config::table::UtilityTable;

use crate::failure::Failure;

/// A car's profile, a cloud's, or a utility table.
pub enum AnyFile {
    /// A car's profile.
    Car(Box<CarProfile>),
    /// A cloud's profile.
    Cloud(Box<CloudProfile>),
    /// A utility table.
    Table(Box<UtilityTable>),
}

impl AnyFile {
    /// Reads the file at `path`. What it is shows by the key that only its kind has; one that has none is taken for a
    /// car's profile, and what that lacks is said.
    ///
    /// # Errors
    /// [`Failure::Config`] with line and column.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = config::read_text(path).map_err(Failure::config)?;
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        if has("listen:") {
            CloudProfile::parse(&text, path).map(|profile| Self::Cloud(Box::new(profile)))
        } else if has("entries:") {
            UtilityTable::parse(&text, path).map(|table| Self::Table(Box::new(table)))
        } else {
            CarProfile::parse(&text, path).map(|profile| Self::Car(Box::new(profile)))
        }
        .map_err(Failure::config)
    }
}
