//! `turbo calibrate`: measures a model family on this machine and writes its utility table.

use std::path::PathBuf;

use config::Profile;
use config::table::{MeasuredAccuracy, UtilityTable};
use inference::codec::MAX_SIDE;

use crate::calibrate::{self, Images, Models, NamedModel, Photographs, Scenes};
use crate::failure::Failure;
use crate::quantities;

/// Synthetic scenes unless said otherwise.
const SCENES: u32 = 60;

/// Measure a model family on this machine and write its utility table.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: turbo calibrate --vehicle-model edd0=inference/models/turbo-edd0.onnx \
    --cloud-model edd1=inference/models/turbo-edd1.onnx --cloud-model edd2=inference/models/turbo-edd2.onnx \
    --out config/tables/demo.yaml\n\
    With photographs: turbo calibrate --vehicle-model small=small.onnx --cloud-model large=large.onnx \
    --images val2017 --labels annotations/instances_val2017.json --out tables/mine.yaml")]
pub struct CalibrateArgs {
    /// The on-vehicle detector (ONNX); its name is the file's where none is given.
    #[arg(long, value_name = "[NAME=]FILE", value_parser = model)]
    pub vehicle_model: NamedModel,
    /// A detector of the cloud (ONNX) and its name in the cloud's profile; give it once for each model.
    #[arg(long = "cloud-model", value_name = "[NAME=]FILE", required = true, value_parser = model)]
    pub cloud_models: Vec<NamedModel>,
    /// Photographs (JPEG and PNG files of a folder) to measure on, in place of the synthetic street.
    #[arg(long, value_name = "DIR", requires = "labels", conflicts_with_all = ["seed", "size"])]
    pub images: Option<PathBuf>,
    /// What is to be seen on them: a COCO JSON file, or a folder of Pascal VOC files.
    #[arg(long, value_name = "FILE|DIR", requires = "images")]
    pub labels: Option<PathBuf>,
    /// Number of synthetic scenes, one frame of each (default 60), or of photographs (default all).
    #[arg(long, value_name = "N", value_parser = quantities::whole::<u32>("number of images", 1..=10_000, "60"))]
    pub scenes: Option<u32>,
    /// Seed of the scenes; detectors must not have been trained on it (the shipped ones were on 1000).
    #[arg(long, value_name = "N", default_value_t = 700_000, value_parser = quantities::seed)]
    pub seed: u64,
    /// Width and height of the camera frames.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "960x576", value_parser = size)]
    pub size: (u32, u32),
    /// Threads of each of the cloud's detectors: `threads_per_worker` of its profile. The car's has one.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = quantities::whole::<u16>("number of threads", 1..=256, "1"))]
    pub threads: u16,
    /// Measure accuracies and sizes only, and keep the times of this table of the same models: for a busy machine.
    #[arg(long, value_name = "FILE")]
    pub keep_times: Option<PathBuf>,
    /// The utility table to write (YAML).
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print the table as one JSON object as well.
    #[arg(long)]
    pub json: bool,
}

