//! The configurations this car can send: the utility table's, and, for models the table does not know, guesses that
//! measurements replace.

use allocation::choice::{Choice, Costs};
use allocation::menu::Menu;
use allocation::model_config::{Coding, ModelConfig, Payload};
use config::table::UtilityTable;
use telemetry::names::{NameId, Names};
use transport::wire::menu::{CloudMenu, ModelEntry};

use crate::failure::Failure;

/// One configuration and what is known of it now.
#[derive(Clone)]
pub struct Entry {
    /// The solver's view; costs are updated from measurements.
    pub choice: Choice,
    /// The configuration's name for logs.
    pub name: NameId,
    /// Index of its model in [`Plan::models`].
    pub model: u16,
    /// What its encodings really cost; `None` until something was sent.
    measured: Option<Measured>,
}

#[derive(Clone, Copy)]
struct Measured {
    mean_bits: f64,
    deviation_bits: f64,
    encode_s: f64,
}

/// Every configuration, and the floor below them.
pub struct Plan {
    /// The configurations, in the table's order.
    pub entries: Vec<Entry>,
    /// The distinct cloud models they name.
    pub models: Vec<String>,
    /// Accuracy of the on-vehicle detector.
    pub floor_accuracy: f64,
    /// Name of its configuration.
    pub on_vehicle: NameId,
    /// Whether the configurations are a table's, and not guesses.
    pub from_table: bool,
    /// Width and height of the input that each model had when the table was measured.
    inputs: Vec<Option<(u32, u32)>>,
}

/// Payloads offered for a model that the table does not know, with a guess at bits per input pixel.
const UNKNOWN_MODEL_PAYLOADS: [(Payload, f64); 3] = [
    (Payload::Input(Coding::Jpeg(50)), 0.9),
    (Payload::Input(Coding::Jpeg(75)), 1.4),
    (Payload::Input(Coding::Jpeg(90)), 2.6),
];

/// What is assumed of an unknown model's accuracy above the car's own, until `turbo calibrate` has measured it: enough
/// to be preferred, with less compression slightly better.
const UNKNOWN_MODEL_GAIN: f64 = 0.1;

impl Plan {
    /// The plan for a table and models it does not name.
    ///
    /// # Errors
    /// [`Failure::Config`], where a number or a name is out of range.
    pub fn new(table: &UtilityTable, unknown_models: &[String], names: &Names) -> Result<Self, Failure> {
        let mut plan = Self {
            entries: Vec::new(),
            models: Vec::new(),
            floor_accuracy: table.vehicle.accuracy,
            on_vehicle: names.intern(&format!("{}-imgcompNone-inpcompNone", table.vehicle.model)),
            from_table: unknown_models.is_empty(),
            inputs: Vec::new(),
        };
        if unknown_models.is_empty() {
            for entry in table.entries.iter() {
                plan.add(entry.choice().map_err(Failure::config)?, names)?;
            }
        }
        for model in unknown_models {
            for (index, (payload, bits_per_pixel)) in UNKNOWN_MODEL_PAYLOADS.into_iter().enumerate() {
                let bits = bits_per_pixel * 416.0 * 416.0;
                let costs = Costs { payload_bits: 1.3 * bits, mean_bits: bits, encode_s: 0.02, execution_s: 0.1 };
                let accuracy = (table.vehicle.accuracy + UNKNOWN_MODEL_GAIN + 0.01 * index as f64).min(1.0);
                let config = ModelConfig { model: model.clone(), payload };
                plan.add(Choice::new(config, costs, accuracy).map_err(Failure::config)?, names)?;
            }
        }
        let measured = |name: &String| table.models.as_deref()?.iter().find(|model| model.name == *name);
        let input = |name: &String| measured(name).map(|model| (model.input_width, model.input_height));
        plan.inputs = plan.models.iter().map(|name| input(name).filter(|_| plan.from_table)).collect();
        Ok(plan)
    }

    fn add(&mut self, choice: Choice, names: &Names) -> Result<(), Failure> {
        let model = &choice.config().model;
        let index = self.models.iter().position(|known| known == model).unwrap_or_else(|| {
            self.models.push(model.clone());
            self.models.len() - 1
        });
        let model = u16::try_from(index).map_err(|_| Failure::Config("more than 65536 models".to_owned()))?;
        let name = names.intern(&choice.config().to_string());
        self.entries.push(Entry { choice, name, model, measured: None });
        Ok(())
    }

