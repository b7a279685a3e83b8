//! Every input that the fuzz targets start from, or once found something with, replayed without a fuzzer; and some noise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
#![allow(dead_code, reason = "the targets are reached by their table")]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

use proptest::prelude::*;
use targets::{TARGETS, Target};

/// Each target with the inputs it starts from.
fn corpus() -> Vec<(Target, Vec<Vec<u8>>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let read = |name: &str| {
        let files = std::fs::read_dir(root.join(name)).unwrap_or_else(|error| panic!("no corpus of {name}: {error}"));
        files.map(|file| std::fs::read(file.expect("an entry").path()).expect("a file")).collect()
    };
    TARGETS.into_iter().map(|target| (target, read(target.0))).collect()
}

#[test]
fn the_corpus_of_every_target_is_survived() {
    for ((name, target), inputs) in corpus() {
        assert!(inputs.len() >= 3, "{name} starts from {} inputs", inputs.len());
        inputs.iter().for_each(|input| target(input));
    }
}

#[test]
fn every_target_is_built_and_every_corpus_has_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    for (name, ..) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is in no manifest");
        let source = std::fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).expect("a target");
        assert!(source.contains(&format!("transport_fuzz::{name}(bytes)")), "{name}: {source}");
    }
    for folder in std::fs::read_dir(root.join("corpus")).expect("corpora") {
        let name = folder.expect("an entry").file_name();
        assert!(TARGETS.iter().any(|(target, ..)| name == *target), "nobody reads {name:?}");
    }
}

proptest! {
    /// A seed with something done to it reaches further than noise.
    #[test]
    fn changed_seeds_are_survived(
        pick: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        more in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        for ((_, target), inputs) in corpus() {
            let mut input = pick.get(&inputs).clone();
            input.extend(&more);
            for (at, byte) in &changes {
                if !input.is_empty() {
                    *at.get_mut(&mut input) = *byte;
                }
            }
            target(&input);
        }
    }

    #[test]
    fn noise_is_survived(noise in prop::collection::vec(any::<u8>(), 0..600)) {
        TARGETS.iter().for_each(|(_, target)| target(&noise));
    }
}
