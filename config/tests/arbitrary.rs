//! No text, however odd, ends in a panic, and every refusal can be printed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use std::path::Path;

use config::Profile;
use config::car::CarProfile;
use config::cloud::CloudProfile;
use config::table::UtilityTable;
use proptest::prelude::*;

fn all_answer(text: &str) {
    let path = Path::new("odd.yaml");
    let refusals = [
        CarProfile::parse(text, path).err(),
        CloudProfile::parse(text, path).err(),
        UtilityTable::parse(text, path).err(),
    ];
    for refusal in refusals.into_iter().flatten() {
        let message = refusal.to_string();
        assert!(message.starts_with("odd.yaml:"), "{message:?}");
        assert!(!message.chars().any(|c| c.is_control() && c != '\n'), "{message:?}");
    }
}

fn shipped() -> Vec<String> {
    ["car.yaml", "cloud.yaml", "tables/efficientdet-coco.yaml"]
        .map(|name| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap())
        .to_vec()
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        all_answer(&text);
    }

    #[test]
    fn pieces_of_yaml(text in "([a-z_]{1,6}: |- |\\{|\\}|\\[|\\]|, |&a |\\*a|<<: |!!binary |\\.nan|0|'|\"|\\||>|\t|\n|\n  |---\n|%|#){0,30}") {
        all_answer(&text);
    }

    #[test]
    fn a_shipped_file_with_a_hole_or_a_wound(
        which in 0..3usize,
        at in any::<prop::sample::Index>(),
        gone in 0..40usize,
        wound in "([a-z0-9:.{}&*'\"\n\t -]|\\[|\\]){0,6}",
    ) {
        let text: Vec<char> = shipped()[which].chars().collect();
        let start = at.index(text.len());
        let end = (start + gone).min(text.len());
        let changed: String = text[..start].iter().chain(&wound.chars().collect::<Vec<_>>()).chain(&text[end..]).collect();
        all_answer(&changed);
    }
}
