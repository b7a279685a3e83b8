//! Detectors: images in, boxes out, and how good the boxes are.
//!
//! [`detector::Detector`] is the whole way from an RGB frame to [`rt_core::detections::Detections`]: letterbox,
//! normalise, an [`engine::Engine`], a [`family::DetectionHead`]. [`codec`] is what travels between the car and the
//! cloud; [`accuracy`] and [`classes`] are how results are compared with truth; [`overlay`] draws them for a person.

pub mod accuracy;
pub mod agreement;
pub mod classes;
pub mod codec;
pub mod detector;
pub mod engine;
pub mod family;
pub mod image;
pub mod letterbox;
pub mod normalise;
pub mod overlay;

#[cfg(test)]
pub(crate) mod testing;
