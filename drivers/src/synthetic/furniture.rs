//! What stands in a street without moving: stop signs, and everything that must not be taken for one.

use super::actor::Placed;
use super::rng::Rng;
use super::sink::{Ink, Sink, bar, ellipse, panel};
use super::view::{Card, View};

const RED: [u8; 3] = [188, 24, 32];
const WHITE: [u8; 3] = [236, 236, 232];

/// Shape of a sign's plate.
fn plate(sink: &mut dyn Sink, card: &Card, centre: f32, (radius, flat): (f32, f32), sides: u32, ink: Ink) {
    let mut points = [[0.0; 2]; 16];
    let Some(points) = points.get_mut(..sides as usize) else { return };
    let half = std::f32::consts::PI / sides as f32;
    for (k, point) in points.iter_mut().enumerate() {
        let (sin, cos) = (half + k as f32 * 2.0 * half).sin_cos();
        *point = card.at(radius * flat * sin, centre - radius * cos);
    }
    sink.polygon(points, ink);
}

/// The strokes of `STOP` in a 16 by 5 grid: left, right, low, high.
const LETTERS: [[f32; 4]; 16] = [
    [0.0, 3.0, 4.0, 5.0],
    [0.0, 1.0, 2.0, 5.0],
    [0.0, 3.0, 2.0, 3.0],
    [2.0, 3.0, 0.0, 3.0],
    [0.0, 3.0, 0.0, 1.0],
    [4.0, 7.0, 4.0, 5.0],
    [5.0, 6.0, 0.0, 5.0],
    [8.0, 9.0, 0.0, 5.0],
    [10.0, 11.0, 0.0, 5.0],
    [8.0, 11.0, 4.0, 5.0],
    [8.0, 11.0, 0.0, 1.0],
    [12.0, 13.0, 0.0, 5.0],
    [12.0, 15.0, 4.0, 5.0],
    [14.0, 15.0, 2.0, 5.0],
    [12.0, 15.0, 2.0, 3.0],
    [12.0, 13.0, 0.0, 2.0],
];

/// Draws a stop sign; its post does not belong to its box.
pub(super) fn stop_sign(placed: &Placed, view: &View, sink: &mut dyn Sink) -> Option<()> {
    let mut rng = Rng::new(placed.style);
    let card = view.card(placed.x, placed.z)?;
    let (radius, flat) = (rng.range(0.38, 0.48), rng.range(0.72, 1.0));
    let centre = rng.range(1.9, 2.7);
    let fade = rng.range(0.75, 1.05);
    panel(sink, &card, (-0.04, 0.04), (0.0, centre), Ink::extra([118, 120, 122]));
    let red = Ink::body(RED).scaled(fade);
    let white = Ink::body(WHITE).scaled(fade);
    plate(sink, &card, centre, (radius, flat), 8, white);
    plate(sink, &card, centre, (radius * 0.92, flat), 8, red);
    for [left, right, low, high] in LETTERS {
        let x = |v: f32| (v - 7.5) / 7.5 * radius * 0.68 * flat;
        let y = |v: f32| centre + (v - 2.5) / 2.5 * radius * 0.3;
        panel(sink, &card, (x(left), x(right)), (y(low), y(high)), white);
    }
    Some(())
}

