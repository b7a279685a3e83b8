//! The promises of the street: repeatable, in bounds, and the picture agrees with the truth.

use super::*;

fn frame(seed: u64, camera: u32, number: u64) -> Vec<u8> {
    let mut scene = StreetScene::new(seed, camera, 320, 192);
    let mut out = vec![0; scene.bytes()];
    scene.render(number, &mut out).unwrap();
    out
}

#[test]
fn the_same_frame_twice_is_the_same_bytes() {
    assert_eq!(frame(3, 1, 77), frame(3, 1, 77));
}

#[test]
fn seed_camera_and_frame_all_matter() {
    let base = frame(3, 1, 77);
    for other in [frame(4, 1, 77), frame(3, 2, 77), frame(3, 1, 78)] {
        assert_ne!(base, other);
    }
}

#[test]
fn a_short_buffer_is_an_error_that_names_both_sizes() {
    let mut scene = StreetScene::new(0, 0, 64, 48);
    let result = scene.render(0, &mut [0; 100]);
    assert_eq!(result, Err(SceneError::Buffer { got: 100, need: 64 * 48 * 3 }));
}

#[test]
fn truth_stays_in_the_picture_and_shows_every_class() {
    let mut seen = [0_u32; 4];
    let mut truth = TruthBoxes::default();
    for camera in 0..4 {
        let scene = StreetScene::new(11, camera, 960, 576);
        for number in (0..4000).step_by(37) {
            scene.truth(number, &mut truth);
            for b in truth.iter() {
                assert!(b.x0 >= 0.0 && b.y0 >= 0.0 && b.x1 <= 960.0 && b.y1 <= 576.0, "{b:?}");
                assert!(b.x1 - b.x0 >= 6.0 && b.y1 - b.y0 >= 6.0 && (0.3..=1.0).contains(&b.visible), "{b:?}");
                seen[b.class as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|&n| n > 100), "{seen:?}");
}

#[test]
fn truth_does_not_depend_on_what_was_rendered() {
    let mut scene = StreetScene::new(5, 0, 320, 192);
    let (mut before, mut after) = (TruthBoxes::default(), TruthBoxes::default());
    scene.truth(200, &mut before);
    let mut out = vec![0; scene.bytes()];
    scene.render(9, &mut out).unwrap();
    scene.truth(200, &mut after);
    assert_eq!(*before, *after);
}

#[test]
fn frame_rate_changes_time_not_content() {
    let (slow, fast) = (StreetScene::new(5, 0, 320, 192).with_fps(5), StreetScene::new(5, 0, 320, 192).with_fps(30));
    let (mut a, mut b) = (TruthBoxes::default(), TruthBoxes::default());
    slow.truth(25, &mut a);
    fast.truth(150, &mut b);
    assert_eq!(*a, *b);
}
