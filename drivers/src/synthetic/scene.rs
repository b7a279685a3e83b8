//! The camera: turns a frame number into pixels, or into boxes.

use super::measure::{Bounds, Ruler};
use super::optics::Optics;
use super::raster::Raster;
use super::script::{SCENE_SECONDS, Script};
use super::street::{self, Column};
use super::{SceneError, TruthBoxes, rng, truth};

/// Frames per second unless [`StreetScene::with_fps`] says otherwise.
pub const DEFAULT_FPS: u32 = 10;

/// One camera in the synthetic street.
#[derive(Debug)]
pub struct StreetScene {
    seed: u64,
    camera: u32,
    width: u32,
    height: u32,
    fps: u32,
    columns: Box<[Column]>,
    optics: Optics,
}

impl StreetScene {
    /// A camera of `width` by `height` pixels at [`DEFAULT_FPS`]; sides below 16 pixels are taken as 16. Cameras 1 and 2
    /// of every four look to the left and right, the others along the street.
    #[must_use]
    pub fn new(seed: u64, camera: u32, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(16), height.max(16));
        let columns = vec![Column::default(); width as usize].into_boxed_slice();
        let optics = Optics::new(width as usize * 3);
        Self { seed, camera, width, height, fps: DEFAULT_FPS, columns, optics }
    }

    /// The same street at another frame rate (0 counts as 1).
    #[must_use]
    pub fn with_fps(self, fps: u32) -> Self {
        Self { fps: fps.max(1), ..self }
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Bytes of one packed RGB8 frame.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.width as usize * self.height as usize * 3
    }

    /// Frames until a scene gives way to the next: frames `k * n .. (k + 1) * n` show scene `k`.
    #[must_use]
    pub const fn frames_per_scene(&self) -> u64 {
        SCENE_SECONDS as u64 * self.fps as u64
    }

    fn script(&self, frame: u64) -> (Script, f32) {
        let length = self.frames_per_scene();
        let scene = frame / length;
        let age = (frame % length) as f32 / self.fps as f32;
        (Script::new(self.seed, self.camera, scene, self.width as f32, self.height as f32), age)
    }

    /// Renders a frame as packed RGB8 into the first [`StreetScene::bytes`] of `dst`. Allocates nothing.
    ///
    /// # Errors
    /// When `dst` is too small.
    pub fn render(&mut self, frame: u64, dst: &mut [u8]) -> Result<(), SceneError> {
        let (got, need) = (dst.len(), self.bytes());
        let pixels = dst.get_mut(..need).ok_or(SceneError::Buffer { got, need })?;
        let (script, age) = self.script(frame);
        let ego = script.ego(age);
        street::survey(&script, ego, &mut self.columns);
        street::paint(&script, ego, &self.columns, pixels);
        let (placed, count) = script.cast_at(age);
        let screen = Bounds { low: [0.0; 2], high: [self.width as f32, self.height as f32] };
        let mut raster = Raster {
            pixels,
            width: self.width as usize,
            height: self.height as usize,
            light: &script.light,
            depth: 0.0,
        };
        for actor in placed.iter().take(count) {
            let mut ruler = Ruler { bounds: Bounds::EMPTY, everything: true };
            if actor.draw(&script.view, &script.light, &mut ruler) && ruler.bounds.overlaps(&screen) {
                raster.depth = actor.depth;
                actor.draw(&script.view, &script.light, &mut raster);
            }
        }
        if script.smear > 1 {
            self.optics.smear(raster.pixels, script.smear);
        }
        if script.soft {
            self.optics.soften(raster.pixels);
        }
        self.optics.expose(raster.pixels, script.light.noise, rng::hash(script.style, frame, 1));
        Ok(())
    }

    /// The exact boxes of a frame: clipped to the picture, without objects less than 0.3 visible or under 6 pixels a side.
    pub fn truth(&self, frame: u64, out: &mut TruthBoxes) {
        let (script, age) = self.script(frame);
        truth::boxes(&script, age, out);
    }
}
