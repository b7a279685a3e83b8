use std::path::Path;

use proptest::prelude::*;

use super::*;

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("written");
}

fn object(name: &str, [x_min, y_min, x_max, y_max]: [&str; 4], difficult: u8) -> String {
    format!(
        "  <object>\n    <name>{name}</name>\n    <difficult>{difficult}</difficult>\n    <bndbox><xmin>{x_min}</xmin>\
         <ymin>{y_min}</ymin><xmax>{x_max}</xmax><ymax>{y_max}</ymax></bndbox>\n  </object>\n"
    )
}

fn voc(objects: &[String]) -> String {
    format!("<annotation>\n  <filename>elsewhere.png</filename>\n{}</annotation>\n", objects.concat())
}

const COCO: &str = r#"{
  "info": {"year": 2026},
  "images": [
    {"id": 7, "file_name": "val/a.jpg", "width": 64, "height": 48},
    {"id": 9, "file_name": "b.jpg"}, {"id": 10, "file_name": "b.png"}
  ],
  "annotations": [
    {"id": 1, "image_id": 7, "category_id": 44, "bbox": [1, 2, 10, 20.5], "iscrowd": 1, "segmentation": []},
    {"id": 2, "image_id": 7, "category_id": 3, "bbox": [5, 5, 0, 4]},
    {"id": 3, "image_id": 10, "category_id": 3, "bbox": [0, 0, 1, 1]}
  ],
  "categories": [{"id": 3, "name": "car"}, {"id": 44, "name": "stop sign", "supercategory": "outdoor"}]
}"#;

#[test]
fn voc_files_are_joined_by_their_own_names_and_classes_sorted() {
    let dir = tempfile::tempdir().expect("a directory");
    write(
        dir.path(),
        "one.xml",
        &voc(&[object("stop", ["1", "2.5", "30", "40"], 0), object("car", ["0", "0", "5", "5"], 1)]),
    );
    write(dir.path(), "two.xml", &voc(&[object("stop", ["9", "9", "9", "12"], 0)]));
    write(dir.path(), "empty.xml", &voc(&[]));
    let labels = Labels::load(dir.path()).expect("labels");
    assert_eq!(labels.classes(), ["car", "stop"]);
    let boxes = labels.boxes("one.jpg").expect("labelled");
    let stop = TruthBox { x_min: 1.0, y_min: 2.5, x_max: 30.0, y_max: 40.0, class: 1, ..TruthBox::default() };
    let car = TruthBox { x_max: 5.0, y_max: 5.0, class: 0, ignore: true, ..TruthBox::default() };
    assert_eq!(boxes, [stop, car]);
    assert_eq!((labels.boxes("two.png"), labels.left_out()), (Some(&[][..]), 1));
    assert_eq!((labels.boxes("empty.jpg"), labels.boxes("elsewhere.png")), (Some(&[][..]), None));
    assert_eq!(labels.images(), 3);
}

#[test]
fn coco_files_are_joined_by_file_name_and_their_gaps_in_numbering_closed() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("annotations")).expect("a directory");
    write(&dir.path().join("annotations"), "instances.json", COCO);
    let labels = Labels::load(dir.path()).expect("labels");
    assert_eq!(labels.classes(), ["car", "stop sign"]);
    let sign = TruthBox { x_min: 1.0, y_min: 2.0, x_max: 11.0, y_max: 22.5, class: 1, ignore: true, area: None };
    assert_eq!(labels.boxes("a.jpg"), Some(&[sign][..]));
    assert_eq!(labels.boxes("a.png"), Some(&[sign][..]), "the same photograph in another format");
    assert_eq!(labels.left_out(), 1, "the box without width");
    assert_eq!(labels.boxes("b.jpg").map(<[_]>::len), Some(0));
    assert_eq!(labels.boxes("b.png").map(<[_]>::len), Some(1));
    assert_eq!(labels.boxes("b.jpeg"), None, "two photographs could be meant");
    assert_eq!(Labels::load(&dir.path().join("annotations/instances.json")).expect("labels"), labels);
}

