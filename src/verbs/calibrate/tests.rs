use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: CalibrateArgs,
}

fn parse(line: &str) -> Result<CalibrateArgs, String> {
    Line::try_parse_from(line.split(' ')).map(|line| line.args).map_err(|error| error.to_string())
}

#[test]
fn models_are_named_by_the_user_or_by_their_files() {
    let named = |name: &str, file: &str| NamedModel { name: name.to_owned(), file: file.into() };
    assert_eq!(model("edd1=m/a=b.onnx"), Ok(named("edd1", "m/a=b.onnx")));
    assert_eq!(model("models/turbo-edd0.onnx"), Ok(named("turbo-edd0", "models/turbo-edd0.onnx")));
    for wrong in ["", "=a.onnx", "edd1=", "edd 1=a.onnx", "a\nb=c.onnx", "é=c.onnx"] {
        assert!(model(wrong).is_err_and(|error| error.contains("NAME=FILE")), "{wrong:?}");
    }
}

#[test]
fn sizes_are_two_sides_that_a_camera_can_have() {
    assert_eq!(size("960x576"), Ok((960, 576)));
    assert_eq!(size("16x16384"), Ok((16, 16_384)));
    for wrong in ["", "960", "960x", "15x16", "16x16385", "-1x20", "9x9x9", "960X576"] {
        assert!(size(wrong).is_err_and(|error| error.contains("960x576")), "{wrong:?}");
    }
}

#[test]
fn the_command_line_has_the_documented_defaults() {
    let args =
        parse("turbo --vehicle-model v.onnx --cloud-model a=a.onnx --cloud-model b=b.onnx --out t.yaml").unwrap();
    assert_eq!((args.scenes, args.size, args.threads, args.json), (None, (960, 576), 1, false));
    assert_eq!(args.cloud_models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert!(![1000, 900_000].contains(&args.seed), "a seed that training or its evaluation used");
    assert!(parse("turbo --vehicle-model v.onnx --out t.yaml").is_err_and(|error| error.contains("--cloud-model")));
    let none = "turbo --vehicle-model v.onnx --cloud-model a=a.onnx --scenes 0 --out t.yaml";
    assert!(parse(none).is_err_and(|error| error.contains("--scenes")));
}

#[test]
fn photographs_come_with_labels_and_without_the_street() {
    let line = |rest: &str| format!("turbo --vehicle-model v.onnx --cloud-model a=a.onnx --out t.yaml {rest}");
    assert!(parse(&line("--images p --labels l.json")).is_ok());
    assert!(parse(&line("--images p")).is_err_and(|error| error.contains("--labels")));
    assert!(parse(&line("--labels l.json")).is_err_and(|error| error.contains("--images")));
    assert!(parse(&line("--images p --labels l.json --seed 3")).is_err_and(|error| error.contains("--seed")));
    let args = parse(&line("--images no-such --labels no-such.json")).unwrap();
    assert!(matches!(run(&args), Err(Failure::Config(text)) if text.contains("no-such.json: cannot read the labels")));
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_measured() {
    let args = parse("turbo --vehicle-model v.onnx --cloud-model a=a.onnx --out no-such-folder/t.yaml").unwrap();
    assert!(matches!(run(&args), Err(Failure::Usage(text)) if text.contains("no folder no-such-folder")));
}

#[test]
fn names_must_differ_and_files_be_detectors() {
    let args =
        parse("turbo --vehicle-model v.onnx --cloud-model a=a.onnx --cloud-model a=b.onnx --out t.yaml").unwrap();
    assert!(matches!(run(&args), Err(Failure::Usage(text)) if text.contains("\"a\" is given twice")));
    let args = parse("turbo --vehicle-model no-such.onnx --cloud-model a=a.onnx --out t.yaml").unwrap();
    assert!(matches!(run(&args), Err(Failure::Config(text)) if text.contains("no-such.onnx")));
}
