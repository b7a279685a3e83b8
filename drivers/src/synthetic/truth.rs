//! Ground truth: the boxes of one frame, worked out from the script by the code that also draws it.

use super::measure::{Bounds, Mask, Ruler};
use super::script::{MAX_ACTORS, Script};
use super::{TruthBox, TruthBoxes};

/// Least visible fraction of an object that is reported.
const LEAST_VISIBLE: f32 = 0.3;
/// Least side of a reported box, pixels.
const LEAST_SIDE: f32 = 6.0;

/// Fills `out` with the objects that can be seen `age` seconds into the scene, the nearest first.
pub(super) fn boxes(script: &Script, age: f32, out: &mut TruthBoxes) {
    out.clear();
    let (view, light) = (&script.view, &script.light);
    let (placed, count) = script.cast_at(age);
    let mut cover = [Bounds::EMPTY; MAX_ACTORS];
    for (actor, bounds) in placed.iter().take(count).zip(cover.iter_mut()) {
        let mut ruler = Ruler { bounds: Bounds::EMPTY, everything: true };
        if actor.draw(view, light, &mut ruler) {
            *bounds = ruler.bounds;
        }
    }
    for (k, actor) in placed.iter().enumerate().take(count).rev() {
        let Some(class) = actor.kind.class() else { continue };
        let mut ruler = Ruler { bounds: Bounds::EMPTY, everything: false };
        if !actor.draw(view, light, &mut ruler) || ruler.bounds.is_empty() {
            continue;
        }
        let ([x0, y0], [x1, y1]) = (ruler.bounds.low, ruler.bounds.high);
        let (x0, y0, x1, y1) = (x0.max(0.0), y0.max(0.0), x1.min(view.width), y1.min(view.height));
        if x1 - x0 < LEAST_SIDE || y1 - y0 < LEAST_SIDE {
            continue;
        }
        let mut mask = Mask::new(ruler.bounds);
        actor.draw(view, light, &mut mask);
        let whole = mask.count();
        mask.clip(view.width, view.height);
        mask.erase();
        for (nearer, bounds) in placed.iter().zip(cover.iter()).take(count).skip(k + 1) {
            if bounds.overlaps(&ruler.bounds) {
                nearer.draw(view, light, &mut mask);
            }
        }
        let visible = mask.count() as f32 / whole.max(1) as f32;
        if visible >= LEAST_VISIBLE {
            out.push(TruthBox { x0, y0, x1, y1, class, visible });
        }
    }
}
