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
use config::table::{
    ClassAccuracy, FileHash, LoadedModel, MeasuredAccuracy, MeasuredCosts, MeasuredImages, MeasuredModel, TableEntry,
    TableError, UtilityTable, VehicleEntry,
};
use config::{Profile, Unique};
use proptest::prelude::*;

fn measured_model(name: &str, hash: u64) -> MeasuredModel {
    MeasuredModel { name: name.to_owned(), input_width: 640, input_height: 384, fnv1a64: FileHash(hash) }
}

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
            costs: index.is_multiple_of(2).then_some(MeasuredCosts {
                payload_megabit_p99: p50,
                payload_megabit_max: p50 * payload_tail,
                encode_ms_p50: encode,
                decode_ms_p50: encode,
                decode_ms_p95: encode * payload_tail,
                inference_ms_p50: execution,
                inference_ms_p95: execution * execution_tail,
            }),
            measured: index.is_multiple_of(2).then(|| of_classes(accuracy)),
        },
    )
}

fn of_classes(ap: f64) -> MeasuredAccuracy {
    let class = ClassAccuracy { ap, ap50: 1.0 };
    let classes = ["person", "traffic light", "null", "0"].map(|name| (name.to_owned(), class)).into();
    MeasuredAccuracy { ap50: 0.5, ap_small: Some(0.1), ap_medium: Some(0.4), ap_large: None, classes }
}

fn images() -> MeasuredImages {
    let objects = [("car".to_owned(), 3)].into();
    MeasuredImages { street_seed: Some(7), count: 2, width: 960, height: 576, objects }
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
            models: Some(Unique::new(vec![measured_model(&model, 0x0123_4567_89ab_cdef)]).unwrap()),
            images: Some(images()),
            vehicle: VehicleEntry { model, execution_ms_p95, accuracy, measured: Some(of_classes(accuracy)) },
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

#[test]
fn a_table_of_other_models_is_refused_where_it_names_them() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables/efficientdet-coco.yaml");
    let mut table = UtilityTable::load(&shipped).unwrap();
    let loaded = |name, hash| LoadedModel { name, file: Path::new("models/some.onnx"), fnv1a64: FileHash(hash) };
    assert!(table.check_loaded(&shipped, &loaded("whatever", 1)).is_ok(), "a published table is of any model");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.yaml");
    table.models = Some(Unique::new(vec![measured_model("edd1", 0xabc), measured_model("edd2", 0xdef)]).unwrap());
    let text = table.to_yaml().unwrap();
    std::fs::write(&path, &text).unwrap();
    let table = UtilityTable::load(&path).unwrap();
    assert!(table.check_loaded(&path, &loaded("edd2", 0xdef)).is_ok());
    let line = |part: &str| {
        let found = text.lines().position(|line| line.contains(part) && !line.starts_with('#'));
        found.unwrap_or_else(|| panic!("no {part}")) + 1
    };
    let said = table.check_loaded(&path, &loaded("edd2", 0xabc)).unwrap_err().to_string();
    assert!(said.contains(&format!("t.yaml:{}:", line("0000000000000def"))), "{said}");
    for part in ["another edd2 (0000000000000def)", "models/some.onnx (0000000000000abc)", "turbo calibrate"] {
        assert!(said.contains(part), "{said}");
    }
    let said = table.check_loaded(&path, &loaded("yolox", 0xabc)).unwrap_err().to_string();
    assert!(said.contains(&format!("t.yaml:{}:1:", line("models:"))), "{said}");
    assert!(said.contains("measured with edd1, edd2, not with a model called \"yolox\""), "{said}");
}

#[test]
fn what_a_measured_table_says_wrong_is_refused() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tables/efficientdet-coco.yaml");
    let mut table = UtilityTable::load(&shipped).unwrap();
    table.models = Some(Unique::new(vec![measured_model("edd1", 0xabc)]).unwrap());
    table.vehicle.measured = Some(of_classes(0.25));
    let text = table.to_yaml().unwrap();
    let cases = [
        ("fnv1a64: 0000000000000abc", "fnv1a64: abc", "\"abc\" is no hash; expected 16 hexadecimal digits"),
        ("input_width: 640", "input_width: 0", "`models[0].input_width` is 0; expected 1 to 65535 pixels"),
        ("ap: 0.25", "ap: -0.25", "`vehicle.measured.classes.0.ap` is -0.25; expected 0 to 1"),
        ("ap: 0.25", "ap: .nan", "is NaN; expected 0 to 1"),
    ];
    for (old, new, said) in cases {
        assert!(text.contains(old), "{text}");
        let error = UtilityTable::parse(&text.replacen(old, new, 1), Path::new("t.yaml")).unwrap_err().to_string();
        assert!(error.starts_with("t.yaml:") && error.contains(said), "{error}");
    }
}