/// Measures and writes the table.
///
/// # Errors
/// [`Failure`], with the exit code that fits.
pub fn run(args: &CalibrateArgs) -> Result<(), Failure> {
    for (index, model) in args.cloud_models.iter().enumerate() {
        if args.cloud_models.iter().take(index).any(|other| other.name == model.name) {
            let name = &model.name;
            return Err(Failure::Usage(format!("--cloud-model {name:?} is given twice; each name may occur once")));
        }
    }
    let vehicle = &args.vehicle_model;
    if let Some(model) = args.cloud_models.iter().find(|model| model.name == vehicle.name && model.file != vehicle.file)
    {
        let (name, ours, theirs) = (&vehicle.name, vehicle.file.display(), model.file.display());
        return Err(Failure::Usage(format!(
            "--vehicle-model and --cloud-model are both called {name:?}, and are {ours} and {theirs}; give different models \
             different names, such as --cloud-model large={theirs}"
        )));
    }
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::Usage(format!(
            "--out {}: there is no folder {}; make it first",
            args.out.display(),
            folder.display()
        )));
    }
    let earlier = args.keep_times.as_deref().map(|path| Ok((path, UtilityTable::load(path).map_err(Failure::config)?)));
    let earlier = earlier.transpose()?;
    let images = match (&args.images, &args.labels) {
        (Some(dir), Some(labels)) => Images::Photographs(Photographs::open(dir, labels, args.scenes)?),
        _ => Images::Street(Scenes { count: args.scenes.unwrap_or(SCENES), seed: args.seed, size: args.size }),
    };
    let threads = usize::from(args.threads);
    let models = Models::load(&args.vehicle_model, &args.cloud_models, threads, &images.classes())?;
    if let Some((path, earlier)) = &earlier {
        calibrate::check_models(&models.measured(), &models.vehicle.name, earlier, path)?;
    }
    let table = calibrate::table(models, &images)?;
    let table = match &earlier {
        Some((path, earlier)) => calibrate::keep_times(table, earlier, path)?,
        None => table,
    };
    let yaml = table.to_yaml().map_err(Failure::run)?;
    std::fs::write(&args.out, yaml).map_err(|error| {
        Failure::Run(format!("the utility table {} cannot be written: {error}", args.out.display()))
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&table).map_err(Failure::run)?);
    } else {
        print(&table);
    }
    Ok(())
}

fn print(table: &UtilityTable) {
    let vehicle = &table.vehicle;
    let (name, ms, accuracy) = (&vehicle.model, vehicle.execution_ms_p95, vehicle.accuracy);
    let ap50 = |measured: &Option<MeasuredAccuracy>| measured.as_ref().map_or(0.0, |measured| measured.ap50);
    println!(
        "{:32} {:>9} {:>9} {:>9} {:>9} {:>7} {:>7}",
        "", "Mbit p50", "Mbit p95", "encode", "execute", "AP", "AP50"
    );
    let vehicle_ap50 = ap50(&vehicle.measured);
    println!("{name:32} {:>9} {:>9} {:>9} {ms:>9.1} {accuracy:>7.4} {vehicle_ap50:>7.4}", "-", "-", "-");
    for entry in table.entries.iter() {
        println!(
            "{:32} {:>9.4} {:>9.4} {:>9.1} {:>9.1} {:>7.4} {:>7.4}",
            entry.config.to_string(),
            entry.payload_megabit_p50,
            entry.payload_megabit_p95,
            entry.encode_ms_p95,
            entry.execution_ms_p95,
            entry.accuracy,
            ap50(&entry.measured),
        );
    }
    println!("times in ms, 95th percentile");
}

/// Parses `edd1=models/edd1.onnx`, or `models/edd1.onnx` for the name `edd1`.
///
/// # Errors
/// What was written and what would be right.
pub fn model(text: &str) -> Result<NamedModel, String> {
    let (name, file) = match text.split_once('=') {
        Some((name, file)) => (name.to_owned(), PathBuf::from(file)),
        None => {
            let file = PathBuf::from(text);
            (file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(), file)
        }
    };
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.is_empty() || !name.chars().all(plain) || file.as_os_str().is_empty() {
        return Err(format!(
            "{text:?} names no model; write NAME=FILE, such as edd1=models/edd1.onnx, with a name of letters, digits, \
             '.', '_' and '-'"
        ));
    }
    Ok(NamedModel { name, file })
}

fn size(text: &str) -> Result<(u32, u32), String> {
    // Below 16 pixels a synthetic camera takes 16.
    let side = |text: &str| text.parse::<u32>().ok().filter(|side| (16..=MAX_SIDE).contains(side));
    text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?))).ok_or_else(|| {
        format!("{text:?} is not a frame size; write WIDTHxHEIGHT, such as 960x576, each side 16 to {MAX_SIDE}")
    })
}

#[cfg(test)]
mod tests;
