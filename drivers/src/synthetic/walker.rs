//! People on foot and on bicycles.

use super::actor::Placed;
use super::rng::Rng;
use super::sink::{Ink, Sink, bar, ellipse};
use super::view::{Card, View};

const SKIN: [[u8; 3]; 4] = [[232, 190, 160], [198, 150, 116], [140, 96, 68], [88, 58, 42]];
const CLOTH: [[u8; 3]; 10] = [
    [38, 42, 58],
    [190, 40, 40],
    [220, 216, 206],
    [44, 96, 66],
    [230, 190, 60],
    [70, 100, 170],
    [110, 70, 120],
    [150, 130, 108],
    [84, 84, 88],
    [232, 120, 40],
];
const TROUSERS: [[u8; 3]; 5] = [[30, 32, 40], [52, 68, 104], [108, 96, 80], [70, 72, 74], [172, 160, 136]];

/// Legs, trunk, arms and head from the hips up, shared by walkers and riders.
struct Body {
    skin: Ink,
    cloth: Ink,
    trousers: Ink,
    hair: Ink,
}

impl Body {
    fn new(rng: &mut Rng) -> Self {
        Self {
            skin: Ink::body(rng.pick(&SKIN)),
            cloth: Ink::body(rng.pick(&CLOTH)),
            trousers: Ink::body(rng.pick(&TROUSERS)),
            hair: Ink::body(rng.pick(&[[26, 22, 20], [80, 54, 32], [190, 160, 100], [120, 118, 114]])),
        }
    }

    fn head(&self, sink: &mut dyn Sink, card: &Card, x: f32, y: f32, radius: f32) {
        let r = radius * card.scale();
        ellipse(sink, card.at(x, y + radius * 0.35), r * 1.02, r * 1.1, self.hair);
        ellipse(sink, card.at(x, y), r * 0.88, r * 1.15, self.skin);
    }
}

/// How much of a movement along `heading` is seen sideways: -1 to the left, 1 to the right, 0 end on.
fn sideways(placed: &Placed, view: &View) -> f32 {
    let (sin, cos) = placed.heading.sin_cos();
    sin * view.cos - cos * view.sin
}

/// Draws a pedestrian.
pub(super) fn person(placed: &Placed, view: &View, sink: &mut dyn Sink) -> Option<()> {
    let mut rng = Rng::new(placed.style);
    let body = Body::new(&mut rng);
    let tall = if rng.chance(0.18) { rng.range(1.05, 1.4) } else { rng.range(1.55, 1.92) };
    let stout = rng.range(0.85, 1.25);
    let card = view.card(placed.x, placed.z)?;
    let s = card.scale();
    let turn = sideways(placed, view);
    let stride = (placed.phase * 7.0 + rng.range(0.0, 6.0)).sin() * if placed.moving { 1.0 } else { 0.12 };
    let spread = tall * (0.05 + 0.13 * turn.abs() * stride.abs());
    let shoulder = tall * 0.125 * stout * (1.0 - 0.3 * turn.abs());
    ellipse(sink, card.at(0.0, 0.0), 0.34 * s, 0.06 * s, Ink::shadow());
    for side in [-1.0, 1.0] {
        let foot = card.at(side * spread * stride.signum(), tall * 0.02);
        bar(
            sink,
            card.at(side * shoulder * 0.45, tall * 0.5),
            foot,
            tall * 0.085 * s * stout,
            body.trousers.scaled(1.0 + 0.12 * side),
        );
    }
    let long = if rng.chance(0.25) { 0.3 } else { 0.46 };
    for side in [-1.0, 1.0] {
        let hand = card.at(side * (shoulder + tall * 0.03) - turn * stride * side * tall * 0.12, tall * 0.44);
        bar(sink, card.at(side * shoulder * 0.95, tall * 0.8), hand, tall * 0.06 * s, body.cloth.scaled(0.8));
    }
    let at = |x: f32, y: f32| card.at(x * shoulder, y * tall);
    sink.polygon(
        &[at(-0.9, long), at(0.9, long), at(1.05, 0.78), at(0.5, 0.85), at(-0.5, 0.85), at(-1.05, 0.78)],
        body.cloth,
    );
    if rng.chance(0.3) {
        let bag = Ink::body(rng.pick(&CLOTH));
        let behind = -turn * 0.9;
        sink.polygon(
            &[at(behind - 0.7, 0.55), at(behind + 0.7, 0.55), at(behind + 0.6, 0.8), at(behind - 0.6, 0.8)],
            bag,
        );
    }
    body.head(sink, &card, turn * 0.03, tall * 0.925, tall * 0.06);
    Some(())
}

