//! Cameras and what is known about their pictures: the synthetic street, image files, labels.

pub mod camera;
pub mod files;
pub mod ground_truth;
pub mod labels;
pub mod ping;
pub mod synthetic;
pub mod synthetic_camera;
