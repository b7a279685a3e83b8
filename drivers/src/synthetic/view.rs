//! The pinhole camera: street metres (x across, y up, z along) to pixels, seen from a car that stands at the origin.

/// One frame's camera pose.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) focal: f32,
    pub(super) centre: f32,
    pub(super) horizon: f32,
    /// Metres from the road to the lens.
    pub(super) lens: f32,
    pub(super) sin: f32,
    pub(super) cos: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// Nothing nearer than this is drawn.
const NEAR: f32 = 1.2;

impl View {
    /// Distance along the optical axis, metres.
    pub(super) fn depth(&self, x: f32, z: f32) -> f32 {
        x * self.sin + z * self.cos
    }

    /// The pixel where a point is seen; none when it is behind the lens or nearly so.
    pub(super) fn project(&self, x: f32, y: f32, z: f32) -> Option<[f32; 2]> {
        let depth = self.depth(x, z);
        let across = x * self.cos - z * self.sin;
        (depth >= NEAR).then(|| {
            let scale = self.focal / depth;
            [self.centre + across * scale, self.horizon + (self.lens - y) * scale]
        })
    }

    /// Direction of the ray through a pixel column, per metre of depth.
    pub(super) fn ray(&self, column: f32) -> (f32, f32) {
        let slope = (column - self.centre) / self.focal;
        (slope * self.cos + self.sin, self.cos - slope * self.sin)
    }

    /// A card that always faces the camera, standing on the road.
    pub(super) fn card(&self, x: f32, z: f32) -> Option<Card> {
        let base = self.project(x, 0.0, z)?;
        Some(Card { base, scale: self.focal / self.depth(x, z) })
    }
}

/// A place on the road with its scale in pixels per metre.
#[derive(Clone, Copy, Debug)]
pub(super) struct Card {
    base: [f32; 2],
    scale: f32,
}

impl Card {
    /// The pixel `across` metres right of and `up` metres above the place.
    pub(super) fn at(&self, across: f32, up: f32) -> [f32; 2] {
        let [x, y] = self.base;
        [x + across * self.scale, y - up * self.scale]
    }

    pub(super) const fn scale(&self) -> f32 {
        self.scale
    }
}
