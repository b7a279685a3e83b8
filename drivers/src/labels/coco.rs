//! COCO: one JSON file for all photographs, boxes as corner and size.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::error::LabelsError;
use super::{Labels, MAX_CLASSES, stem};
use crate::ground_truth::TruthBox;

// Other keys (licences, segmentations) are the format's own and of no use here, so unknown ones are allowed.
#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    /// Left, top, width, height.
    bbox: [f32; 4],
    #[serde(default)]
    iscrowd: u8,
    #[serde(default)]
    area: Option<f32>,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

pub(super) fn load(path: &Path) -> Result<Labels, LabelsError> {
    let text = std::fs::read(path).map_err(|source| LabelsError::Read { path: path.to_owned(), source })?;
    let file: File = serde_json::from_slice(&text).map_err(|error| LabelsError::Place {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        problem: format!("not a COCO file: {error}; it has \"images\", \"annotations\" and \"categories\""),
    })?;
    if file.categories.len() > MAX_CLASSES {
        return Err(LabelsError::Classes { path: path.to_owned(), classes: file.categories.len() });
    }
    let mut labels = Labels::default();
    let images: BTreeMap<u64, usize> = file
        .images
        .iter()
        .map(|image| {
            let name = image.file_name.rsplit(['/', '\\']).next().unwrap_or(&image.file_name);
            (image.id, labels.add_image(Some(name), stem(name)))
        })
        .collect();
    let classes: BTreeMap<u64, u8> = file.categories.iter().map(|category| category.id).zip(0..=u8::MAX).collect();
    for (annotation, entry) in file.annotations.iter().enumerate() {
        let missing = |what, id, list| LabelsError::Reference { path: path.to_owned(), annotation, what, id, list };
        let image = images.get(&entry.image_id).ok_or_else(|| missing("image_id", entry.image_id, "images"))?;
        let class =
            classes.get(&entry.category_id).ok_or_else(|| missing("category_id", entry.category_id, "categories"))?;
        let [left, top, width, height] = entry.bbox;
        let item = TruthBox {
            x_min: left,
            y_min: top,
            x_max: left + width,
            y_max: top + height,
            class: *class,
            ignore: entry.iscrowd != 0,
            area: entry.area,
        };
        labels.add_box(*image, item);
    }
    labels.classes = file.categories.into_iter().map(|category| category.name).collect();
    Ok(labels)
}
