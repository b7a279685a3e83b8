//! The utility table: what each model configuration costs and what it is worth, and where the numbers are from.

mod loaded;
mod measured;

use std::path::Path;

use allocation::choice::{Choice, Costs};
use allocation::menu::{Menu, MenuError};
use allocation::model_config::ModelConfig;
use allocation::quantity::InvalidQuantity;
use garde::Validate;
use serde::{Deserialize, Serialize};

pub use loaded::LoadedModel;
pub use measured::{
    ClassAccuracy, FileHash, MeasuredAccuracy, MeasuredCosts, MeasuredImages, MeasuredModel, ParseFileHashError,
};

use crate::limits::{not_below, not_blank, one_line, within};
use crate::load::Profile;
use crate::text;
use crate::unique::{Keyed, Unique};

/// Largest payload a table may name: a raw 8K frame is 0.8 Gbit.
const MAX_MEGABIT: f64 = 10_000.0;
/// Smallest, a tenth of a kilobit: a payload without bits would be on time at 0 bit/s.
const MIN_MEGABIT: f64 = 0.0001;
const MAX_MS: f64 = 60_000.0;

/// A utility table, such as `config/tables/efficientdet-coco.yaml`; `turbo calibrate` writes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct UtilityTable {
    /// Where every number is from: machine, data, date or publication.
    #[garde(custom(not_blank))]
    pub provenance: String,
    /// The on-vehicle detector, the floor of every service.
    #[garde(dive)]
    pub vehicle: VehicleEntry,
    /// The models that it was measured with, each once; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub models: Option<Unique<MeasuredModel>>,
    /// The images that it was measured on; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub images: Option<MeasuredImages>,
    /// The cloud's configurations, each once.
    #[garde(dive)]
    pub entries: Unique<TableEntry>,
}

/// The on-vehicle detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct VehicleEntry {
    /// Name of its model.
    #[garde(custom(one_line))]
    pub model: String,
    /// From the frame at hand to the result, 95th percentile, 0 to 60000 ms.
    #[garde(custom(within(0.0, MAX_MS, "ms")))]
    pub execution_ms_p95: f64,
    /// Expected accuracy, 0 to 1, in the measure that `provenance` names.
    #[garde(custom(within(0.0, 1.0, "")))]
    pub accuracy: f64,
    /// The accuracy by class, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub measured: Option<MeasuredAccuracy>,
}

/// One configuration of the cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// `<model>-imgcomp{X}-inpcomp{Y}`.
    #[serde(with = "text")]
    #[garde(skip)]
    pub config: ModelConfig,
    /// Size of one payload, median, 0.0001 to 10000 megabit (10⁶ bits).
    #[garde(custom(within(MIN_MEGABIT, MAX_MEGABIT, "megabit")))]
    pub payload_megabit_p50: f64,
    /// 95th percentile, not below the median.
    #[garde(custom(within(MIN_MEGABIT, MAX_MEGABIT, "megabit")), custom(not_below("payload_megabit_p50", self.payload_megabit_p50)))]
    pub payload_megabit_p95: f64,
    /// Mean, which the uplink must sustain.
    #[garde(custom(within(MIN_MEGABIT, MAX_MEGABIT, "megabit")))]
    pub payload_megabit_mean: f64,
    /// On the vehicle, from the frame at hand to the payload ready to send, 95th percentile, 0 to 60000 ms.
    #[garde(custom(within(0.0, MAX_MS, "ms")))]
    pub encode_ms_p95: f64,
    /// On the cloud, from the payload received to the result ready to send, median, 0 to 60000 ms.
    #[garde(custom(within(0.0, MAX_MS, "ms")))]
    pub execution_ms_p50: f64,
    /// 95th percentile, not below the median.
    #[garde(custom(within(0.0, MAX_MS, "ms")), custom(not_below("execution_ms_p50", self.execution_ms_p50)))]
    pub execution_ms_p95: f64,
    /// Expected accuracy, 0 to 1, in the measure that `provenance` names.
    #[garde(custom(within(0.0, 1.0, "")))]
    pub accuracy: f64,
    /// The costs in more detail, where they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub costs: Option<MeasuredCosts>,
    /// The accuracy by class, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub measured: Option<MeasuredAccuracy>,
}

