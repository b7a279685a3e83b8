use super::*;
use proptest::prelude::*;

fn truth(x: f32, class: u8) -> Truth {
    Truth { x_min: x, y_min: 0.0, x_max: x + 10.0, y_max: 10.0, class, ..Truth::default() }
}

fn found(x: f32, score: f32, class: u8) -> Detection {
    Detection { x_min: x, y_min: 0.0, x_max: x + 10.0, y_max: 10.0, score, class }
}

fn result(frames: &[(Vec<Truth>, Vec<Detection>)]) -> Accuracy {
    let mut accumulator = AccuracyAccumulator::new();
    for (truths, detections) in frames {
        accumulator.add(truths, detections);
    }
    accumulator.finish()
}

#[test]
fn nothing_there_is_no_number_at_all() {
    assert_eq!(result(&[]), Accuracy::default());
    let only_false = result(&[(vec![], vec![found(0.0, 0.9, 4)])]);
    assert_eq!(only_false, Accuracy::default(), "a class without truth is left out");
}

#[test]
fn a_missed_truth_and_a_better_scored_false_box_cost_what_the_curve_says() {
    let half = result(&[(vec![truth(0.0, 1), truth(50.0, 1)], vec![found(0.0, 0.9, 1)])]);
    // Recall 0.00 to 0.50 at precision 1: 51 of 101 points.
    assert!((half.ap.unwrap() - 51.0 / 101.0).abs() < 1e-12);
    let behind = result(&[(vec![truth(0.0, 1)], vec![found(50.0, 0.95, 1), found(0.0, 0.9, 1)])]);
    assert!((behind.ap.unwrap() - 0.5).abs() < 1e-12);
    let before = result(&[(vec![truth(0.0, 1)], vec![found(50.0, 0.5, 1), found(0.0, 0.9, 1)])]);
    assert_eq!(before.ap, Some(1.0), "a false box after the last true one costs nothing");
}

#[test]
fn a_truth_is_found_once_and_only_by_its_class() {
    let twice = result(&[(
        vec![truth(0.0, 1), truth(90.0, 1)],
        vec![found(0.0, 0.9, 1), found(0.0, 0.8, 1), found(90.0, 0.7, 1)],
    )]);
    // The second box on the same truth is false: precision 1 to recall 0.5, then 2/3.
    assert!((twice.ap50.unwrap() - (51.0 + 50.0 * 2.0 / 3.0) / 101.0).abs() < 1e-12);
    assert_eq!(result(&[(vec![truth(0.0, 1)], vec![found(0.0, 0.9, 2)])]).ap, Some(0.0));
}

#[test]
fn the_mean_is_over_classes_not_boxes() {
    let mixed =
        result(&[(vec![truth(0.0, 1), truth(20.0, 1), truth(40.0, 3)], vec![found(0.0, 0.9, 1), found(20.0, 0.8, 1)])]);
    assert_eq!(mixed.ap, Some(0.5));
    assert_eq!(mixed.per_class.iter().map(|class| (class.class, class.truths)).collect::<Vec<_>>(), [(1, 2), (3, 1)]);
}

#[test]
fn what_is_found_in_a_crowd_is_neither_right_nor_wrong() {
    let crowd = Truth { x_min: 100.0, x_max: 200.0, crowd: true, ..truth(100.0, 1) };
    let in_crowd = [found(110.0, 0.99, 1), found(130.0, 0.98, 1), found(150.0, 0.97, 1)];
    let one = found(0.0, 0.5, 1);
    let with = result(&[(vec![truth(0.0, 1), crowd], [&in_crowd[..], &[one]].concat())]);
    assert_eq!((with.ap, with.per_class[0].truths), (Some(1.0), 1));
    let outside = result(&[(vec![truth(0.0, 1), crowd], vec![found(300.0, 0.9, 1), one])]);
    assert!((outside.ap.unwrap() - 0.5).abs() < 1e-12, "beyond the crowd it is wrong");
    assert_eq!(result(&[(vec![crowd], in_crowd.to_vec())]), Accuracy::default(), "a crowd alone is no truth");
}

#[test]
fn what_is_of_another_size_is_neither_right_nor_wrong() {
    let square = |x: f32, side: f32| Truth { x_min: x, x_max: x + side, y_max: side, class: 1, ..Truth::default() };
    let seen = |truth: Truth, score: f32| Detection {
        x_min: truth.x_min,
        y_min: truth.y_min,
        x_max: truth.x_max,
        y_max: truth.y_max,
        score,
        class: truth.class,
    };
    let (small, medium, none) = (square(0.0, 20.0), square(100.0, 50.0), square(300.0, 200.0));
    let found = vec![seen(none, 0.99), seen(small, 0.9)];
    let accuracy = result(&[(vec![small, medium], found.clone())]);
    assert_eq!((accuracy.ap_small, accuracy.ap_medium, accuracy.ap_large), (Some(1.0), Some(0.0), None));
    assert!(accuracy.ap.unwrap() < 0.5, "over all sizes the large one is wrong and the medium one missed");
    let outline = Truth { area: Some(900.0), ..medium };
    let by_outline = result(&[(vec![small, outline], found)]);
    assert!((by_outline.ap_small.unwrap() - 51.0 / 101.0).abs() < 1e-12, "by its outline it is small, and missed");
    assert_eq!(by_outline.ap_medium, None);
    let both = square(0.0, 32.0);
    let accuracy = result(&[(vec![both], vec![seen(both, 0.9)])]);
    assert_eq!(
        (accuracy.ap_small, accuracy.ap_medium),
        (Some(1.0), Some(1.0)),
        "32 by 32 is both, as in the reference"
    );
}

fn frames() -> impl Strategy<Value = Vec<(Vec<Truth>, Vec<Detection>)>> {
    let truth = (0.0_f32..60.0, 0_u8..3).prop_map(|(x, class)| truth(x, class));
    let found = (0.0_f32..60.0, 0.0_f32..1.0, 0_u8..3).prop_map(|(x, score, class)| found(x, score, class));
    prop::collection::vec((prop::collection::vec(truth, 0..5), prop::collection::vec(found, 0..8)), 0..8)
}

proptest! {
    #[test]
    fn merging_is_adding(frames in frames(), cut in 0_usize..8) {
        let (first, second) = frames.split_at(cut.min(frames.len()));
        let (mut one, mut two) = (AccuracyAccumulator::new(), AccuracyAccumulator::new());
        first.iter().for_each(|(truths, found)| one.add(truths, found));
        second.iter().for_each(|(truths, found)| two.add(truths, found));
        one.merge(&two);
        prop_assert_eq!(one.frames(), frames.len() as u64);
        prop_assert_eq!(one.finish(), result(&frames));
    }

    #[test]
    fn finding_exactly_what_is_there_is_perfect_and_nothing_beats_it(frames in frames()) {
        let perfect: Vec<_> = frames
            .iter()
            .map(|(truths, _)| (truths.clone(), truths.iter().map(|t| found(t.x_min, 0.9, t.class)).collect()))
            .collect();
        let best = result(&perfect);
        if let Some(ap) = best.ap {
            prop_assert!((ap - 1.0).abs() < 1e-12);
        }
        let real = result(&frames);
        prop_assert_eq!(real.ap.is_some(), best.ap.is_some());
for value in [real.ap, real.ap50].into_iter().flatten() {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&value));
        }
    }
}
