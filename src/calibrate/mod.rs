//! From models and labelled images to a utility table.
//!
//! Every configuration is measured as the running system uses it: the car's encoder, the cloud's decoder and detector,
//! and COCO's average precision of what the cloud then sees. All configurations take their turn on an image before
//! the next, so that whatever else the machine does falls on all alike.

mod images;
mod keep;
mod machine;
mod measure;
mod models;
mod samples;
mod scenes;

use allocation::model_config::{Coding, ModelConfig, Payload};
use config::Unique;
use config::table::UtilityTable;

use crate::failure::Failure;
pub use images::{Images, Photographs};
pub use keep::{check_models, keep_times};
pub use measure::milliseconds;
use measure::{CloudMeasurement, VehicleMeasurement};
pub use models::{Models, NamedModel};
pub use samples::Samples;
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
/// Where a model or codec fails, or the images show nothing that could be found.
pub fn table(models: Models, images: &Images) -> Result<UtilityTable, Failure> {
    let load_before = machine::load_average();
    let (described, measured_models) = (models.describe(), models.measured());
    let classes = images.classes();
    let known = models.known(classes.len());
    let size = first_size(images)?;
    let mut vehicle = VehicleMeasurement::new(models.vehicle, size)?;
    let mut cloud = Vec::new();
    for model in models.cloud {
        cloud.push(CloudMeasurement::new(model, &PAYLOADS, size)?);
    }
    let count = images.count();
    let met = images.visit(&known, |index, frame, truths| {
        vehicle.add(frame, truths)?;
        for model in &mut cloud {
            model.add(frame, truths)?;
        }
        if (index + 1) % PROGRESS == 0 {
            eprintln!("turbo calibrate: {} of {count} images", index + 1);
        }
        Ok(())
    })?;
    if met.objects.is_empty() {
        let described = images.describe(&met);
        return Err(Failure::Usage(format!(
            "there is nothing to detect: {described}; give more --scenes, another --seed, or other --images"
        )));
    }
    let unknown: Vec<&str> =
        classes.iter().zip(&known).filter(|(_, known)| !**known).map(|(class, _)| class.as_str()).collect();
    let entries = cloud.iter().flat_map(|model| model.entries(&classes)).collect();
    let wrong = |report| Failure::Run(format!("the measured table is wrong: {report}"));
    Ok(UtilityTable {
        provenance: provenance(&images.describe(&met), &unknown, &described, &load_before),
        vehicle: vehicle.entry(&classes),
        models: Some(Unique::new(measured_models).map_err(wrong)?),
        images: Some(images.measured(&met)),
        entries: Unique::new(entries).map_err(wrong)?,
    })
}

/// Width and height of the first image, which buffers are made for.
fn first_size(images: &Images) -> Result<(u32, u32), Failure> {
    let mut size = None;
    let stopped = images.visit(&[], |_, frame, _| {
        size = Some((frame.width(), frame.height()));
        Err(Failure::Run(String::new()))
    });
    size.map_or_else(|| stopped.map(|_| (1, 1)), Ok)
}

fn provenance(images: &str, unknown: &[&str], models: &str, load_before: &str) -> String {
    let (date, command, version) = (machine::date(), machine::command(), env!("CARGO_PKG_VERSION"));
    let (processor, load_after) = (machine::processor(), machine::load_average());
    let left_out = match unknown {
        [] => String::new(),
        _ => format!(" Labelled classes that no model knows are left out: {}.", unknown.join(", ")),
    };
    format!(
        "Measured by `{command}` (turbo {version}) on {date}: {images}.\n\
         Accuracy: COCO AP (0.50:0.95) over the labelled classes, of what the cloud decodes; the vehicle's is on raw \
         frames.{left_out}\n\
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