/// Why a table gives no menu, or no file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TableError {
    /// A model that is loaded has no entry.
    #[error(
        "the utility table has no entry for the cloud model {model:?}; it has {known}: use the table of the models that are loaded, or `turbo calibrate`"
    )]
    MissingModel {
        /// The model.
        model: String,
        /// The models in the table, separated by commas.
        known: String,
    },
    /// A number that only a table made in the program can hold.
    #[error(transparent)]
    Quantity(#[from] InvalidQuantity),
    /// As [`TableError::Quantity`].
    #[error(transparent)]
    Menu(#[from] MenuError),
    /// The table cannot be written as YAML.
    #[error("the utility table cannot be written as YAML: {0}")]
    Write(String),
}

impl UtilityTable {
    /// The menu of one service whose cloud has `models` loaded; entries of other models are left out. The order is
    /// the table's.
    ///
    /// # Errors
    /// [`TableError::MissingModel`] where a loaded model has no entry.
    pub fn menu(&self, models: &[&str]) -> Result<Menu, TableError> {
        for model in models {
            if !self.entries.iter().any(|entry| entry.config.model == *model) {
                return Err(TableError::MissingModel { model: (*model).to_owned(), known: self.model_names() });
            }
        }
        if models.is_empty() {
            return Ok(Menu::on_vehicle_only());
        }
        let offered = self.entries.iter().filter(|entry| models.contains(&entry.config.model.as_str()));
        Ok(Menu::new(offered.map(TableEntry::choice).collect::<Result<_, _>>()?)?)
    }

    /// The table as YAML that [`Profile::load`] reads back the same, with a comment on every key.
    ///
    /// # Errors
    /// [`TableError::Write`] where a text cannot be written as YAML.
    pub fn to_yaml(&self) -> Result<String, TableError> {
        let body = serde_saphyr::to_string(self).map_err(|error| TableError::Write(error.to_string()))?;
        Ok(format!("{HEADER}{body}"))
    }

    fn model_names(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for entry in self.entries.iter() {
            if !names.contains(&entry.config.model.as_str()) {
                names.push(&entry.config.model);
            }
        }
        names.join(", ")
    }
}

impl TableEntry {
    /// The entry in the units of the solver.
    ///
    /// # Errors
    /// [`InvalidQuantity`] where a number is out of range, which one from a file never is.
    pub fn choice(&self) -> Result<Choice, InvalidQuantity> {
        let costs = Costs {
            payload_bits: self.payload_megabit_p95 * 1e6,
            mean_bits: self.payload_megabit_mean * 1e6,
            encode_s: self.encode_ms_p95 / 1e3,
            execution_s: self.execution_ms_p95 / 1e3,
        };
        Choice::new(self.config.clone(), costs, self.accuracy)?.with_typical_execution(self.execution_ms_p50 / 1e3)
    }
}

impl Keyed for TableEntry {
    const KEY: &'static str = "config";

    fn key(&self) -> String {
        self.config.to_string()
    }
}

impl Profile for UtilityTable {
    fn resolve_paths(&mut self, _: &Path) {}
}

const HEADER: &str = "\
# A utility table: what each model configuration costs and what it is worth.
#
# provenance            where every number is from
# vehicle               the on-vehicle detector, the floor of every service
#   model               name of its model
#   execution_ms_p95    from the frame at hand to the result, ms
#   accuracy            expected accuracy, 0 to 1, in the measure that provenance names
#   measured            of a measured table: the accuracy by class
#     ap, ap50          COCO AP (0.50:0.95) and AP at 0.50, 0 to 1
#     ap_small, ap_medium, ap_large   AP of objects of up to 32x32, up to 96x96 and more pixels; absent without such
#     classes           by class
# models                of a measured table: the models it is true of
#   name                in configurations
#   input_width, input_height   pixels
#   fnv1a64             hash of the file: FNV-1a, 64 bits
# images                of a measured table: what it was measured on
#   street_seed         seed of the synthetic street; absent for photographs
#   count, width, height   how many, and the largest sides in pixels
#   objects             how many of each class were labelled
# entries               the cloud's configurations, each once
#   config              <model>-imgcomp{X}-inpcomp{Y}
#   payload_megabit_*   size of one payload, 10^6 bits: median, 95th percentile, mean
#   encode_ms_p95       on the vehicle, from the frame at hand to the payload ready to send, ms
#   execution_ms_*      on the cloud, from the payload received to the result ready to send, ms
#   accuracy            expected accuracy, 0 to 1
#   costs               of a measured table: 99th percentile and largest payload, median encode time, decode_ms_* and
#                       inference_ms_* (parts of the execution time) on the measuring machine
#   measured            of a measured table: the accuracy by class, as the vehicle's

";
