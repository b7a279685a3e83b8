use std::path::{Path, PathBuf};

use config::{Profile, table::TableEntry};

use super::*;

fn measured(size: (u32, u32)) -> UtilityTable {
    let file = |name: &str| -> PathBuf { Path::new(env!("CARGO_MANIFEST_DIR")).join("inference/models").join(name) };
    let model = NamedModel { name: "edd0".to_owned(), file: file("turbo-edd0.onnx") };
    let images = Images::Street(Scenes { count: 8, seed: 5, size });
    let models = Models::load(&model, std::slice::from_ref(&model), 1, &images.classes());
    models.and_then(|models| table(models, &images)).unwrap()
}

fn entry(table: &UtilityTable, payload: Payload) -> &TableEntry {
    let wanted = configuration("edd0", payload);
    table.entries.iter().find(|entry| entry.config == wanted).unwrap_or_else(|| panic!("no {wanted}"))
}

#[test]
fn a_table_tells_payloads_apart_and_reads_back() {
    let table = measured((960, 576));
    assert_eq!(table.entries.iter().map(|entry| entry.config.payload).collect::<Vec<_>>(), PAYLOADS);
    let (raw, png) = (entry(&table, Payload::RawInput), entry(&table, Payload::Input(Coding::Png)));
    let input_megabit = rounded_megabit(320 * 192 * 3);
    assert_eq!((raw.payload_megabit_p50, raw.payload_megabit_p95), (input_megabit, input_megabit));
    assert!(png.payload_megabit_p95 < input_megabit);
    assert_eq!(png.accuracy, raw.accuracy, "both are lossless");
    assert_eq!(raw.accuracy, table.vehicle.accuracy, "the same model on the same pixels");
    assert!(raw.accuracy > 0.02, "{}", raw.accuracy);
    for payloads in [[50, 75, 90].map(frame_jpeg), [50, 75, 90].map(input_jpeg)] {
        let sizes = payloads.map(|payload| entry(&table, payload).payload_megabit_mean);
        assert!(sizes.is_sorted_by(|smaller, larger| smaller < larger), "{sizes:?}");
    }
    for (frame, input) in [50, 75, 90].map(|quality| (frame_jpeg(quality), input_jpeg(quality))) {
        let (frame, input) = (entry(&table, frame), entry(&table, input));
        assert!(frame.payload_megabit_p50 > input.payload_megabit_p50, "a frame has more pixels than the input");
        assert!(frame.accuracy > 0.5 * raw.accuracy, "{} of {}", frame.accuracy, raw.accuracy);
    }
    let back = UtilityTable::parse(&table.to_yaml().unwrap(), Path::new("table.yaml")).unwrap();
    assert_eq!(back, table);
}

#[test]
fn the_provenance_names_the_scenes_and_models() {
    let table = measured((480, 288));
    for part in ["8 synthetic street scenes of 480x288", "seed 5", "edd0 (input 320x192", "FNV-1a", "COCO AP"] {
        assert!(table.provenance.contains(part), "{part:?} is not in {}", table.provenance);
    }
}

#[test]
fn the_shipped_table_is_of_the_shipped_models() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = UtilityTable::load(&root.join("config/tables/demo.yaml")).unwrap();
    let model = |name: &str| NamedModel {
        name: name.to_owned(),
        file: root.join(format!("inference/models/turbo-{name}.onnx")),
    };
    let models = Models::load(&model("edd0"), &[model("edd1"), model("edd2")], 1, &Scenes::classes()).unwrap();
    assert!(table.provenance.contains(&models.describe()), "measured on other models; run `turbo calibrate` again");
    assert_eq!(table.models.as_deref(), Some(models.measured().as_slice()));
    assert!(table.menu(&["edd1", "edd2"]).is_ok_and(|menu| menu.choices().len() == 2 * PAYLOADS.len()));
}

fn frame_jpeg(quality: u8) -> Payload {
    Payload::Frame(Coding::Jpeg(quality))
}

fn input_jpeg(quality: u8) -> Payload {
    Payload::Input(Coding::Jpeg(quality))
}

fn rounded_megabit(bytes: u32) -> f64 {
    samples::rounded(f64::from(bytes) * 8.0 / 1e6, 4)
}
