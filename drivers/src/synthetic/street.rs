//! The stage: sky, house fronts, pavement, road and its markings, ray cast anew for each frame so that it moves
//! with the car.

use super::light::Light;
use super::rng::hash;
use super::script::{Ego, Script};

/// What one column of pixels sees of the house fronts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Column {
    /// Street direction per metre of depth.
    across: f32,
    along: f32,
    top: f32,
    base: f32,
    /// Metres along the front, metres of height per pixel row.
    place: f32,
    pitch: f32,
    paint: [f32; 3],
    pane: [f32; 3],
    /// Window spacing; zero for a hedge, which has none.
    spacing: f32,
    style: u64,
}

const WALLS: [[f32; 3]; 8] = [
    [168.0, 110.0, 88.0],
    [196.0, 178.0, 148.0],
    [140.0, 138.0, 134.0],
    [206.0, 204.0, 196.0],
    [120.0, 84.0, 72.0],
    [176.0, 150.0, 96.0],
    [110.0, 122.0, 132.0],
    [150.0, 60.0, 52.0],
];
const HOUSE: f32 = 13.0;

/// The whole part, downwards. `f32::floor` and `rem_euclid` are library calls on baseline x86-64, and this runs per pixel.
fn whole(value: f32) -> i32 {
    let cut = value as i32;
    cut - i32::from((cut as f32) > value)
}

/// What is left above the whole part: `0..1`.
fn fraction(value: f32) -> f32 {
    value - whole(value) as f32
}

/// Grain for a place on the ground or a wall: -1..1.
fn grain(a: f32, b: f32) -> f32 {
    let mixed = whole(a).wrapping_mul(0x2c1b_3c6d) ^ whole(b).wrapping_mul(0x297a_2d39);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x1b87_3593);
    f32::from((mixed >> 16) as i16) / 32768.0
}

/// Casts one ray per column; `columns` is as long as the picture is wide.
pub(super) fn survey(script: &Script, ego: Ego, columns: &mut [Column]) {
    let view = &script.view;
    for (u, column) in columns.iter_mut().enumerate() {
        let (across, along) = view.ray(u as f32 + 0.5);
        let wall = if across < 0.0 { -script.front } else { script.front };
        let depth = ((wall - ego.x) / across).clamp(1.0, 400.0);
        let place = ego.z + along * depth;
        let house = (place / HOUSE).floor();
        let style = hash(script.style, house as i64 as u64, u64::from(across > 0.0));
        let open = script.junction.is_some_and(|at| (place - at).abs() < 7.0);
        let gone = open || depth > 140.0 || style.is_multiple_of(6);
        let depth = if gone { depth.max(110.0) } else { depth };
        let tall = if gone { 7.0 + (style >> 20 & 3) as f32 } else { 6.0 + (style >> 20 & 15) as f32 };
        let scale = view.focal / depth;
        let paint =
            if gone { [72.0, 96.0, 66.0] } else { WALLS.get((style >> 8 & 7) as usize).copied().unwrap_or_default() };
        let lit = script.light.lamps;
        *column = Column {
            across,
            along,
            top: view.horizon - (tall - view.lens) * scale,
            base: view.horizon + view.lens * scale,
            place,
            pitch: 1.0 / scale,
            paint: script.light.tint(paint, depth),
            pane: if lit { [214.0, 186.0, 120.0] } else { script.light.tint([70.0, 82.0, 94.0], depth) },
            spacing: if gone { 0.0 } else { 1.8 + (style >> 30 & 3) as f32 * 0.4 },
            style,
        };
    }
}

/// Paints the whole stage.
pub(super) fn paint(script: &Script, ego: Ego, columns: &[Column], pixels: &mut [u8]) {
    let view = &script.view;
    let light = &script.light;
    for (v, row) in pixels.chunks_exact_mut(columns.len().max(1) * 3).enumerate() {
        let y = v as f32 + 0.5;
        let blend = (y / view.horizon.max(1.0)).min(1.0);
        let mut sky = [0_u8; 3];
        for ((s, z), l) in sky.iter_mut().zip(light.zenith).zip(light.skyline) {
            *s = (z + (l - z) * blend).clamp(0.0, 255.0) as u8;
        }
        let depth = if y > view.horizon + 0.5 { view.focal * view.lens / (y - view.horizon) } else { 1e4 };
        let ground = Ground::new(light, depth);
        for (pixel, column) in row.chunks_exact_mut(3).zip(columns) {
            let rgb = if y < column.top {
                sky
            } else if y < column.base {
                facade(column, view.lens - (y - view.horizon) * column.pitch)
            } else {
                ground.at(ego.x + column.across * depth, ego.z + column.along * depth, script)
            };
            pixel.copy_from_slice(&rgb);
        }
    }
}

fn facade(column: &Column, up: f32) -> [u8; 3] {
    let spacing = column.spacing;
    if spacing == 0.0 {
        let texture = 1.0 + 0.25 * grain(column.place * 1.5, up * 1.5);
        return column.paint.map(|c| (c * texture) as u8);
    }
    let (cell, floor) = (column.place / spacing, up / 2.9);
    let (fx, fy) = (fraction(cell), fraction(floor));
    let window = (0.25..0.75).contains(&fx) && (0.3..0.8).contains(&fy);
    if window {
        let own = grain(cell + (column.style & 0xff) as f32, floor);
        return column.pane.map(|c| (c * if own > 0.2 { 1.0 } else { 0.35 }) as u8);
    }
    let texture = 1.0 + 0.07 * grain(column.place * 5.0, up * 9.0) - if fy < 0.05 { 0.2 } else { 0.0 };
    column.paint.map(|c| (c * texture).clamp(0.0, 255.0) as u8)
}

/// The ground's colours at one row's distance.
struct Ground {
    asphalt: [f32; 3],
    pavement: [f32; 3],
    grass: [f32; 3],
    line: [f32; 3],
    roughness: f32,
}

impl Ground {
    fn new(light: &Light, depth: f32) -> Self {
        Self {
            asphalt: light.tint([88.0, 88.0, 92.0], depth),
            pavement: light.tint([150.0, 146.0, 138.0], depth),
            grass: light.tint([86.0, 112.0, 62.0], depth),
            line: light.tint([216.0, 216.0, 208.0], depth),
            roughness: 0.1 / (1.0 + depth * 0.06),
        }
    }

    fn at(&self, x: f32, z: f32, script: &Script) -> [u8; 3] {
        let road = script.road;
        let side = x.abs();
        let from_junction = script.junction.map_or(1e6, |at| (z - at).abs());
        let rgb = if from_junction < 4.5 {
            if from_junction < 0.08 && fraction(x * 0.25) < 0.5 && side > road { self.line } else { self.asphalt }
        } else if side < road {
            let zebra = (5.2..7.6).contains(&from_junction) && fraction(x / 1.1) < 0.5;
            let dashes = side < 0.07 && fraction(z / 6.0) < 0.5;
            let edge = (road - 0.3..road - 0.18).contains(&side);
            if zebra || dashes || edge { self.line } else { self.asphalt }
        } else if side < road + 0.18 {
            self.line
        } else if side < road + 3.2 || script.style & 1 == 0 {
            self.pavement
        } else {
            self.grass
        };
        let texture = 1.0 + self.roughness * grain(x * 16.0, z * 9.0);
        rgb.map(|c| (c * texture) as u8)
    }
}
