//! From models and held-back scenes to a utility table.
//!
//! Every configuration is measured as the running system uses it: the car's encoder, the cloud's decoder and detector,
//! and COCO's average precision of what the cloud then sees. All configurations take their turn on a scene before the
//! next is rendered, so that whatever else the machine does falls on all alike.

mod machine;
mod measure;
mod models;
mod samples;
mod scenes;

use allocation::model_config::{Coding, ModelConfig, Payload};
use config::Unique;
use config::table::UtilityTable;
use inference::image::RgbView;

use crate::failure::Failure;
use measure::{CloudMeasurement, VehicleMeasurement};
pub use models::Models;
pub use scenes::Scenes;

/// What may travel, in the order of the table.
const PAYLOADS: [Payload; 9] = [
    Payload::Frame(Coding::Jpeg(50)),
    Payload::Frame(Coding::Jpeg(75)),
    Payload::Frame(Coding::Jpeg(90)),
    Payload::Input(Coding::Jpeg(50)),
    Payload::Input(Coding::Jpeg(75)),
    Payload::Input(Coding::Jpeg(90)),
    Payload::Input(Coding::Jpeg(95)),
    Payload::Input(Coding::Png),
    Payload::RawInput,
];
/// Scenes from one line of progress to the next.
const PROGRESS: u32 = 10;

/// Measures all payloads of all models.
///
/// # Errors
/// Where a model or codec fails, or the scenes show nothing that could be found.
pub fn table(models: Models, scenes: &Scenes) -> Result<UtilityTable, Failure> {
    let load_before = machine::load_average();
    let described = models.describe();
    let mut vehicle = VehicleMeasurement::new(models.vehicle, scenes.size)?;
    let mut cloud = Vec::new();
    for model in models.cloud {
        cloud.push(CloudMeasurement::new(model, &PAYLOADS, scenes.size)?);
    }
    let mut objects = 0;
    scenes.visit(|index, pixels, truths| {
        let frame = RgbView::new(pixels, scenes.size.0, scenes.size.1).map_err(Failure::run)?;
        vehicle.add(frame, truths)?;
        for model in &mut cloud {
            model.add(frame, truths)?;
        }
        objects += truths.len();
        if (index + 1) % PROGRESS == 0 {
            eprintln!("turbo calibrate: {} of {} scenes", index + 1, scenes.count);
        }
        Ok(())
    })?;
    if objects == 0 {
        let Scenes { count, seed, .. } = scenes;
        return Err(Failure::Usage(format!(
            "there is nothing to detect in the {count} scenes of seed {seed}; give more --scenes or another --seed"
        )));
    }
    let entries = cloud.iter().flat_map(CloudMeasurement::entries).collect();
    Ok(UtilityTable {
        provenance: provenance(scenes, objects, &described, &load_before),
        vehicle: vehicle.entry(),
        entries: Unique::new(entries)
            .map_err(|report| Failure::Run(format!("the measured table is wrong: {report}")))?,
    })
}

fn provenance(scenes: &Scenes, objects: usize, models: &str, load_before: &str) -> String {
    let Scenes { count, seed, size: (width, height) } = scenes;
    let (date, command) = (machine::date(), machine::command());
    let (processor, load_after) = (machine::processor(), machine::load_average());
    format!(
        "Measured by `{command}` on {date}: {count} synthetic street scenes of {width}x{height}, seed {seed}, one frame \
         each, {objects} objects.\n\
         Accuracy: COCO AP (0.50:0.95) over the classes of the synthetic street, of what the cloud decodes; the \
         vehicle's is on raw frames.\n\
         Times: {processor}; load average {load_before} at the start, {load_after} at the end. Where that is above 1, \
         other programs ran too and the times are longer than on an idle machine; execution times that the cloud \
         reports replace these at run time.\n\
         Models: {models}.\n"
    )
}

/// The configuration of `model` with `payload`.
fn configuration(model: &str, payload: Payload) -> ModelConfig {
    ModelConfig { model: model.to_owned(), payload }
}

#[cfg(test)]
mod tests;
