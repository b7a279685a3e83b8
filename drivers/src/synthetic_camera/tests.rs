use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use std::time::Duration;

use super::*;
use crate::camera::{Camera, Wait};

const STREET: StreetConfig = StreetConfig { seed: 11, camera: 1, width: 320, height: 192, fps: 100.0 };

#[test]
fn frames_and_truth_are_those_of_the_street_for_the_scene_number() {
    let mut camera: SyntheticCamera<Vec<u8>> = STREET.camera(Pace::new(Monotonic::now(), STREET.fps).expect("a rate"));
    assert_eq!(Camera::<Vec<u8>>::frame_bytes(&camera), 320 * 192 * 3);
    camera.queue(vec![0; 320 * 192 * 3 + 5]).map_err(|(_, error)| error).expect("room");
    let mut street = StreetScene::new(11, 1, 320, 192).with_fps(100);
    let mut expected = vec![0; 320 * 192 * 3];
    let bell = Doorbell::futex();
    for _ in 0..3 {
        let wait = Wait::new(&bell, Monotonic::now().plus(Duration::from_secs(3600)));
        let frame = camera.dequeue(&wait).expect("no fault").expect("a slot is queued");
        street.render(frame.scene, &mut expected).expect("it fits");
        assert!(frame.slot[..expected.len()] == expected[..], "another picture than scene {}", frame.scene);
        assert_eq!(frame.slot[expected.len()..], [0; 5], "nothing is written behind the frame");
        camera.queue(frame.slot).map_err(|(_, error)| error).expect("room");
    }
}

#[test]
fn the_truth_repeats_and_its_boxes_lie_in_the_picture() {
    let (mut truth, mut again) = (STREET.truth(), STREET.truth());
    assert_eq!(truth.classes(), CLASSES);
    let (mut boxes, mut other, mut seen) = (Vec::new(), Vec::new(), 0);
    for scene in (0..4000).step_by(97) {
        assert!(truth.boxes(scene, &mut boxes) && again.boxes(scene, &mut other));
        assert_eq!(boxes, other);
        seen += boxes.len();
        for item in &boxes {
            assert!(0.0 <= item.x_min && item.x_min < item.x_max && item.x_max <= 320.0, "{item:?}");
            assert!(0.0 <= item.y_min && item.y_min < item.y_max && item.y_max <= 192.0, "{item:?}");
            assert!(usize::from(item.class) < CLASSES.len() && !item.ignore);
        }
    }
    assert!(seen > 20, "{seen} objects in 42 scenes");
}
