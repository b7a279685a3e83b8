use super::*;
use proptest::prelude::*;

fn gradient(width: u32, height: u32) -> Vec<u8> {
    let pixel = |x: u32, y: u32| [(x * 255 / width) as u8, (y * 255 / height) as u8, 60];
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect()
}

proptest! {
    #[test]
    fn the_content_fits_and_touches_one_side(width in 1_u32..3000, height in 1_u32..3000, to in 32_u32..700, too in 32_u32..700) {
        let letterbox = Letterbox::fit((width, height), (to, too));
        prop_assert!(letterbox.content_width <= to && letterbox.content_height <= too);
        prop_assert!(letterbox.content_width == to || letterbox.content_height == too);
        prop_assert!(letterbox.content_width >= 1 && letterbox.content_height >= 1);
    }

    #[test]
    fn a_box_comes_back_where_it_was(
        (width, height) in (200_u32..2000, 200_u32..2000),
        (left, top, right, bottom) in (0.0_f32..0.5, 0.0_f32..0.5, 0.55_f32..1.0, 0.55_f32..1.0),
    ) {
        let letterbox = Letterbox::fit((width, height), (416, 416));
        let (w, h) = (width as f32, height as f32);
        let original = Detection { x_min: left * w, y_min: top * h, x_max: right * w, y_max: bottom * h, score: 0.5, class: 3 };
        let in_input = Detection {
            x_min: original.x_min * letterbox.scale,
            y_min: original.y_min * letterbox.scale,
            x_max: original.x_max * letterbox.scale,
            y_max: original.y_max * letterbox.scale,
            ..original
        };
        let back = letterbox.to_frame(&in_input).unwrap();
        prop_assert!(back.iou(&original) > 0.999);
        prop_assert_eq!((back.score, back.class), (original.score, original.class));
    }
}

#[test]
fn boxes_are_clipped_and_what_is_outside_or_no_number_is_dropped() {
    let letterbox = Letterbox::fit((100, 50), (50, 50));
    let at = |x_min, y_min, x_max, y_max| Detection { x_min, y_min, x_max, y_max, ..Detection::default() };
    let clipped = letterbox.to_frame(&at(-10.0, -10.0, 90.0, 20.0)).unwrap();
    assert_eq!(clipped, at(0.0, 0.0, 100.0, 40.0));
    assert_eq!(letterbox.to_frame(&at(10.0, 30.0, 20.0, 45.0)), None, "lies in the padding");
    assert_eq!(letterbox.to_frame(&at(f32::NAN, 1.0, 20.0, 5.0)), None);
}

#[test]
fn the_frame_lies_top_left_and_the_rest_is_padding() {
    let pixels = gradient(80, 40);
    let frame = RgbView::new(&pixels, 80, 40).unwrap();
    let mut input = vec![9; 32 * 32 * 3];
    let letterbox = Letterboxer::new().draw(frame, (32, 32), [1, 2, 3], &mut input).unwrap();
    assert_eq!((letterbox.content_width, letterbox.content_height), (32, 16));
    let pixel = |x: usize, y: usize| &input[(y * 32 + x) * 3..][..3];
    for y in 16..32 {
        assert!((0..32).all(|x| pixel(x, y) == [1, 2, 3]));
    }
    for y in 0..16 {
        for x in 0..32 {
            let ideal = [(x as f32 + 0.5) * 2.5 / 80.0 * 255.0, (y as f32 + 0.5) * 2.5 / 40.0 * 255.0];
            assert!((f32::from(pixel(x, y)[0]) - ideal[0]).abs() < 6.0, "{x},{y}: {:?} {ideal:?}", pixel(x, y));
            assert!((f32::from(pixel(x, y)[1]) - ideal[1]).abs() < 6.0, "{x},{y}: {:?} {ideal:?}", pixel(x, y));
        }
    }
}

#[test]
fn shrinking_averages_instead_of_picking() {
    let stripes: Vec<u8> = (0..64 * 64).flat_map(|index| [if index % 2 == 0 { 0 } else { 255 }; 3]).collect();
    let mut input = vec![0; 32 * 32 * 3];
    Letterboxer::new().draw(RgbView::new(&stripes, 64, 64).unwrap(), (32, 32), [0; 3], &mut input).unwrap();
    let middle: Vec<u8> = input.chunks(96).flat_map(|row| row[6..90].to_vec()).collect();
    assert!(middle.iter().all(|value| (100..156).contains(value)), "one-pixel stripes become grey");
}

#[test]
fn a_frame_of_the_inputs_size_is_copied_and_a_wrong_destination_refused() {
    let pixels = gradient(40, 32);
    let frame = RgbView::new(&pixels, 40, 32).unwrap();
    let mut same = vec![0; pixels.len()];
    Letterboxer::new().draw(frame, (40, 32), [0; 3], &mut same).unwrap();
    assert_eq!(same, pixels);
    let error = Letterboxer::new().draw(frame, (40, 32), [0; 3], &mut [0; 7]).unwrap_err();
    assert!(matches!(error, LetterboxError::Destination { expected_bytes: Some(3840), bytes: 7, .. }));
}
