//! The labelled images that a table is measured on: the synthetic street, or photographs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::table::MeasuredImages;
use drivers::files::{decode, photographs};
use drivers::labels::Labels;
use inference::accuracy::Truth;
use inference::image::RgbView;

use super::scenes::Scenes;
use crate::failure::Failure;

/// Labelled images.
#[derive(Debug)]
pub enum Images {
    /// Drawn.
    Street(Scenes),
    /// Taken.
    Photographs(Photographs),
}

/// Photographs and what is to be seen on them.
#[derive(Debug)]
pub struct Photographs {
    dir: PathBuf,
    labels_at: PathBuf,
    labels: Labels,
    /// Those with labels, in name order.
    files: Vec<PathBuf>,
    /// Those without.
    unlabelled: usize,
}

/// What was met on the way through the images.
#[derive(Debug, Default)]
pub struct Met {
    /// Images.
    pub count: u32,
    /// Greatest width and height.
    pub largest: (u32, u32),
    /// Objects by class.
    pub objects: BTreeMap<u8, u32>,
}

impl Photographs {
    /// At most `most` labelled photographs of `dir`, with the labels at `labels_at` (COCO JSON, or a folder of Pascal VOC
    /// files).
    ///
    /// # Errors
    /// [`Failure::Config`], naming the file, where labels or folder cannot be read or do not belong together.
    pub fn open(dir: &Path, labels_at: &Path, most: Option<u32>) -> Result<Self, Failure> {
        let labels = Labels::load(labels_at).map_err(Failure::config)?;
        let all = photographs(dir).map_err(Failure::config)?;
        let found = all.len();
        let labelled =
            |path: &PathBuf| path.file_name().is_some_and(|name| labels.boxes(&name.to_string_lossy()).is_some());
        let mut files: Vec<PathBuf> = all.into_iter().filter(labelled).collect();
        let unlabelled = found - files.len();
        if files.is_empty() {
            return Err(Failure::Config(format!(
                "none of the {found} photographs of {} is labelled in {}; expected labels that name them",
                dir.display(),
                labels_at.display()
            )));
        }
        files.truncate(most.map_or(usize::MAX, |most| most as usize));
        Ok(Self { dir: dir.to_owned(), labels_at: labels_at.to_owned(), labels, files, unlabelled })
    }
}

impl Photographs {
    /// At most `most` photographs of `dir`, of which nothing is known.
    ///
    /// # Errors
    /// [`Failure::Config`] where the folder cannot be read or has none.
    pub fn unlabelled(dir: &Path, most: u32) -> Result<Self, Failure> {
        let mut files = photographs(dir).map_err(Failure::config)?;
        files.truncate(most as usize);
        Ok(Self { dir: dir.to_owned(), labels_at: PathBuf::new(), labels: Labels::default(), files, unlabelled: 0 })
    }
}

impl Images {
    /// The names of the classes of the truth.
    #[must_use]
    pub fn classes(&self) -> Vec<String> {
        match self {
            Self::Street(_) => Scenes::classes(),
            Self::Photographs(photographs) => photographs.labels.classes().to_vec(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        match self {
            Self::Street(scenes) => scenes.count,
            Self::Photographs(photographs) => u32::try_from(photographs.files.len()).unwrap_or(u32::MAX),
        }
    }

    /// Hands each image to `each`, with its truth and its number; objects of classes that are not `wanted` are left out.
    ///
    /// # Errors
    /// The first failure of `each`, or an image that cannot be had.
    pub fn visit(
        &self,
        wanted: &[bool],
        mut each: impl FnMut(u32, RgbView<'_>, &[Truth]) -> Result<(), Failure>,
    ) -> Result<Met, Failure> {
        let mut met = Met::default();
        let mut truths = Vec::new();
        let mut one = |index: u32, frame: RgbView<'_>, all: &mut dyn Iterator<Item = Truth>| {
            truths.clear();
            truths.extend(all.filter(|truth| wanted.get(usize::from(truth.class)) == Some(&true)));
            met.count += 1;
            met.largest = (met.largest.0.max(frame.width()), met.largest.1.max(frame.height()));
            for truth in truths.iter().filter(|truth| !truth.crowd) {
                *met.objects.entry(truth.class).or_insert(0) += 1;
            }
            each(index, frame, &truths)
        };
        match self {
            Self::Street(scenes) => scenes.visit(|index, pixels, truths| {
                let frame = RgbView::new(pixels, scenes.size.0, scenes.size.1).map_err(Failure::run)?;
                one(index, frame, &mut truths.iter().copied())
            })?,
            Self::Photographs(photographs) => {
                for (path, index) in photographs.files.iter().zip(0_u32..) {
                    let refused =
                        |error: &dyn std::fmt::Display| Failure::Config(format!("{}: {error}", path.display()));
                    let coded = std::fs::read(path).map_err(|error| refused(&error))?;
                    let image = decode(&coded).map_err(|error| refused(&error))?;
                    let frame = RgbView::new(&image.rgb, image.width, image.height).map_err(Failure::run)?;
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let boxes = photographs.labels.boxes(&name).unwrap_or_default();
                    one(index, frame, &mut boxes.iter().map(truth))?;
                }
            }
        }
        Ok(met)
    }

    /// What a table says of them.
    #[must_use]
    pub fn measured(&self, met: &Met) -> MeasuredImages {
        let classes = self.classes();
        let named = |(class, count): (&u8, &u32)| Some((classes.get(usize::from(*class))?.clone(), *count));
        MeasuredImages {
            street_seed: match self {
                Self::Street(scenes) => Some(scenes.seed),
                Self::Photographs(_) => None,
            },
            count: met.count,
            width: met.largest.0,
            height: met.largest.1,
            objects: met.objects.iter().filter_map(named).collect(),
        }
    }

    /// What they are, for a reader.
    #[must_use]
    pub fn describe(&self, met: &Met) -> String {
        let objects: u32 = met.objects.values().sum();
        let (count, (width, height)) = (met.count, met.largest);
        match self {
            Self::Street(scenes) => {
                let seed = scenes.seed;
                format!(
                    "{count} synthetic street scenes of {width}x{height}, seed {seed}, one frame each, {objects} objects"
                )
            }
            Self::Photographs(photographs) => {
                let without = match photographs.unlabelled {
                    0 => String::new(),
                    unlabelled => format!(" ({unlabelled} more have no labels and are left out)"),
                };
                format!(
                    "{count} photographs of {}, at most {width}x{height}{without}, labels {}, {objects} objects",
                    photographs.dir.display(),
                    photographs.labels_at.display()
                )
            }
        }
    }
}

fn truth(found: &drivers::ground_truth::TruthBox) -> Truth {
    let (x_min, y_min, x_max, y_max) = (found.x_min, found.y_min, found.x_max, found.y_max);
    Truth { x_min, y_min, x_max, y_max, class: found.class, crowd: found.ignore, area: found.area }
}
