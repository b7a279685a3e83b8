//! One thing in the street: what it is, where it was when its scene began, and how it moves.

use super::light::Light;
use super::sink::Sink;
use super::view::View;
use super::{furniture, vehicle, walker};

/// What an actor is. The first four are the detector's classes, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    Car,
    Person,
    Cyclist,
    StopSign,
    /// Signs, trees, bins.
    #[default]
    Clutter,
    /// A cuboid that is no car.
    Crate,
}

impl Kind {
    pub(super) const fn class(self) -> Option<u32> {
        match self {
            Self::Car => Some(0),
            Self::Person => Some(1),
            Self::Cyclist => Some(2),
            Self::StopSign => Some(3),
            Self::Clutter | Self::Crate => None,
        }
    }
}

/// An actor as its scene's script describes it; metres, seconds, radians.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Actor {
    pub(super) kind: Kind,
    pub(super) x: f32,
    pub(super) z: f32,
    pub(super) vx: f32,
    pub(super) vz: f32,
    /// Zero looks along the street, away from the camera car.
    pub(super) heading: f32,
    pub(super) style: u64,
}

/// An actor at one instant, relative to the camera car.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Placed {
    pub(super) kind: Kind,
    pub(super) x: f32,
    pub(super) z: f32,
    pub(super) heading: f32,
    pub(super) style: u64,
    pub(super) phase: f32,
    pub(super) moving: bool,
    pub(super) depth: f32,
}

impl Actor {
    /// Where it is `age` seconds into the scene, seen from a car at (`ego_x`, `ego_z`).
    pub(super) fn placed(&self, age: f32, ego_x: f32, ego_z: f32, view: &View) -> Placed {
        let (x, z) = (self.x + self.vx * age - ego_x, self.z + self.vz * age - ego_z);
        Placed {
            kind: self.kind,
            x,
            z,
            heading: self.heading,
            style: self.style,
            phase: age,
            moving: self.vx != 0.0 || self.vz != 0.0,
            depth: view.depth(x, z),
        }
    }
}

impl Placed {
    /// Draws it; false when part of it would be behind the lens, and the drawing is then incomplete.
    pub(super) fn draw(&self, view: &View, light: &Light, sink: &mut dyn Sink) -> bool {
        let drawn = match self.kind {
            Kind::Car => vehicle::car(self, view, light.lamps, sink),
            Kind::Person => walker::person(self, view, sink),
            Kind::Cyclist => walker::cyclist(self, view, sink),
            Kind::StopSign => furniture::stop_sign(self, view, sink),
            Kind::Clutter => furniture::clutter(self, view, light.lamps, sink),
            Kind::Crate => vehicle::crate_box(self, view, sink),
        };
        drawn.is_some()
    }
}
