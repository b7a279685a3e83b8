//! Tables are written and read back the same, and become menus.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

use std::path::Path;

use allocation::model_config::ModelConfig;
use config::table::{TableEntry, TableError, UtilityTable, VehicleEntry};
use config::{Profile, Unique};
use proptest::prelude::*;

fn number(max: f64) -> impl Strategy<Value = f64> {
    prop_oneof![(0.001..max), Just(1.0), (1..=(max as u32)).prop_map(f64::from), Just(0.001)]
}

fn entry(index: usize) -> impl Strategy<Value = TableEntry> {
    let payload =
        prop::sample::select(vec!["imgcomp50-inpcompNone", "imgcompNone-inpcompPNG", "imgcompNone-inpcompNone"]);
    (payload, number(50.0), 1.0..3.0f64, number(50.0), number(80.0), number(80.0), 1.0..3.0f64, 0.0..=1.0f64).prop_map(
        move |(payload, p50, payload_tail, mean, encode, execution, execution_tail, accuracy)| TableEntry {
            config: format!("edd{index}-{payload}").parse().unwrap(),
            payload_megabit_p50: p50,
            payload_megabit_p95: p50 * payload_tail,
            payload_megabit_mean: mean,
            encode_ms_p95: encode,
            execution_ms_p50: execution,
            execution_ms_p95: execution * execution_tail,
            accuracy,
        },
    )
}

/// Texts that YAML might take for something else.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}[!-~]",
        "\\PC{0,20}[a-z]",
        "([a-z:#'\"-]{1,8}[ \n]){0,5}[a-z]",
        prop::sample::select(vec!["null", "1.0", "true", "- a", "# b", "*x", "&x", "!t", "~", "'"])
            .prop_map(str::to_owned)
    ]
}

fn table() -> impl Strategy<Value = UtilityTable> {
    let entries = (1..6usize).prop_flat_map(|count| (0..count).map(entry).collect::<Vec<_>>());
    (words(), "[a-z0-9:#-]{0,8}[a-z]", number(300.0), 0.0..=1.0f64, entries).prop_map(
        |(provenance, model, execution_ms_p95, accuracy, entries)| UtilityTable {
            provenance,
            vehicle: VehicleEntry { model, execution_ms_p95, accuracy },
            entries: Unique::new(entries).unwrap(),
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(table in table()) {
        let text = table.to_yaml().unwrap();
        let back = UtilityTable::parse(&text, Path::new("t.yaml"));
        match back {
            Ok(back) => prop_assert_eq!(back, table, "{}", text),
            Err(error) => prop_assert!(false, "{}\n{}", error, text),
        }
    }

    #[test]
    fn a_menu_has_the_entries_of_the_loaded_models_in_order(table in table()) {
        let models: Vec<&str> = table.entries.iter().step_by(2).map(|entry| entry.config.model.as_str()).collect();
        let menu = table.menu(&models).unwrap();
        let wanted: Vec<&ModelConfig> = table.entries.iter().step_by(2).map(|entry| &entry.config).collect();
        prop_assert_eq!(menu.choices().iter().map(|choice| choice.config()).collect::<Vec<_>>(), wanted);
        let (choice, entry) = (&menu.choices()[0], &table.entries[0]);
        prop_assert_eq!(choice.costs().payload_bits, entry.payload_megabit_p95 * 1e6);
        prop_assert_eq!(choice.costs().execution_s, entry.execution_ms_p95 / 1e3);
    }
}

#[test]
fn a_model_that_is_loaded_must_be_in_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables/efficientdet-coco.yaml");
    let table = UtilityTable::load(&path).unwrap();
    let error = table.menu(&["edd2", "yolox"]).unwrap_err();
    assert!(matches!(&error, TableError::MissingModel { model, .. } if model == "yolox"), "{error}");
    assert!(error.to_string().contains("it has edd2, edd4, edd6, edd7x"), "{error}");
    assert_eq!(table.menu(&[]).unwrap().choices(), []);
    assert_eq!(table.menu(&["edd7x"]).unwrap().choices().len(), 2);
}

#[test]
fn the_comment_of_a_written_table_names_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables/efficientdet-coco.yaml");
    let text = UtilityTable::load(&path).unwrap().to_yaml().unwrap();
    let comment: String = text.lines().take_while(|line| line.starts_with('#') || line.is_empty()).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.trim_start_matches([' ', '-']).split_once(": ") {
            let family = key.rsplit_once("_p").map_or(key, |(family, _)| family).trim_end_matches("_mean");
            assert!(comment.contains(family), "{key}");
        }
    }
}
