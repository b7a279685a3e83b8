use allocation::model_config::{Coding, Payload};
use proptest::prelude::*;

use super::*;
use crate::image::RgbView;

/// Smooth colours with some texture, as a camera sees them.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let wave = |x: u32, y: u32, k: f32| (128.0 + 90.0 * (x as f32 / 17.0 + y as f32 / 23.0 + k).sin()) as u8;
    (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [wave(x, y, 0.0), wave(x, y, 1.0), wave(x, y, 2.0)]))
        .collect()
}

fn coded(payload: Payload, width: u32, height: u32) -> (Vec<u8>, Encoded) {
    let pixels = picture(width, height);
    let mut slot = vec![0; 1 << 20];
    let frame = RgbView::new(&pixels, width, height).unwrap();
    let encoded = ImageEncoder::new().encode(payload, (64, 48), frame, &mut slot).unwrap();
    slot.truncate(encoded.bytes);
    (slot, encoded)
}

fn every_payload() -> Vec<Payload> {
    let codings = [50, 75, 90, 95].map(Coding::Jpeg).into_iter().chain([Coding::Png]);
    codings.flat_map(|coding| [Payload::Frame(coding), Payload::Input(coding)]).chain([Payload::RawInput]).collect()
}

fn mean_error(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

#[test]
fn every_payload_comes_back_as_the_picture_it_was() {
    let frame = picture(200, 120);
    let mut input = vec![0; 64 * 48 * 3];
    let view = RgbView::new(&frame, 200, 120).unwrap();
    crate::letterbox::Letterboxer::new().draw(view, (64, 48), [114; 3], &mut input).unwrap();
    let mut decoder = ImageDecoder::new();
    for payload in every_payload() {
        let (bytes, encoded) = coded(payload, 200, 120);
        let mut out = vec![1, 2, 3];
        let size = decoder.decode(WireCoding::of(payload), &bytes, encoded.width, encoded.height, &mut out).unwrap();
        assert_eq!(size, (encoded.width, encoded.height));
        let (expected, whole) = match payload {
            Payload::Frame(_) => (&frame, (200, 120)),
            _ => (&input, (64, 48)),
        };
        assert_eq!(size, whole);
        let lossless = matches!(WireCoding::of(payload), WireCoding::Raw | WireCoding::Png);
        let error = mean_error(&out, expected);
        assert!(error <= if lossless { 0.0 } else { 9.0 }, "{payload:?}: {error}");
    }
}

#[test]
fn a_lower_quality_is_smaller_and_chroma_is_halved_at_every_quality() {
    let sizes: Vec<usize> = [50, 75, 90, 95].map(|q| coded(Payload::Frame(Coding::Jpeg(q)), 320, 240).1.bytes).into();
    assert!(sizes.is_sorted() && sizes[0] < sizes[3], "{sizes:?}");
    for quality in [50, 95] {
        let (bytes, _) = coded(Payload::Frame(Coding::Jpeg(quality)), 320, 240);
        let header = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        assert_eq!(bytes[header + 11], 0x22, "luma is sampled 2x2 at quality {quality}");
    }
}

#[test]
fn a_slot_too_small_is_an_error_of_its_own_at_every_length() {
    let pixels = picture(64, 48);
    let frame = RgbView::new(&pixels, 64, 48).unwrap();
    for payload in every_payload() {
        let (whole, _) = coded(payload, 64, 48);
        for capacity_bytes in [0, 1, 10, 100, whole.len() / 2, whole.len() - 1] {
            let mut slot = vec![0; capacity_bytes];
            let error = ImageEncoder::new().encode(payload, (64, 48), frame, &mut slot).unwrap_err();
            assert_eq!(error, CodecError::TooLarge { width: 64, height: 48, capacity_bytes }, "{payload:?}");
        }
        let mut slot = vec![0; whole.len()];
        ImageEncoder::new().encode(payload, (64, 48), frame, &mut slot).unwrap();
        assert_eq!(slot, whole, "{payload:?} fits exactly");
    }
}

#[test]
fn announced_sizes_are_held_to() {
    let mut decoder = ImageDecoder::new();
    let mut out = Vec::new();
    for coding in [Coding::Jpeg(75), Coding::Png] {
        let (bytes, _) = coded(Payload::Frame(coding), 64, 48);
        let wire = WireCoding::of(Payload::Frame(coding));
        assert_eq!(ImageDecoder::size(wire, &bytes), Ok((64, 48)));
        assert_eq!(WireCoding::sniff(&bytes), Some(wire));
        let error = decoder.decode(wire, &bytes, 48, 64, &mut out).unwrap_err();
        assert_eq!(error, CodecError::NotAsAnnounced { coding: wire, found: (64, 48), announced: (48, 64) });
    }
    let error = decoder.decode(WireCoding::Raw, &[0; 10], 2, 2, &mut out).unwrap_err();
    assert_eq!(error, CodecError::RawLength { width: 2, height: 2, expected_bytes: 12, bytes: 10 });
    let error = decoder.decode(WireCoding::Jpeg, &[], u32::MAX, 2, &mut out).unwrap_err();
    assert_eq!(error, CodecError::Dimensions { width: u32::MAX, height: 2 });
    assert!(out.capacity() < 1 << 20, "nothing was allocated for sizes that were refused");
}

#[test]
fn a_header_that_lies_about_its_size_allocates_nothing() {
    let (mut bytes, _) = coded(Payload::Frame(Coding::Png), 64, 48);
    bytes[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let mut out = Vec::new();
    assert!(ImageDecoder::new().decode(WireCoding::Png, &bytes, 64, 48, &mut out).is_err());
    assert_eq!(out.capacity(), 0);
}

#[test]
fn png_of_other_colours_becomes_rgb() {
    for (colour, pixel, expected) in [
        (png::ColorType::Rgba, vec![10, 20, 30, 128], [10, 20, 30]),
        (png::ColorType::Grayscale, vec![77], [77; 3]),
        (png::ColorType::GrayscaleAlpha, vec![77, 3], [77; 3]),
    ] {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 5, 4);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(&pixel.repeat(20)).unwrap();
        let mut out = Vec::new();
        ImageDecoder::new().decode(WireCoding::Png, &bytes, 5, 4, &mut out).unwrap();
        assert_eq!(out, expected.repeat(20));
    }
}

fn whole_images() -> Vec<(WireCoding, Vec<u8>)> {
    let image = |coding| (WireCoding::of(Payload::Frame(coding)), coded(Payload::Frame(coding), 96, 64).0);
    vec![image(Coding::Jpeg(75)), image(Coding::Jpeg(95)), image(Coding::Png)]
}

#[test]
fn a_truncated_image_is_an_error_at_every_length() {
    let mut decoder = ImageDecoder::new();
    let mut out = Vec::new();
    for (coding, bytes) in whole_images() {
        for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
            let result = decoder.decode(coding, &bytes[..length], 96, 64, &mut out);
            assert!(result.is_err(), "{coding:?} cut to {length} of {} bytes", bytes.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn garbage_never_panics_and_never_grows_beyond_what_was_announced(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        coding in prop::sample::select(vec![WireCoding::Raw, WireCoding::Jpeg, WireCoding::Png]),
        start in prop::sample::select(vec![&b""[..], b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]),
        (width, height) in (0_u32..200, 0_u32..200),
    ) {
        let bytes = [start, &bytes].concat();
        let mut out = Vec::new();
        let _ = ImageDecoder::size(coding, &bytes);
        if let Ok(size) = ImageDecoder::new().decode(coding, &bytes, width, height, &mut out) {
            prop_assert_eq!(size, (width, height));
            prop_assert_eq!(out.len(), width as usize * height as usize * 3);
        }
        prop_assert!(out.capacity() <= (width * height * 3).max(8) as usize);
    }

    #[test]
    fn damaged_images_are_an_error_or_a_picture_of_the_announced_size(
        which in 0_usize..3,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let (coding, mut bytes) = whole_images().swap_remove(which);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut out = Vec::new();
        match ImageDecoder::new().decode(coding, &bytes, 96, 64, &mut out) {
            Ok(size) => prop_assert_eq!((size, out.len()), ((96, 64), 96 * 64 * 3)),
            Err(error) => prop_assert!(!error.to_string().contains("panicked"), "{}", error),
        }
    }
}
