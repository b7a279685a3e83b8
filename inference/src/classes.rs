//! Two vocabularies rarely spell a thing alike: which class of one is which class of another.

use rt_core::detections::Detections;

/// For each class of one vocabulary, the class of another that means the same.
pub type ClassMap = [Option<u8>; 256];

/// Names for one thing, after [`normalise`]; the first of each line is how the others are understood. Only what really
/// is the same: a van is a car to a planner, a "traffic sign" is no stop sign.
const ALIASES: [&[&str]; 11] = [
    &["person", "pedestrian", "people", "human", "walker"],
    &["bicycle", "cyclist", "bike", "pedalcyclist", "bicyclist"],
    &["car", "vehicle", "automobile", "sedan", "van", "suv"],
    &["motorcycle", "motorbike", "motorcyclist"],
    &["truck", "lorry"],
    &["bus", "coach"],
    &["traffic light", "trafficlight", "traffic signal", "stoplight", "signal light"],
    &["stop sign", "stop", "stopsign"],
    &["speed limit", "speedlimit", "speed limit sign", "speed sign"],
    &["crosswalk", "cross walk", "pedestrian crossing", "zebra crossing", "crosswalk sign"],
    &["train", "tram"],
];

/// A class name in the spelling that comparisons use: lower case, single spaces for `_` and `-`, aliases replaced.
///
/// ```
/// use inference::classes::normalise;
/// assert_eq!(normalise("TrafficLight"), "traffic light");
/// assert_eq!(normalise(" stop_sign "), "stop sign");
/// assert_eq!(normalise("stop"), "stop sign");
/// assert_eq!(normalise("Pedestrian"), "person");
/// assert_eq!(normalise("fire-hydrant"), "fire hydrant");
/// ```
#[must_use]
pub fn normalise(name: &str) -> String {
    let words = name.split(|c: char| c == '_' || c == '-' || c.is_whitespace()).filter(|word| !word.is_empty());
    let plain = words.map(str::to_lowercase).collect::<Vec<_>>().join(" ");
    let first = ALIASES.iter().find(|names| names.contains(&plain.as_str())).and_then(|names| names.first());
    first.map_or(plain, |name| (*name).to_owned())
}

/// For each class of `from`, the first class of `to` that means the same. Names past the 256th are left out: no
/// detection can carry them.
///
/// ```
/// use inference::classes::map_classes;
/// let from = ["trafficlight".to_owned(), "unicorn".to_owned()];
/// let to = ["car".to_owned(), "traffic light".to_owned()];
/// let map = map_classes(&from, &to);
/// assert_eq!((map[0], map[1], map[2]), (Some(1), None, None));
/// ```
#[must_use]
pub fn map_classes(from: &[String], to: &[String]) -> ClassMap {
    let to: Vec<String> = to.iter().map(|name| normalise(name)).collect();
    let mut map = [None; 256];
    for (target, name) in map.iter_mut().zip(from) {
        let name = normalise(name);
        *target = to.iter().position(|other| *other == name).and_then(|index| u8::try_from(index).ok());
    }
    map
}

/// Renames the classes of `detections`; those without a counterpart are dropped. Allocates nothing.
pub fn map_detections(map: &ClassMap, detections: &mut Detections) {
    detections.retain_mut(|detection| match map.get(usize::from(detection.class)).copied().flatten() {
        Some(class) => {
            detection.class = class;
            true
        }
        None => false,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rt_core::detections::Detection;

    #[test]
    fn every_alias_belongs_to_one_line_and_is_normalised() {
        let mut seen = std::collections::HashSet::new();
        for alias in ALIASES.iter().flat_map(|names| names.iter()) {
            assert!(seen.insert(alias), "{alias} twice");
            assert_eq!(alias.to_lowercase(), **alias);
            assert_eq!(normalise(&alias.to_uppercase()), normalise(alias));
        }
    }

    #[test]
    fn the_road_sign_labels_meet_coco() {
        let labels = ["trafficlight", "stop", "speedlimit", "crosswalk"].map(str::to_owned);
        let coco = crate::family::class_names::class_names(None, 80).unwrap();
        let map = map_classes(&labels, &coco);
        assert_eq!(map[..5], [Some(9), Some(11), None, None, None]);
    }

    #[test]
    fn unmapped_detections_are_dropped() {
        let mut map = [None; 256];
        map[3] = Some(7);
        let of = |class| Detection { class, ..Detection::default() };
        let mut detections = Detections::from_slice(&[of(1), of(3), of(200)]).unwrap();
        map_detections(&map, &mut detections);
        assert_eq!(detections.as_slice(), [of(7)]);
    }
}
