//! Cars, vans and buses, and the boxy things that only look like them: cuboids with windows, wheels and lights.

use super::actor::Placed;
use super::rng::Rng;
use super::sink::{Ink, Sink};
use super::view::View;

const PAINTS: [[u8; 3]; 12] = [
    [225, 225, 228],
    [40, 42, 46],
    [120, 124, 130],
    [178, 182, 186],
    [150, 24, 28],
    [28, 52, 120],
    [22, 90, 62],
    [196, 160, 60],
    [90, 62, 44],
    [64, 112, 158],
    [205, 96, 36],
    [236, 232, 214],
];

/// A body frame: metres along, across and up become pixels.
struct Frame<'a> {
    view: &'a View,
    x: f32,
    z: f32,
    sin: f32,
    cos: f32,
}

impl Frame<'_> {
    fn at(&self, along: f32, across: f32, up: f32) -> Option<[f32; 2]> {
        let x = self.x + self.sin * along + self.cos * across;
        let z = self.z + self.cos * along - self.sin * across;
        self.view.project(x, up, z)
    }

    fn quad(&self, sink: &mut dyn Sink, corners: [[f32; 3]; 4], ink: Ink) -> Option<()> {
        let mut points = [[0.0; 2]; 4];
        for (point, [along, across, up]) in points.iter_mut().zip(corners) {
            *point = self.at(along, across, up)?;
        }
        sink.polygon(&points, ink);
        Some(())
    }

    /// An upright patch on the end at `along`.
    fn end(
        &self,
        sink: &mut dyn Sink,
        along: f32,
        (l, r): (f32, f32),
        (low, high): (f32, f32),
        ink: Ink,
    ) -> Option<()> {
        self.quad(sink, [[along, l, low], [along, r, low], [along, r, high], [along, l, high]], ink)
    }

    /// An upright patch on the side at `across`.
    fn side(
        &self,
        sink: &mut dyn Sink,
        across: f32,
        (l, r): (f32, f32),
        (low, high): (f32, f32),
        ink: Ink,
    ) -> Option<()> {
        self.quad(sink, [[l, across, low], [r, across, low], [r, across, high], [l, across, high]], ink)
    }

    fn wheel(&self, sink: &mut dyn Sink, along: f32, across: f32, radius: f32) -> Option<()> {
        for (size, grey) in [(1.0, 22), (0.55, 128)] {
            let mut points = [[0.0; 2]; 10];
            for (k, point) in points.iter_mut().enumerate() {
                let (sin, cos) = (k as f32 * std::f32::consts::TAU / 10.0).sin_cos();
                *point = self.at(along + radius * size * cos, across, radius + radius * size * sin)?;
            }
            sink.polygon(&points, Ink::body([grey; 3]));
        }
        Some(())
    }
}