fn ring(sink: &mut dyn Sink, card: &Card, (x, y): (f32, f32), radius: f32, flat: f32, ink: Ink) {
    let at = |k: u32| {
        let (sin, cos) = (k as f32 * std::f32::consts::TAU / 14.0).sin_cos();
        card.at(x + radius * flat * cos, y + radius * sin)
    };
    for k in 0..14 {
        bar(sink, at(k), at(k + 1), 0.055 * card.scale(), ink);
    }
}

/// Draws a cyclist with the bicycle; seen end on it is nearly a pedestrian.
pub(super) fn cyclist(placed: &Placed, view: &View, sink: &mut dyn Sink) -> Option<()> {
    let mut rng = Rng::new(placed.style);
    let body = Body::new(&mut rng);
    let card = view.card(placed.x, placed.z)?;
    let s = card.scale();
    let turn = sideways(placed, view);
    let flat = turn.abs().max(0.1);
    // `f` points forward along the bicycle as it is seen.
    let f = flat * if turn < 0.0 { -1.0 } else { 1.0 };
    let tyre = Ink::body([20, 20, 22]);
    let tube = Ink::body(rng.pick(&[
        [200, 30, 34],
        [30, 80, 170],
        [230, 230, 226],
        [40, 42, 44],
        [40, 140, 90],
        [240, 170, 30],
    ]));
    ellipse(sink, card.at(0.0, 0.0), 0.8 * flat.max(0.3) * s, 0.06 * s, Ink::shadow());
    for hub in [-0.52, 0.52] {
        ring(sink, &card, (hub * f, 0.34), 0.33, flat, tyre);
    }
    let (rear, front, crank, seat, stem) = ((-0.52, 0.34), (0.52, 0.34), (-0.06, 0.32), (-0.2, 0.9), (0.38, 0.98));
    let at = |(x, y): (f32, f32)| card.at(x * f, y);
    for (a, b) in
        [(rear, crank), (crank, seat), (rear, seat), (crank, (0.34, 0.8)), (seat, (0.34, 0.82)), (stem, front)]
    {
        bar(sink, at(a), at(b), 0.05 * s, tube);
    }
    // Pedalling legs, leaning trunk, arms to the handlebar; a bar across for the view from behind.
    let spin = placed.phase * 6.0 + rng.range(0.0, 6.0);
    let wide = (1.0 - flat) * 0.12;
    for side in [-1.0_f32, 1.0] {
        let (sin, cos) = (spin + if side > 0.0 { std::f32::consts::PI } else { 0.0 }).sin_cos();
        let (pedal_x, pedal_y) = (-0.06 + 0.16 * cos, 0.34 + 0.16 * sin);
        let knee = card.at((pedal_x * 0.5 + 0.12) * f + side * wide, 0.62 + 0.1 * sin);
        let ink = body.trousers.scaled(1.0 + 0.12 * side);
        bar(sink, card.at(-0.18 * f + side * wide * 0.7, 0.92), knee, 0.15 * s, ink);
        bar(sink, knee, card.at(pedal_x * f + side * wide, pedal_y), 0.11 * s, ink);
    }
    let broad = 0.13 + (1.0 - flat) * 0.09;
    let (hip, neck) = (-0.2 * f, 0.12 * f);
    sink.polygon(
        &[
            card.at(hip - broad, 0.88),
            card.at(hip + broad, 0.88),
            card.at(neck + broad, 1.4),
            card.at(neck - broad, 1.4),
        ],
        body.cloth,
    );
    for side in [-1.0, 1.0] {
        bar(
            sink,
            card.at(neck + side * broad * 0.8, 1.36),
            card.at(0.36 * f + side * (1.0 - flat) * 0.26, 1.02),
            0.09 * s,
            body.cloth.scaled(0.8),
        );
    }
    body.head(sink, &card, 0.2 * f, 1.56, 0.115);
    if rng.chance(0.5) {
        let helmet = Ink::body(rng.pick(&CLOTH));
        ellipse(sink, card.at(0.19 * f, 1.66), 0.13 * s, 0.08 * s, helmet);
    }
    Some(())
}
