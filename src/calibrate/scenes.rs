//! Held-back scenes, one frame of each, with what is to be seen in it.

use drivers::synthetic::{CLASSES, StreetScene, TruthBoxes};
use inference::accuracy::Truth;

use crate::failure::Failure;

/// Cameras that take turns: of every four, two look along the street, one to the left and one to the right.
const CAMERAS: u32 = 4;
/// Frames from one scene's moment to the next one's. Odd and no multiple of five, so that with scenes of forty frames
/// every age of a scene comes up.
const AGE_STRIDE: u64 = 13;

/// Which scenes.
#[derive(Clone, Debug)]
pub struct Scenes {
    /// How many.
    pub count: u32,
    /// Seed of the street.
    pub seed: u64,
    /// Width and height of a frame, pixels.
    pub size: (u32, u32),
}

impl Scenes {
    /// Renders scene after scene and hands each to `each`, as packed RGB, with its truth and its number.
    ///
    /// # Errors
    /// The first failure of `each`, or of rendering.
    pub fn visit(&self, mut each: impl FnMut(u32, &[u8], &[Truth]) -> Result<(), Failure>) -> Result<(), Failure> {
        let (width, height) = self.size;
        let mut cameras: Vec<_> =
            (0..CAMERAS).map(|camera| StreetScene::new(self.seed, camera, width, height)).collect();
        let mut pixels = vec![0; cameras.first().map_or(0, StreetScene::bytes)];
        let (mut boxes, mut truths) = (TruthBoxes::default(), Vec::new());
        for index in 0..self.count {
            let Some(camera) = cameras.get_mut((index % CAMERAS) as usize) else { continue };
            let frame = self.frame(index, camera.frames_per_scene());
            camera.render(frame, &mut pixels).map_err(Failure::run)?;
            camera.truth(frame, &mut boxes);
            truths.clear();
            truths.extend(boxes.iter().map(|seen| Truth {
                x_min: seen.x0,
                y_min: seen.y0,
                x_max: seen.x1,
                y_max: seen.y1,
                class: u8::try_from(seen.class).unwrap_or(u8::MAX),
                crowd: false,
                area: None,
            }));
            each(index, &pixels, &truths)?;
        }
        Ok(())
    }

    /// The names of the classes of the truth.
    #[must_use]
    pub fn classes() -> Vec<String> {
        CLASSES.map(str::to_owned).to_vec()
    }

    fn frame(&self, index: u32, per_scene: u64) -> u64 {
        let index = u64::from(index);
        (index / u64::from(CAMERAS)) * per_scene + index * AGE_STRIDE % per_scene
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_scene_of_a_camera_comes_twice_and_all_ages_come() {
        let scenes = Scenes { count: 400, seed: 1, size: (32, 32) };
        let frames: Vec<u64> = (0..scenes.count).map(|index| scenes.frame(index, 40)).collect();
        let told_apart: HashSet<_> =
            (0..scenes.count).zip(&frames).map(|(i, frame)| (i % CAMERAS, frame / 40)).collect();
        assert_eq!(told_apart.len(), 400);
        assert_eq!(frames.iter().map(|frame| frame % 40).collect::<HashSet<_>>().len(), 40);
    }

    #[test]
    fn the_same_seed_gives_the_same_scenes_and_another_gives_others() {
        let collect = |seed| {
            let mut all = Vec::new();
            let scenes = Scenes { count: 5, seed, size: (96, 64) };
            let visited = scenes.visit(|_, pixels, truths| {
                all.push((pixels.to_vec(), truths.to_vec()));
                Ok(())
            });
            assert!(visited.is_ok());
            all
        };
        assert_eq!(collect(3), collect(3));
        assert_ne!(collect(3), collect(4));
        assert_eq!(collect(3).len(), 5);
    }

    #[test]
    fn a_failure_ends_the_visit() {
        let mut visited = 0;
        let scenes = Scenes { count: 5, seed: 1, size: (32, 32) };
        let result = scenes.visit(|_, _, _| {
            visited += 1;
            Err(Failure::Run("enough".to_owned()))
        });
        assert!(matches!(result, Err(Failure::Run(text)) if text == "enough"));
        assert_eq!(visited, 1);
    }
}