#[test]
fn voc_faults_have_a_line() {
    let dir = tempfile::tempdir().expect("a directory");
    let fault = |text: &str| {
        write(dir.path(), "x.xml", text);
        Labels::load(dir.path()).expect_err("a fault").to_string()
    };
    let said = fault(&voc(&[object("stop", ["1", "2", "3o", "4"], 0)]));
    assert!(said.contains("x.xml:6:") && said.contains("<xmax> is \"3o\"; a number of pixels is wanted"), "{said}");
    let said = fault(&voc(&["<object><name>stop</name></object>\n".to_owned()]));
    assert!(said.contains("x.xml:3:1: <object> has no <bndbox>"), "{said}");
    let said = fault(&voc(&[object(" ", ["1", "2", "3", "4"], 0)]));
    assert!(said.contains("x.xml:4:5: <name> is empty"), "{said}");
    let said = fault("<annotation>\n  <object>\n</annotation>");
    assert!(said.contains("x.xml:3:") && said.contains("not well-formed XML"), "{said}");
    let said = fault("<html/>");
    assert!(said.contains("x.xml:1:1: the outermost element is <html>; Pascal VOC has <annotation>"), "{said}");
}

#[test]
fn coco_faults_have_a_line_or_name_the_entry() {
    let dir = tempfile::tempdir().expect("a directory");
    let fault = |text: &str| {
        write(dir.path(), "c.json", text);
        Labels::load(dir.path()).expect_err("a fault").to_string()
    };
    let said = fault(&COCO.replace("[5, 5, 0, 4]", "[5, 5, 0]"));
    assert!(said.contains("c.json:9:") && said.contains("not a COCO file: invalid length 3"), "{said}");
    let said = fault(&COCO.replace("\"image_id\": 10", "\"image_id\": 11"));
    assert!(said.contains("annotation 2 names image_id 11") && said.contains("\"images\""), "{said}");
    let said = fault(&COCO.replace("\"category_id\": 44", "\"category_id\": 45"));
    assert!(said.contains("annotation 0 names category_id 45") && said.contains("\"categories\""), "{said}");
    assert!(fault("{}").contains("missing field `images`"));
}

#[test]
fn a_directory_must_be_of_one_kind() {
    let dir = tempfile::tempdir().expect("a directory");
    let fault = || Labels::load(dir.path()).expect_err("a fault").to_string();
    assert!(fault().contains("neither Pascal VOC .xml files nor a COCO .json file"));
    write(dir.path(), "a.json", COCO);
    write(dir.path(), "b.json", COCO);
    assert!(fault().contains("0 .xml files and 2 .json files"));
    let missing = Labels::load(&dir.path().join("none.json")).expect_err("a fault").to_string();
    assert!(missing.contains("none.json: cannot read the labels"), "{missing}");
}

proptest! {
    #[test]
    fn damaged_label_files_never_panic(
        xml: bool, cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), with in "[ -~é]{0,6}",
    ) {
        let whole = if xml { voc(&[object("stop", ["1", "2", "3", "4"], 0)]) } else { COCO.to_owned() };
        let (cut, at) = (cut.index(whole.len()), at.index(whole.len()));
        let damaged = format!("{}{with}{}", &whole[..at.min(cut)], &whole[at.max(cut)..]);
        let dir = tempfile::tempdir().expect("a directory");
        write(dir.path(), if xml { "x.xml" } else { "x.json" }, &damaged);
        if let Ok(labels) = Labels::load(dir.path()) {
            let boxes = labels.images.iter().flatten();
            for item in boxes {
                prop_assert!(usize::from(item.class) < labels.classes().len());
                prop_assert!(item.x_max > item.x_min && item.y_max > item.y_min);
            }
        }
    }
}