    /// Takes over what an encoding really cost: mean and mean deviation, so that the 95th percentile (mean + 2
    /// deviations) is known without keeping samples. One sixteenth per sample, as for a round-trip time (RFC 6298).
    pub fn measured(&mut self, entry: usize, bits: f64, encode_s: f64) {
        let Some(entry) = self.entries.get_mut(entry) else { return };
        let known = entry.measured.unwrap_or_else(|| {
            let costs = entry.choice.costs();
            let deviation_bits = (costs.payload_bits - costs.mean_bits).max(0.0) / 2.0;
            Measured { mean_bits: costs.mean_bits, deviation_bits, encode_s: costs.encode_s }
        });
        let error = bits - known.mean_bits;
        let measured = Measured {
            mean_bits: known.mean_bits + error / 16.0,
            deviation_bits: known.deviation_bits + (error.abs() - known.deviation_bits) / 16.0,
            // Rises at once and falls slowly: a stand-in for the 95th percentile.
            encode_s: if encode_s > known.encode_s {
                (known.encode_s + encode_s) / 2.0
            } else {
                known.encode_s + (encode_s - known.encode_s) / 64.0
            },
        };
        entry.measured = Some(measured);
        let costs = Costs {
            payload_bits: measured.mean_bits + 2.0 * measured.deviation_bits,
            mean_bits: measured.mean_bits,
            encode_s: measured.encode_s,
            ..entry.choice.costs()
        };
        // A measurement is finite and positive, so it is never refused; if it were, the old costs stay.
        let _ = entry.choice.set_costs(costs);
    }

    /// The models of `cloud` that are left out of the menu, each with the reason.
    pub fn unserved(&self, cloud: &CloudMenu) -> Vec<String> {
        let reason = |offered: &ModelEntry| {
            let name = &offered.name;
            let Some(place) = self.models.iter().position(|known| known == name) else {
                let known = self.models.join(", ");
                return Some(format!("model {name:?} (the table knows {known})"));
            };
            let (width, height) = self.inputs.get(place).copied().flatten()?;
            let (new_width, new_height) = (offered.input_width, offered.input_height);
            ((width, height) != (new_width.into(), new_height.into())).then(|| {
                format!(
                    "model {name:?} (its input is {new_width}x{new_height}, the table's {name} had {width}x{height})"
                )
            })
        };
        cloud.models.iter().filter_map(reason).collect()
    }

    /// Whether the offered model is the one that the table was measured with, as far as its input tells.
    fn serves(&self, entry: &Entry, offered: &ModelEntry) -> bool {
        let measured = self.inputs.get(usize::from(entry.model)).copied().flatten();
        measured.is_none_or(|input| input == (offered.input_width.into(), offered.input_height.into()))
    }

    /// The solver's menu of what the cloud offers now, with its live execution times; and which entry each choice is.
    /// Where it offers nothing that the plan knows, the vehicle is alone.
    ///
    /// # Errors
    /// Where the menu is refused, which distinct entries never are.
    pub fn menu(&self, cloud: &CloudMenu) -> Result<(Menu, Vec<usize>), String> {
        let mut choices = Vec::new();
        let mut active = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let offered = cloud.models.iter().find(|offered| offered.name == entry.choice.config().model);
            if let Some(offered) = offered.filter(|offered| self.serves(entry, offered)) {
                let mut choice = entry.choice.clone();
                let execution_s = f64::from(offered.p95_us) * 1e-6;
                choice.set_costs(Costs { execution_s, ..choice.costs() }).map_err(|error| error.to_string())?;
                choices.push(choice);
                active.push(index);
            }
        }
        if choices.is_empty() {
            return Ok((Menu::on_vehicle_only(), active));
        }
        Ok((Menu::new(choices).map_err(|error| error.to_string())?, active))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Profile;

    fn offered(name: &str, input: (u16, u16)) -> ModelEntry {
        let (input_width, input_height) = input;
        ModelEntry {
            name: name.to_owned(),
            input_width,
            input_height,
            classes: Vec::new(),
            p50_us: 1,
            p95_us: 2,
            workers: 1,
        }
    }

    fn plan() -> Plan {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tables/demo.yaml");
        Plan::new(&UtilityTable::load(&path).expect("shipped"), &[], &Names::default()).expect("a plan")
    }

    #[test]
    fn a_cloud_with_other_models_leaves_the_car_alone_and_says_why() {
        let plan = plan();
        let cloud = |models| CloudMenu { models };
        let good = cloud(vec![offered("edd1", (480, 288)), offered("edd2", (640, 384))]);
        assert_eq!(plan.unserved(&good), Vec::<String>::new());
        assert_eq!(plan.menu(&good).expect("a menu").0.choices().len(), 18);
        let strange = cloud(vec![offered("yolox", (416, 416)), offered("edd2", (768, 768))]);
        let (menu, active) = plan.menu(&strange).expect("a menu");
        assert_eq!((menu, active), (Menu::on_vehicle_only(), Vec::new()));
        let said = plan.unserved(&strange).join(" and ");
        for part in ["\"yolox\" (the table knows edd1, edd2)", "its input is 768x768, the table's edd2 had 640x384"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