/// Draws one of the things that are not stop signs, people or vehicles.
pub(super) fn clutter(placed: &Placed, view: &View, lamps: bool, sink: &mut dyn Sink) -> Option<()> {
    let mut rng = Rng::new(placed.style);
    let card = view.card(placed.x, placed.z)?;
    let s = card.scale();
    let kind = rng.below(14);
    let post = Ink::extra([112, 114, 118]);
    let vivid = Ink::extra(rng.pick(&[RED, [32, 70, 160], [36, 120, 70], [220, 180, 40], [90, 92, 96], [60, 44, 36]]));
    match kind {
        0..3 => {
            let trunk = rng.range(1.6, 2.6);
            bar(sink, card.at(0.0, 0.0), card.at(0.0, trunk), 0.26 * s, Ink::extra([82, 64, 48]));
            let leaf = rng.pick(&[[58, 96, 44], [78, 110, 50], [44, 78, 46], [128, 104, 44]]);
            for _ in 0..7 {
                let at = card.at(rng.range(-1.1, 1.1), trunk + rng.range(0.2, 2.2));
                let r = rng.range(0.6, 1.1) * s;
                ellipse(sink, at, r, r * 0.85, Ink::extra(leaf).scaled(rng.range(0.7, 1.2)));
            }
        }
        3 => {
            panel(sink, &card, (-0.07, 0.07), (0.0, 6.0), post);
            panel(sink, &card, (-0.05, 1.1), (5.9, 6.05), post);
            let lamp = Ink { counts: false, ..Ink::glow([255, 236, 190], lamps) };
            ellipse(sink, card.at(1.0, 5.85), 0.25 * s, 0.12 * s, lamp);
        }
        4 => {
            panel(sink, &card, (-0.3, 0.3), (0.0, 1.05), vivid);
            panel(sink, &card, (-0.34, 0.34), (1.0, 1.12), vivid.scaled(0.7));
        }
        5..8 => {
            // Round prohibition signs: red and white like a stop sign, told apart by their outline and bar.
            let (centre, radius) = (rng.range(1.9, 2.7), rng.range(0.34, 0.46));
            panel(sink, &card, (-0.04, 0.04), (0.0, centre), post);
            let filled = rng.chance(0.5);
            plate(sink, &card, centre, (radius, 1.0), 16, Ink::extra(RED));
            if filled {
                panel(sink, &card, (-radius * 0.7, radius * 0.7), (centre - 0.08, centre + 0.08), Ink::extra(WHITE));
            } else {
                plate(sink, &card, centre, (radius * 0.72, 1.0), 16, Ink::extra(WHITE));
            }
        }
        8 => {
            let centre = rng.range(1.9, 2.7);
            panel(sink, &card, (-0.04, 0.04), (0.0, centre), post);
            let sides = rng.pick(&[3, 4, 4]);
            plate(sink, &card, centre, (0.5, 1.0), sides, Ink::extra(WHITE));
            plate(sink, &card, centre, (0.42, 1.0), sides, vivid);
        }
        9 => {
            let top = rng.range(1.2, 2.4);
            panel(sink, &card, (-0.06, 0.06), (0.0, top), post);
            panel(sink, &card, (-0.32, 0.32), (top - 0.1, top + 0.6), Ink::extra(RED).scaled(rng.range(0.7, 1.1)));
            panel(sink, &card, (-0.2, 0.2), (top + 0.15, top + 0.3), Ink::extra(WHITE));
        }
        10 => {
            panel(sink, &card, (-0.11, 0.11), (0.0, rng.range(0.8, 1.5)), vivid);
            panel(sink, &card, (-0.11, 0.11), (0.6, 0.75), Ink::extra(WHITE));
        }
        11 => {
            // A parking meter or charging post: about as tall and thin as a person.
            let top = rng.range(1.3, 1.7);
            panel(sink, &card, (-0.14, 0.14), (0.0, top - 0.3), vivid);
            panel(sink, &card, (-0.2, 0.2), (top - 0.45, top), vivid.scaled(0.8));
            panel(sink, &card, (-0.12, 0.12), (top - 0.3, top - 0.1), Ink::extra([60, 80, 90]));
        }
        _ => {
            for _ in 0..4 {
                let at = card.at(rng.range(-0.7, 0.7), rng.range(0.25, 0.6));
                ellipse(
                    sink,
                    at,
                    rng.range(0.35, 0.6) * s,
                    0.42 * s,
                    Ink::extra([60, 92, 48]).scaled(rng.range(0.6, 1.2)),
                );
            }
        }
    }
    Some(())
}
