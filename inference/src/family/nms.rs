//! Greedy non-maximum suppression, per class.

use rt_core::detections::{Detection, Detections};

/// Adds the boxes, which come best first, to `detections` unless one of the same class that overlaps them by more than
/// `iou` is there already; ends when `detections` is full. Boxes with a coordinate that is not a number are dropped.
pub(super) fn suppress(boxes: impl Iterator<Item = Detection>, iou: f32, detections: &mut Detections) {
    for candidate in boxes {
        let corners = [candidate.x_min, candidate.y_min, candidate.x_max, candidate.y_max];
        if corners.iter().any(|corner| !corner.is_finite()) {
            continue;
        }
        let overlaps = |kept: &Detection| kept.class == candidate.class && kept.iou(&candidate) > iou;
        if !detections.iter().any(overlaps) && detections.push(candidate).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rt_core::detections::MAX_DETECTIONS;

    fn any_box() -> impl Strategy<Value = Detection> {
        (0.0_f32..90.0, 0.0_f32..90.0, 1.0_f32..40.0, 1.0_f32..40.0, 0.0_f32..1.0, 0_u8..3).prop_map(
            |(x_min, y_min, width, height, score, class)| Detection {
                x_min,
                y_min,
                x_max: x_min + width,
                y_max: y_min + height,
                score,
                class,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_kept_does_not_overlap_and_what_is_dropped_does(mut boxes in prop::collection::vec(any_box(), 0..60)) {
            boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
            let mut kept = Detections::new();
            suppress(boxes.iter().copied(), 0.5, &mut kept);
            let clash = |a: &Detection, b: &Detection| a.class == b.class && a.iou(b) > 0.5;
            for (index, one) in kept.iter().enumerate() {
                prop_assert!(!kept.iter().skip(index + 1).any(|other| clash(one, other)));
            }
            for one in &boxes {
                let covered = kept.iter().any(|best| best.score >= one.score && (best == one || clash(best, one)));
                prop_assert!(covered);
            }
        }
    }

    #[test]
    fn ends_when_full_and_drops_what_is_not_a_number() {
        let far = |n: usize| Detection {
            x_min: n as f32 * 10.0,
            x_max: n as f32 * 10.0 + 5.0,
            y_max: 5.0,
            ..Detection::default()
        };
        let broken = Detection { x_min: f32::NAN, ..far(0) };
        let mut kept = Detections::new();
        suppress(std::iter::once(broken).chain((0..200).map(far)), 0.5, &mut kept);
        assert_eq!(kept.len(), MAX_DETECTIONS);
        assert_eq!(kept[0], far(0));
    }
}
