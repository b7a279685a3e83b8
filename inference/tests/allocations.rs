//! What runs for every frame does not allocate once it is warm; the engine, here a stand-in, is not what is measured.
#![allow(clippy::unwrap_used, reason = "a test fails by saying so")]

use inference::detector::Detector;
use inference::engine::{Engine, EngineError, OutputInfo, Outputs};
use inference::image::RgbView;
use rt_core::detections::Detections;
use testkit::heap::count;

testkit::count_heap!();

/// The resizing library allocates the weights of each row and column of its result (171 × 128 here), and a few lists.
const RESIZER: u64 = 171 + 128 + 16;

fn allocations_of(run: impl FnOnce()) -> u64 {
    count(run).allocations()
}

struct Fixed {
    infos: Vec<OutputInfo>,
    tensors: Vec<Vec<f32>>,
}

impl Outputs for Fixed {
    fn output(&self, index: usize) -> Option<&[f32]> {
        self.tensors.get(index).map(Vec::as_slice)
    }
}

impl Engine for Fixed {
    fn input_shape(&self) -> [usize; 4] {
        [1, 3, 128, 256]
    }

    fn outputs(&self) -> &[OutputInfo] {
        &self.infos
    }

    fn metadata(&self, _: &str) -> Option<&str> {
        None
    }

    fn run(&mut self, _: &[f32]) -> Result<(), EngineError> {
        Ok(())
    }
}

/// An EfficientDet that is sure of far more than can be kept, the worst case for its decoder.
fn efficientdet() -> Fixed {
    let levels = || (3..8).map(|level| (128_usize.div_ceil(1 << level), 256_usize.div_ceil(1 << level)));
    let shapes = levels().map(|(h, w)| [1, 27, h, w]).chain(levels().map(|(h, w)| [1, 36, h, w]));
    let infos: Vec<_> = shapes.map(|shape| OutputInfo { name: String::new(), shape: shape.to_vec() }).collect();
    let value = |index: usize| (index * 7919 % 1000) as f32 / 250.0 - 2.0;
    let tensors = infos.iter().map(|info| (0..info.shape.iter().product()).map(value).collect()).collect();
    Fixed { infos, tensors }
}

/// A YOLOX, as sure.
fn yolox() -> Fixed {
    let cells = 16 * 32 + 8 * 16 + 4 * 8;
    let value = |index: usize| (index * 7919 % 1000) as f32 / 1000.0;
    let infos = vec![OutputInfo { name: "output".to_owned(), shape: vec![1, cells, 8] }];
    Fixed { infos, tensors: vec![(0..cells * 8).map(value).collect()] }
}

#[test]
fn nothing_is_allocated_for_an_input_and_only_filter_weights_for_a_frame() {
    for engine in [efficientdet(), yolox()] {
        let mut detector = Detector::with_engine(Box::new(engine), 0, 0).unwrap();
        let (input, frame) = (vec![90; 256 * 128 * 3], vec![90; 640 * 480 * 3]);
        let input = RgbView::new(&input, 256, 128).unwrap();
        let frame = RgbView::new(&frame, 640, 480).unwrap();
        let mut found = Detections::new();
        detector.detect_frame(frame, &mut found).unwrap();
        assert!(found.len() > 10, "there is something to do");
        for _ in 0..3 {
            let count = allocations_of(|| {
                detector.detect_input(input, (640, 480), &mut found).unwrap();
            });
            assert_eq!(count, 0, "{}", detector.info().family);
            let count = allocations_of(|| {
                detector.detect_frame(frame, &mut found).unwrap();
            });
            assert!(count <= RESIZER, "{}: {count} allocations for one frame", detector.info().family);
        }
    }
}
