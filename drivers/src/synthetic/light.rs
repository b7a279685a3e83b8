//! Day, dusk and night: how bright, of what colour, how hazy and how noisy a scene is.

use super::rng::Rng;
use super::sink::Ink;

/// The light of one scene.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// Gain per channel.
    gain: [f32; 3],
    haze: [f32; 3],
    /// Distance at which two thirds of a colour is lost in the haze, metres.
    reach: f32,
    pub(super) zenith: [f32; 3],
    pub(super) skyline: [f32; 3],
    /// Lamps and windows are lit.
    pub(super) lamps: bool,
    /// Standard deviation of the sensor noise in grey levels.
    pub(super) noise: f32,
}

impl Light {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let hour = rng.unit();
        let (level, lamps) = if hour < 0.6 {
            (rng.range(0.72, 1.12), false)
        } else if hour < 0.82 {
            (rng.range(0.42, 0.7), rng.chance(0.7))
        } else {
            (rng.range(0.22, 0.38), true)
        };
        let warm = rng.range(-0.12, 0.12) + if (0.4..0.75).contains(&level) { 0.08 } else { 0.0 };
        let gain = [level * (1.0 + warm), level, level * (1.0 - warm)];
        let cloud = rng.unit();
        let sky = |clear: [f32; 3], grey: f32| {
            let mut out = [0.0; 3];
            for ((o, c), g) in out.iter_mut().zip(clear).zip(gain) {
                *o = (c * (1.0 - cloud) + grey * cloud) * g * g.min(1.0);
            }
            out
        };
        let skyline = sky([214.0, 222.0, 228.0], 205.0);
        Self {
            gain,
            haze: skyline,
            reach: if rng.chance(0.15) { rng.range(45.0, 90.0) } else { rng.range(150.0, 500.0) },
            zenith: sky([96.0, 142.0, 205.0], 180.0),
            skyline,
            lamps,
            noise: rng.range(1.0, 4.0) + if level < 0.45 { rng.range(2.0, 7.0) } else { 0.0 },
        }
    }

    /// The colour as the camera sees it from `depth` metres.
    pub(super) fn shade(&self, ink: Ink, depth: f32) -> [u8; 3] {
        if ink.glows {
            return ink.rgb;
        }
        self.tint(ink.rgb.map(f32::from), depth).map(|c| c.clamp(0.0, 255.0) as u8)
    }

    /// As [`Light::shade`], unclamped, for surfaces that go on to add texture.
    pub(super) fn tint(&self, rgb: [f32; 3], depth: f32) -> [f32; 3] {
        let lost = 1.0 - (-depth / self.reach).exp();
        let mut out = [0.0; 3];
        for (((o, c), g), h) in out.iter_mut().zip(rgb).zip(self.gain).zip(self.haze) {
            *o = c * g * (1.0 - lost) + h * lost;
        }
        out
    }
}
