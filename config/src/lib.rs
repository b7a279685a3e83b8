//! The YAML profiles and their typed schema.
//!
//! Every key is a field here with its unit and range; an unknown key, a value of the wrong kind and a number out of its
//! range are refused with file, line, column and what would be right ([`error::ConfigError`]). Keys carry their units
//! (`slo_ms`). Paths in a file are relative to that file and come out resolved.
//!
//! - [`car::CarProfile`]: `turbo car`
//! - [`cloud::CloudProfile`]: `turbo cloud`
//! - [`table::UtilityTable`]: what each model configuration costs and what it is worth

pub mod car;
pub mod cloud;
pub mod error;
mod limits;
mod load;
pub mod table;
mod text;
pub mod threads;
mod unique;

pub use load::{Profile, read_text};
pub use unique::{Keyed, Unique};
