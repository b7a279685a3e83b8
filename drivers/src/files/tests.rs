use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

use super::*;
use crate::camera::{Camera, Wait};

fn picture(width: u32, height: u32) -> Vec<u8> {
    (0..width * height * 3).map(|k| (k * 7 % 251) as u8).collect()
}

fn coded_jpeg(width: u16, height: u16, progressive: bool) -> Vec<u8> {
    let mut coded = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut coded, 90);
    encoder.set_progressive(progressive);
    let smooth: Vec<u8> = (0..u32::from(width) * u32::from(height))
        .flat_map(|k| [(k % u32::from(width)) as u8, (k / u32::from(width)) as u8, 90])
        .collect();
    encoder.encode(&smooth, width, height, jpeg_encoder::ColorType::Rgb).expect("encoded");
    coded
}

fn coded_png(width: u32, height: u32, color: png::ColorType, depth: png::BitDepth, samples: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let mut encoder = png::Encoder::new(&mut coded, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 200, 100, 50]);
    }
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(samples).expect("pixels");
    writer.finish().expect("an end");
    coded
}

fn rgb_png(width: u32, height: u32) -> Vec<u8> {
    coded_png(width, height, png::ColorType::Rgb, png::BitDepth::Eight, &picture(width, height))
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn png_kinds_become_rgb() {
    use png::{BitDepth, ColorType};
    let rgb = |color, depth, samples: &[u8]| decode(&coded_png(2, 1, color, depth, samples)).expect("decoded").rgb;
    assert_eq!(rgb(ColorType::Rgb, BitDepth::Eight, &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(rgb(ColorType::Grayscale, BitDepth::Eight, &[9, 200]), [9, 9, 9, 200, 200, 200]);
    assert_eq!(rgb(ColorType::Grayscale, BitDepth::One, &[0b0100_0000]), [0, 0, 0, 255, 255, 255]);
    assert_eq!(rgb(ColorType::GrayscaleAlpha, BitDepth::Eight, &[9, 0, 200, 255]), [9, 9, 9, 200, 200, 200]);
    assert_eq!(rgb(ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 0, 4, 5, 6, 255]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(rgb(ColorType::Indexed, BitDepth::One, &[0b0100_0000]), [10, 20, 30, 200, 100, 50]);
    let deep = [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0];
    assert_eq!(rgb(ColorType::Rgb, BitDepth::Sixteen, &deep), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn jpeg_kinds_become_rgb() {
    for progressive in [false, true] {
        let image = decode(&coded_jpeg(40, 24, progressive)).expect("decoded");
        assert_eq!((image.width, image.height, image.rgb.len()), (40, 24, 40 * 24 * 3));
        let at = |x: usize, y: usize| &image.rgb[(y * 40 + x) * 3..][..3];
        for (x, y) in [(3, 5), (30, 20), (20, 10)] {
            let [r, g, b] = at(x, y) else { panic!("a pixel") };
            let near = |value: &u8, wanted: usize| (i32::from(*value) - wanted as i32).abs() < 12;
            assert!(near(r, x) && near(g, y) && near(b, 90), "({x}, {y}) is {:?}", at(x, y));
        }
    }
    let mut grey = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut grey, 90);
    encoder.encode(&[128; 64], 8, 8, jpeg_encoder::ColorType::Luma).expect("encoded");
    let image = decode(&grey).expect("decoded");
    assert_eq!(image.rgb.len(), 192);
    assert!(image.rgb.iter().all(|&value| (126..=130).contains(&value)), "{:?}", image.rgb);
}

#[test]
fn an_image_cut_short_anywhere_is_an_error() {
    for coded in [coded_jpeg(48, 32, false), coded_jpeg(48, 32, true), rgb_png(20, 10)] {
        for len in 0..coded.len() {
            let error = decode(&coded[..len]).expect_err("cut short");
            let expected = matches!(error, ImageError::Truncated { bytes, .. } if bytes == len);
            assert!(expected || (len < 4 && matches!(error, ImageError::Format { .. })), "{len} bytes: {error}");
        }
    }
}

#[test]
fn too_large_or_other_images_are_refused_by_their_headers() {
    let error = decode(&rgb_png(8193, 1)).expect_err("too wide").to_string();
    assert_eq!(error, "the image is 8193 × 1 pixels; 8192 a side is the most");
    let tall = decode(&coded_jpeg(8, 8200, false)).expect_err("too high");
    assert_eq!(tall, ImageError::TooLarge { width: 8, height: 8200, most: 8192 });
    assert!(
        decode(b"").expect_err("empty").to_string().starts_with("neither a JPEG nor a PNG image: it begins with []")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_bytes_never_make_the_decoder_panic(
        kind in 0_usize..3,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        do_cut: bool,
    ) {
        let mut coded = match kind {
            0 => coded_jpeg(48, 32, false),
            1 => coded_jpeg(48, 32, true),
            _ => rgb_png(20, 10),
        };
        for (at, value) in &damage {
            let at = at.index(coded.len());
            coded[at] = *value;
        }
        if do_cut {
            coded.truncate(cut.index(coded.len()) + 1);
        }
        if let Ok(image) = decode(&coded) {
            prop_assert_eq!(image.rgb.len(), image.width as usize * image.height as usize * 3);
        }
    }

    #[test]
    fn arbitrary_bytes_behind_a_right_beginning_never_make_the_decoder_panic(
        jpeg: bool, bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut coded = if jpeg { vec![0xff, 0xd8, 0xff] } else { b"\x89PNG\r\n\x1a\n".to_vec() };
        coded.extend(bytes);
        if let Ok(image) = decode(&coded) {
            prop_assert_eq!(image.rgb.len(), image.width as usize * image.height as usize * 3);
        }
    }
}

#[test]
fn a_directory_is_shown_in_name_order_over_and_over_and_shared() {
    let dir = tempfile::tempdir().expect("a directory");
    write(dir.path(), "b.PNG", &rgb_png(6, 4));
    write(dir.path(), "a.jpeg", &coded_jpeg(16, 8, false));
    write(dir.path(), "c.png", &rgb_png(5, 9));
    write(dir.path(), "notes.txt", b"not a photograph");
    let set = Arc::new(FrameSet::open(dir.path(), DEFAULT_BUDGET_BYTES).expect("photographs"));
    assert_eq!(set.names().collect::<Vec<_>>(), ["a.jpeg", "b.PNG", "c.png"]);
    assert_eq!((set.len(), set.left_out(), set.largest(), set.frame_bytes()), (3, 0, (16, 9), 16 * 8 * 3));
    let pace = Pace::new(Monotonic::now(), 500.0).expect("a rate");
    let mut camera = FileCamera::of(Arc::clone(&set), 1, pace);
    assert_eq!(Camera::<Vec<u8>>::size(&camera), (16, 9));
    camera.queue(vec![0; set.frame_bytes()]).map_err(|(_, error)| error).expect("room");
    let bell = Doorbell::futex();
    let mut due = 0;
    for _ in 0..7 {
        let wait = Wait::new(&bell, Monotonic::now().plus(Duration::from_secs(3600)));
        let frame = camera.dequeue(&wait).expect("no fault").expect("a slot is queued");
        due += u64::from(frame.dropped_before);
        assert_eq!(frame.scene, (1 + due) % 3);
        let shown = set.image(frame.scene).expect("it exists");
        assert_eq!((frame.width, frame.height), (shown.width, shown.height));
        assert!(frame.slot[..shown.rgb.len()] == shown.rgb[..], "another picture");
        due += 1;
        camera.queue(frame.slot).map_err(|(_, error)| error).expect("room");
    }
}

#[test]
fn a_budget_leaves_out_the_last_and_says_how_many() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["1.png", "2.png", "3.png"] {
        write(dir.path(), name, &rgb_png(10, 10));
    }
    let open = |budget| FrameSet::open(dir.path(), budget);
    assert_eq!(open(900).map(|set| (set.len(), set.left_out())).expect("three"), (3, 0));
    assert_eq!(open(899).map(|set| (set.len(), set.left_out())).expect("two"), (2, 1));
    let error = open(299).expect_err("not even one").to_string();
    assert!(error.contains("1.png") && error.contains("takes 300 bytes") && error.contains("may take 299"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_shown_names_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let fault = || FrameSet::open(dir.path(), DEFAULT_BUDGET_BYTES).expect_err("a fault").to_string();
    assert!(fault().contains("there is no .jpg, .jpeg or .png file"));
    write(dir.path(), "good.png", &rgb_png(4, 4));
    let cut = coded_jpeg(64, 64, false);
    write(dir.path(), "street.jpg", &cut[..cut.len() / 2]);
    let said = fault();
    assert!(said.contains("street.jpg: the JPEG image is cut short after"), "{said}");
    write(dir.path(), "street.jpg", b"<html>");
    assert!(fault().contains("street.jpg: neither a JPEG nor a PNG image"));
    let missing = FrameSet::open("/nonexistent".as_ref(), 1).expect_err("a fault").to_string();
    assert!(missing.starts_with("/nonexistent: cannot list the photographs"), "{missing}");
}

#[test]
fn real_photographs_decode_and_have_labels() {
    let Some(signs) = testkit::data::shared("images/road-signs") else { return };
    use crate::ground_truth::{FileTruth, GroundTruth};
    let frames = Arc::new(FrameSet::open(&signs.join("images"), DEFAULT_BUDGET_BYTES).expect("photographs"));
    let labels = Arc::new(crate::labels::Labels::load(&signs).expect("labels"));
    assert_eq!((frames.len(), labels.images(), labels.left_out()), (60, 60, 0));
    assert_eq!(labels.classes(), ["crosswalk", "speedlimit", "stop", "trafficlight"]);
    let mut truth = FileTruth::new(Arc::clone(&frames), labels);
    assert_eq!(truth.labelled_frames(), 60);
    let mut boxes = Vec::new();
    for scene in 0..60 {
        assert!(truth.boxes(scene, &mut boxes) && !boxes.is_empty(), "{:?}", frames.name(scene));
        let image = frames.image(scene).expect("it exists");
        for item in &boxes {
            assert!(item.x_max <= image.width as f32 + 1.0 && item.y_max <= image.height as f32 + 1.0, "{item:?}");
        }
    }
    assert!(!truth.boxes(60, &mut boxes) && boxes.is_empty());
}
