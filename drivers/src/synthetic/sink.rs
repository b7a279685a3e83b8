//! What the actors draw on. The same drawing code runs against pixels, against a bounding box and against a
//! visibility mask, so that the ground truth cannot disagree with the picture.

use super::view::Card;

/// Colour and role of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink {
    pub(super) rgb: [u8; 3],
    /// Shines by itself: neither night nor shade darkens it.
    pub(super) glows: bool,
    /// Part of the object's box; a shadow or a post is not.
    pub(super) counts: bool,
    /// Covers what is behind it; a shadow does not.
    pub(super) solid: bool,
}

impl Ink {
    pub(super) const fn body(rgb: [u8; 3]) -> Self {
        Self { rgb, glows: false, counts: true, solid: true }
    }

    pub(super) const fn extra(rgb: [u8; 3]) -> Self {
        Self { rgb, glows: false, counts: false, solid: true }
    }

    pub(super) const fn shadow() -> Self {
        Self { rgb: [28, 28, 32], glows: false, counts: false, solid: false }
    }

    pub(super) const fn glow(rgb: [u8; 3], glows: bool) -> Self {
        Self { rgb, glows, counts: true, solid: true }
    }

    pub(super) fn scaled(self, factor: f32) -> Self {
        Self { rgb: self.rgb.map(|c| (f32::from(c) * factor).clamp(0.0, 255.0) as u8), ..self }
    }
}

/// Takes convex polygons in pixels, painter's order.
pub(super) trait Sink {
    fn polygon(&mut self, points: &[[f32; 2]], ink: Ink);
}

/// Where a horizontal line at `y` enters and leaves a convex polygon.
pub(super) fn span(points: &[[f32; 2]], y: f32) -> Option<(f32, f32)> {
    let mut bounds: Option<(f32, f32)> = None;
    let mut previous = *points.last()?;
    for &point in points {
        let ([px, py], [qx, qy]) = (previous, point);
        if (py <= y) != (qy <= y) {
            let x = px + (y - py) / (qy - py) * (qx - px);
            bounds = Some(bounds.map_or((x, x), |(low, high)| (low.min(x), high.max(x))));
        }
        previous = point;
    }
    bounds
}

/// An ellipse as a twelve-sided polygon.
pub(super) fn ellipse(sink: &mut dyn Sink, [x, y]: [f32; 2], rx: f32, ry: f32, ink: Ink) {
    let mut points = [[0.0; 2]; 12];
    for (k, point) in points.iter_mut().enumerate() {
        let (sin, cos) = (k as f32 * std::f32::consts::TAU / 12.0).sin_cos();
        *point = [x + rx * cos, y + ry * sin];
    }
    sink.polygon(&points, ink);
}

/// A straight bar between two pixels, `width` pixels thick.
pub(super) fn bar(sink: &mut dyn Sink, [ax, ay]: [f32; 2], [bx, by]: [f32; 2], width: f32, ink: Ink) {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx.hypot(dy).max(1e-3);
    let (nx, ny) = (-dy / length * width / 2.0, dx / length * width / 2.0);
    sink.polygon(&[[ax + nx, ay + ny], [bx + nx, by + ny], [bx - nx, by - ny], [ax - nx, ay - ny]], ink);
}

/// An upright rectangle on a card, in metres.
pub(super) fn panel(sink: &mut dyn Sink, card: &Card, (left, right): (f32, f32), (low, high): (f32, f32), ink: Ink) {
    sink.polygon(&[card.at(left, low), card.at(right, low), card.at(right, high), card.at(left, high)], ink);
}
