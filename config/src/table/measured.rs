//! What a measured table says beyond what the solver needs: on which models and images, and how each number came about.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{MAX_MEGABIT, MAX_MS, MIN_MEGABIT};
use crate::limits::{not_below, one_line, within, within_if_given};
use crate::text;
use crate::unique::Keyed;

/// FNV-1a, 64 bits, of a file; 16 hexadecimal digits in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHash(pub u64);

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is no hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no hash; expected 16 hexadecimal digits (FNV-1a of the model's file)")]
pub struct ParseFileHashError(String);

impl FromStr for FileHash {
    type Err = ParseFileHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        value.map(Self).ok_or_else(|| ParseFileHashError(text.to_owned()))
    }
}

/// A model that the table was measured with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct MeasuredModel {
    /// Its name in configurations.
    #[garde(custom(one_line))]
    pub name: String,
    /// Width of its input, 1 to 65535 pixels.
    #[garde(custom(within(1.0, 65_535.0, "pixels")))]
    pub input_width: u32,
    /// Height of its input, 1 to 65535 pixels.
    #[garde(custom(within(1.0, 65_535.0, "pixels")))]
    pub input_height: u32,
    /// Hash of its file.
    #[serde(with = "text")]
    #[garde(skip)]
    pub fnv1a64: FileHash,
}

impl Keyed for MeasuredModel {
    const KEY: &'static str = "name";

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// The images that a table was measured on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct MeasuredImages {
    /// Seed of the synthetic street; absent for photographs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub street_seed: Option<u64>,
    /// How many.
    #[garde(custom(within(1.0, 1e9, "images")))]
    pub count: u32,
    /// Width of the largest, 1 to 65535 pixels.
    #[garde(custom(within(1.0, 65_535.0, "pixels")))]
    pub width: u32,
    /// Height of the largest, 1 to 65535 pixels.
    #[garde(custom(within(1.0, 65_535.0, "pixels")))]
    pub height: u32,
    /// How many objects of each class were labelled.
    #[garde(skip)]
    pub objects: BTreeMap<String, u32>,
}

/// Average precision of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct ClassAccuracy {
    /// COCO AP (0.50:0.95), 0 to 1.
    #[garde(custom(within(0.0, 1.0, "")))]
    pub ap: f64,
    /// AP at 0.50, 0 to 1.
    #[garde(custom(within(0.0, 1.0, "")))]
    pub ap50: f64,
}

/// How good a detector was found to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct MeasuredAccuracy {
    /// Mean over the classes of AP at 0.50, 0 to 1.
    #[garde(custom(within(0.0, 1.0, "")))]
    pub ap50: f64,
    /// Mean over the classes of AP of objects of up to 32² px of the images, 0 to 1; absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(0.0, 1.0, "")))]
    pub ap_small: Option<f64>,
    /// The same of 32² to 96² px.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(0.0, 1.0, "")))]
    pub ap_medium: Option<f64>,
    /// The same of 96² px and more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(0.0, 1.0, "")))]
    pub ap_large: Option<f64>,
    /// By class.
    #[garde(dive)]
    pub classes: BTreeMap<String, ClassAccuracy>,
}

/// What was measured of one configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct MeasuredCosts {
    /// Size of one payload, 99th percentile.
    #[garde(custom(within(MIN_MEGABIT, MAX_MEGABIT, "megabit")))]
    pub payload_megabit_p99: f64,
    /// The largest.
    #[garde(custom(within(MIN_MEGABIT, MAX_MEGABIT, "megabit")), custom(not_below("payload_megabit_p99", self.payload_megabit_p99)))]
    pub payload_megabit_max: f64,
    /// Encoding on the vehicle, median.
    #[garde(custom(within(0.0, MAX_MS, "ms")))]
    pub encode_ms_p50: f64,
    /// Decoding on the cloud, median.
    #[garde(custom(within(0.0, MAX_MS, "ms")))]
    pub decode_ms_p50: f64,
    /// 95th percentile.
    #[garde(custom(within(0.0, MAX_MS, "ms")), custom(not_below("decode_ms_p50", self.decode_ms_p50)))]
    pub decode_ms_p95: f64,
    /// The model alone, without preparation and finish, median.
    #[garde(custom(within(0.0, MAX_MS, "ms")))]
    pub inference_ms_p50: f64,
    /// 95th percentile.
    #[garde(custom(within(0.0, MAX_MS, "ms")), custom(not_below("inference_ms_p50", self.inference_ms_p50)))]
    pub inference_ms_p95: f64,
}
