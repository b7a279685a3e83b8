//! Cameras of a profile, the truth about what they show, and their pictures again for overlays.

use std::path::Path;
use std::sync::Arc;

use config::car::{Camera as CameraConfig, CarProfile};
use drivers::camera::{Camera, Pace};
use drivers::files::{DEFAULT_BUDGET_BYTES, FileCamera, FrameSet};
use drivers::ground_truth::{FileTruth, GroundTruth};
use drivers::labels::Labels;
use drivers::synthetic::StreetScene;
use drivers::synthetic_camera::StreetConfig;
use rt_core::clock::Monotonic;
use rt_core::memory::pool::WriteLease;

use crate::failure::Failure;

/// A camera and what belongs to it.
pub struct Source {
    /// The camera.
    pub camera: Box<dyn Camera<WriteLease>>,
    /// What was really there; `None` where nobody knows.
    pub truth: Option<Box<dyn GroundTruth>>,
    /// Its pictures, for overlays.
    pub pictures: Pictures,
}

/// The frames of a camera, made again from their scene number.
pub enum Pictures {
    /// Drawn anew.
    Street(Box<StreetScene>, Vec<u8>),
    /// From memory.
    Files(Arc<FrameSet>),
}

impl Pictures {
    /// The packed RGB bytes of a scene, with width and height.
    pub fn rgb(&mut self, scene: u64) -> Option<(&[u8], u32, u32)> {
        match self {
            Self::Street(street, buffer) => {
                let (width, height) = street.size();
                buffer.resize(street.bytes(), 0);
                street.render(scene, buffer).ok()?;
                Some((buffer, width, height))
            }
            Self::Files(frames) => frames.image(scene).map(|image| (image.rgb.as_slice(), image.width, image.height)),
        }
    }
}

/// Opens every camera of the profile; they take turns within a period, so that their bursts do not meet.
///
/// # Errors
/// [`Failure::Config`] for a folder, an image or labels that cannot be used, naming them.
pub fn open(profile: &CarProfile, seed: u64) -> Result<Vec<Source>, Failure> {
    let count = u32::try_from(profile.services.len()).unwrap_or(u32::MAX);
    let start = Monotonic::now().plus(std::time::Duration::from_millis(100));
    let mut opened: Vec<(&Path, Arc<FrameSet>)> = Vec::new();
    let mut sources = Vec::new();
    for (service, number) in profile.services.iter().zip(0_u32..) {
        let pace = Pace::staggered(start, service.fps, number, count).map_err(Failure::config)?;
        sources.push(match &service.camera {
            CameraConfig::Synthetic(camera) => {
                let (width, height) = (camera.width, camera.height);
                let street = StreetConfig { seed, camera: number, width, height, fps: service.fps };
                let scene = StreetScene::new(seed, number, width, height).with_fps(service.fps.ceil() as u32);
                Source {
                    camera: Box::new(street.camera(pace)),
                    truth: Some(Box::new(street.truth())),
                    pictures: Pictures::Street(Box::new(scene), Vec::new()),
                }
            }
            CameraConfig::Files(files) => {
                let frames = match opened.iter().find(|(dir, _)| *dir == files.dir) {
                    Some((_, frames)) => Arc::clone(frames),
                    None => {
                        let frames = open_frames(&files.dir)?;
                        opened.push((&files.dir, Arc::clone(&frames)));
                        frames
                    }
                };
                let labels = files.labels.as_deref().map(Labels::load).transpose().map_err(Failure::config)?;
                // Cameras that play the same folder begin at different photographs.
                let first = frames.len() as u64 * u64::from(number) / u64::from(count.max(1));
                Source {
                    camera: Box::new(FileCamera::of(Arc::clone(&frames), first, pace)),
                    truth: labels.map(|labels| {
                        Box::new(FileTruth::new(Arc::clone(&frames), Arc::new(labels))) as Box<dyn GroundTruth>
                    }),
                    pictures: Pictures::Files(frames),
                }
            }
        });
    }
    Ok(sources)
}

fn open_frames(dir: &Path) -> Result<Arc<FrameSet>, Failure> {
    let frames = FrameSet::open(dir, DEFAULT_BUDGET_BYTES).map_err(Failure::config)?;
    if frames.left_out() > 0 {
        telemetry::say!(
            "turbo: {} photographs of {} do not fit in {} MiB of memory and are left out",
            frames.left_out(),
            dir.display(),
            DEFAULT_BUDGET_BYTES >> 20
        );
    }
    Ok(Arc::new(frames))
}
