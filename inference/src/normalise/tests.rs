use super::*;

#[test]
fn planes_are_what_the_formula_says_and_padding_is_replaced() {
    let pixels: Vec<u8> = (0..4 * 3 * 3).map(|index| index * 7).collect();
    let (mean, std) = ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7]);
    let mut planes = vec![9.0; 36];
    let input = RgbView::new(&pixels, 4, 3).unwrap();
    assert!(Normalisation::mean_std(mean, std).write(input, (3, 2), &mut planes));
    for channel in 0..3 {
        for y in 0..3 {
            for x in 0..4 {
                let value = f32::from(pixels[(y * 4 + x) * 3 + channel]) / 255.0;
                let expected = if x < 3 && y < 2 { (value - mean[channel]) / std[channel] } else { 0.0 };
                let found = planes[channel * 12 + y * 4 + x];
                assert!((found - expected).abs() < 1e-5, "{channel} {x},{y}: {found} {expected}");
            }
        }
    }
}

#[test]
fn yolox_reads_blue_first_and_pads_with_114() {
    let mut planes = vec![0.0; 6];
    let input = RgbView::new(&[10, 20, 30, 1, 1, 1], 2, 1).unwrap();
    assert!(Normalisation::bgr_255().write(input, (1, 1), &mut planes));
    assert_eq!(planes, [30.0, 114.0, 20.0, 114.0, 10.0, 114.0]);
}

#[test]
fn sizes_that_disagree_write_nothing() {
    let mut planes = vec![7.0; 5];
    let input = RgbView::new(&[0; 6], 2, 1).unwrap();
    assert!(!Normalisation::bgr_255().write(input, (2, 1), &mut planes));
    assert!(!Normalisation::bgr_255().write(input, (3, 1), &mut [0.0; 6]));
    assert_eq!(planes, [7.0; 5]);
}
