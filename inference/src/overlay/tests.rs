use super::*;
use crate::codec::{ImageDecoder, WireCoding};

fn blank(width: u32, height: u32) -> Overlay {
    let pixels = vec![7; width as usize * height as usize * 3];
    Overlay::new(RgbView::new(&pixels, width, height).unwrap())
}

fn pixel(overlay: &Overlay, x: usize, y: usize) -> Colour {
    let start = (y * overlay.width as usize + x) * 3;
    overlay.pixels()[start..start + 3].try_into().unwrap()
}

#[test]
fn the_outline_is_drawn_and_the_inside_is_left_alone() {
    let mut overlay = blank(100, 80);
    let found = Detection { x_min: 20.0, y_min: 30.0, x_max: 60.0, y_max: 70.0, score: 0.5, class: 1 };
    overlay.detections(&[found], &["a".to_owned(), "b".to_owned()]);
    for (x, y) in [(20, 50), (59, 50), (40, 30), (40, 69)] {
        assert_eq!(pixel(&overlay, x, y), CLASS_COLOURS[1], "{x},{y}");
    }
    assert_eq!(pixel(&overlay, 40, 50), [7; 3]);
    assert_eq!(pixel(&overlay, 61, 50), [7; 3]);
    let label = (22..30).flat_map(|y| (20..60).map(move |x| (x, y))).map(|(x, y)| pixel(&overlay, x, y));
    assert!(label.clone().any(|colour| colour == [0; 3]) && label.clone().any(|colour| colour == CLASS_COLOURS[1]));
}

#[test]
fn boxes_and_text_beyond_the_picture_are_clipped() {
    let mut overlay = blank(30, 20);
    let far = Detection { x_min: -500.0, y_min: -9e9, x_max: f32::INFINITY, y_max: 900.0, score: 1.0, class: 200 };
    overlay.detections(&[far], &[]);
    overlay.truths(
        &[Truth { x_min: 25.0, y_min: 15.0, x_max: 400.0, y_max: 30.0, class: 0, ..Truth::default() }],
        &["é far too long".to_owned()],
    );
    overlay.caption("a caption that is wider than the picture");
    assert_eq!(overlay.pixels().len(), 30 * 20 * 3);
}

#[test]
fn the_file_holds_the_picture() {
    let mut overlay = blank(40, 30);
    overlay.caption("OK 1");
    let file = tempfile::NamedTempFile::new().unwrap();
    overlay.write_png(file.path()).unwrap();
    let mut back = Vec::new();
    let bytes = std::fs::read(file.path()).unwrap();
    ImageDecoder::new().decode(WireCoding::Png, &bytes, 40, 30, &mut back).unwrap();
    assert_eq!(back, overlay.pixels());
    let error = overlay.write_png(Path::new("/nonexistent/dir/x.png")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/dir/x.png"));
}