/// Draws a car; nothing when it is too close to the lens.
pub(super) fn car(placed: &Placed, view: &View, lamps: bool, sink: &mut dyn Sink) -> Option<()> {
    let mut rng = Rng::new(placed.style);
    let paint = Ink::body(rng.pick(&PAINTS));
    let shape = rng.below(10);
    // Half length, half width, sill, waist, roof; then where the cabin starts and ends, and how far its top leans in.
    let (length, width, waist, roof, rear, front, lean) = match shape {
        0..4 => (rng.range(2.1, 2.4), 0.9, 0.92, rng.range(1.42, 1.5), 0.75, 0.45, 0.45),
        4..6 => (rng.range(1.8, 2.0), 0.86, 0.95, rng.range(1.48, 1.56), 1.0, 0.4, 0.3),
        6..8 => (rng.range(2.2, 2.4), 0.96, 1.08, rng.range(1.68, 1.85), 1.0, 0.4, 0.25),
        8 => (rng.range(2.5, 2.9), 1.0, 1.25, rng.range(2.0, 2.5), 1.0, 0.72, 0.2),
        _ => (rng.range(4.5, 5.5), 1.22, 1.35, rng.range(2.9, 3.2), 1.0, 0.97, 0.06),
    };
    let (sin, cos) = placed.heading.sin_cos();
    let frame = Frame { view, x: placed.x, z: placed.z, sin, cos };
    // The camera is at the origin: which faces look towards it?
    let (along, across) = (-(placed.x * sin + placed.z * cos), -(placed.x * cos - placed.z * sin));
    let near = width * across.signum();
    let (l, w, sill) = (length, width, 0.28);
    frame.quad(
        sink,
        [[-l - 0.1, -w - 0.1, 0.0], [l + 0.1, -w - 0.1, 0.0], [l + 0.1, w + 0.1, 0.0], [-l - 0.1, w + 0.1, 0.0]],
        Ink::shadow(),
    )?;
    let dark = Ink::body([24, 24, 26]);
    for side in [-1.0_f32, 1.0] {
        for end in [-l + 0.05, l - 0.05] {
            let inner = side * (w - 0.24);
            frame.end(sink, end, (inner.min(side * w), inner.max(side * w)), (0.0, 0.4), dark)?;
        }
    }
    frame.quad(sink, [[-l, -w, waist], [l, -w, waist], [l, w, waist], [-l, w, waist]], paint.scaled(1.08))?;
    // Cabin: glass with painted pillars.
    let (base_r, base_f) = (-l * rear, l * front);
    let (top_r, top_f) = (base_r + lean * 0.8, base_f - lean * 1.5);
    let top_w = w * 0.86;
    let glass = Ink::body([46, 58, 68]);
    let cabin_side = |inset: f32, low: f32, high: f32| {
        let mix = |k: f32, bottom: f32, top: f32| bottom + (top - bottom) * k;
        let corner = |k: f32, front: bool| {
            let a = if front { mix(k, base_f, top_f) - inset } else { mix(k, base_r, top_r) + inset };
            [a, mix(k, near, top_w * across.signum()), mix(k, waist, roof)]
        };
        [corner(low, false), corner(low, true), corner(high, true), corner(high, false)]
    };
    let cabin_end = |front: bool, inset: f32, low: f32, high: f32| {
        let (base, top) = if front { (base_f, top_f) } else { (base_r, top_r) };
        let corner = |k: f32, side: f32| {
            let across = side * (w + (top_w - w) * k - inset);
            [base + (top - base) * k, across, waist + (roof - waist) * k]
        };
        [corner(low, -1.0), corner(low, 1.0), corner(high, 1.0), corner(high, -1.0)]
    };
    frame.quad(
        sink,
        [[top_r, -top_w, roof], [top_f, -top_w, roof], [top_f, top_w, roof], [top_r, top_w, roof]],
        paint,
    )?;
    let front = along > 0.0;
    frame.quad(sink, cabin_end(front, 0.0, 0.0, 1.0), paint.scaled(0.85))?;
    frame.quad(sink, cabin_end(front, 0.08, 0.08, 0.88), if front { glass.scaled(1.2) } else { glass })?;
    frame.quad(sink, cabin_side(0.0, 0.0, 1.0), paint.scaled(0.9))?;
    let panes = if shape == 9 { 5 } else { 2 };
    let glazed = cabin_side(0.12, 0.1, 0.86);
    let [low_rear, low_front, high_front, high_rear] = glazed;
    {
        let along = |a: [f32; 3], b: [f32; 3], k: f32| [a[0] + (b[0] - a[0]) * k, a[1] + (b[1] - a[1]) * k, a[2]];
        for pane in 0..panes {
            let (from, to) = (pane as f32 / panes as f32 + 0.02, (pane + 1) as f32 / panes as f32 - 0.02);
            let corners = [
                along(low_rear, low_front, from),
                along(low_rear, low_front, to),
                along(high_rear, high_front, to),
                along(high_rear, high_front, from),
            ];
            frame.quad(sink, corners, glass)?;
        }
    }
    // Hull: the side first, the end that faces the camera over it.
    if across.abs() > w {
        frame.side(sink, near, (-l, l), (sill, waist), paint.scaled(0.82))?;
        frame.side(sink, near, (-l, l), (sill, sill + 0.12), dark)?;
        let radius = if shape == 9 { 0.48 } else { 0.33 };
        frame.wheel(sink, -l * 0.6, near * 1.01, radius)?;
        frame.wheel(sink, l * 0.62, near * 1.01, radius)?;
    }
    if along.abs() > l {
        let end = l * along.signum();
        frame.end(sink, end, (-w, w), (sill, waist), paint.scaled(if front { 1.0 } else { 0.92 }))?;
        frame.end(sink, end, (-w, w), (sill, sill + 0.16), dark)?;
        let lamp = match (front, lamps) {
            (true, true) => Ink::glow([255, 250, 225], true),
            (true, false) => Ink::body([232, 232, 224]),
            (false, lit) => Ink::glow(if lit { [235, 40, 30] } else { [150, 22, 24] }, lit),
        };
        let (low, high) = (waist - 0.3, waist - 0.12);
        frame.end(sink, end, (-w, -w + 0.38), (low, high), lamp)?;
        frame.end(sink, end, (w - 0.38, w), (low, high), lamp)?;
        frame.end(sink, end, (-0.26, 0.26), (0.5, 0.62), Ink::body([214, 214, 206]))?;
        if front {
            frame.end(sink, end, (-0.45, 0.45), (0.66, waist - 0.14), dark)?;
        }
    }
    Some(())
}

/// A skip, kiosk or container: a cuboid without wheels, windows or lights.
pub(super) fn crate_box(placed: &Placed, view: &View, sink: &mut dyn Sink) -> Option<()> {
    let mut rng = Rng::new(placed.style);
    let paint = Ink::body(rng.pick(&PAINTS));
    let (l, w, h) = (rng.range(0.7, 2.4), rng.range(0.6, 1.1), rng.range(0.9, 2.3));
    let (sin, cos) = placed.heading.sin_cos();
    let frame = Frame { view, x: placed.x, z: placed.z, sin, cos };
    let (along, across) = (-(placed.x * sin + placed.z * cos), -(placed.x * cos - placed.z * sin));
    frame.quad(sink, [[-l, -w, h], [l, -w, h], [l, w, h], [-l, w, h]], paint.scaled(1.1))?;
    if across.abs() > w {
        frame.side(sink, w * across.signum(), (-l, l), (0.0, h), paint.scaled(0.75))?;
        frame.side(sink, w * across.signum(), (-l * 0.9, l * 0.9), (h * 0.45, h * 0.55), paint.scaled(0.5))?;
    }
    if along.abs() > l {
        frame.end(sink, l * along.signum(), (-w, w), (0.0, h), paint)?;
        frame.end(sink, l * along.signum(), (-w * 0.8, w * 0.8), (h * 0.2, h * 0.3), paint.scaled(0.6))?;
    }
    Some(())
}
