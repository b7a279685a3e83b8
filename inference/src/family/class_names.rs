//! The names of a model's classes: what its metadata says, else COCO's where the number fits.

/// The 80 classes of COCO in the order of their ids.
pub const COCO: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// The ids from 1 to 90 that COCO's detection set does not use.
const COCO_GAPS: [usize; 10] = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83];

/// The names of `count` classes: `metadata` (a JSON array, or names separated by commas or line ends) where there is
/// one, COCO's 80 or 90 ids where the number is theirs, else `class0`, `class1` …
///
/// # Errors
/// How many names the metadata has, where that is not `count`.
///
/// ```
/// use inference::family::class_names::class_names;
/// assert_eq!(class_names(Some("car, stop sign"), 2), Ok(vec!["car".to_owned(), "stop sign".to_owned()]));
/// assert_eq!(class_names(Some("car"), 2), Err(1));
/// assert_eq!(class_names(None, 80).map(|names| names[11].clone()), Ok("stop sign".to_owned()));
/// assert_eq!(class_names(None, 90).map(|names| names[12].clone()), Ok("stop sign".to_owned()));
/// assert_eq!(class_names(None, 3).map(|names| names[2].clone()), Ok("class2".to_owned()));
/// ```
pub fn class_names(metadata: Option<&str>, count: usize) -> Result<Vec<String>, usize> {
    if let Some(text) = metadata {
        let names: Vec<String> = serde_json::from_str(text).unwrap_or_else(|_| {
            text.split([',', '\n']).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        });
        return if names.len() == count { Ok(names) } else { Err(names.len()) };
    }
    let coco = |name: &&str| (*name).to_owned();
    Ok(match count {
        80 => COCO.iter().map(coco).collect(),
        90 => {
            let mut names = COCO.iter().map(coco);
            let name = |id: usize| if COCO_GAPS.contains(&id) { None } else { names.next() };
            (1..=90).map(name).zip(1..).map(|(name, id)| name.unwrap_or_else(|| format!("unused-{id}"))).collect()
        }
        _ => (0..count).map(|index| format!("class{index}")).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coco_name_has_its_published_id() {
        let names = class_names(None, 90).unwrap();
        for (id, name) in [
            (1, "person"),
            (13, "stop sign"),
            (27, "backpack"),
            (44, "bottle"),
            (67, "dining table"),
            (90, "toothbrush"),
        ] {
            assert_eq!(names[id - 1], name);
        }
        assert_eq!(names.iter().filter(|name| !name.starts_with("unused-")).count(), 80);
    }

    #[test]
    fn json_may_hold_commas() {
        assert_eq!(class_names(Some(r#"["a, b", "c"]"#), 2).unwrap(), ["a, b", "c"]);
    }
}
