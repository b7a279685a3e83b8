//! A scene's script: who is in the street, how the camera car drives, what light there is. It is a pure function of
//! seed, camera and scene number, so the picture and the ground truth can be computed apart from each other.

use super::actor::{Actor, Kind, Placed};
use super::light::Light;
use super::rng::{Rng, hash};
use super::view::View;

/// No scene holds more actors than this.
pub(super) const MAX_ACTORS: usize = 44;
/// Seconds until a scene is replaced by another.
pub(super) const SCENE_SECONDS: f32 = 4.0;

/// One scene, for its whole life.
#[derive(Clone, Debug)]
pub(super) struct Script {
    actors: [Actor; MAX_ACTORS],
    count: usize,
    pub(super) light: Light,
    pub(super) view: View,
    pub(super) style: u64,
    ego_x: f32,
    speed: f32,
    /// Distance from the middle of the road to the house fronts.
    pub(super) front: f32,
    /// Half width of the carriageway.
    pub(super) road: f32,
    /// Where a street crosses, if one does.
    pub(super) junction: Option<f32>,
    /// Width of the horizontal blur in pixels, odd.
    pub(super) smear: usize,
    pub(super) soft: bool,
}

/// The camera car at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ego {
    pub(super) x: f32,
    pub(super) z: f32,
}

impl Script {
    pub(super) fn new(seed: u64, camera: u32, scene: u64, width: f32, height: f32) -> Self {
        let style = hash(seed, u64::from(camera), scene);
        let mut rng = Rng::new(style);
        let light = Light::new(&mut rng);
        let aim = match camera % 4 {
            1 => -0.3,
            2 => 0.3,
            _ => 0.0,
        };
        let (sin, cos) = (aim + rng.range(-0.12, 0.12_f32)).sin_cos();
        let view = View {
            focal: width * rng.range(0.78, 0.98),
            centre: width * 0.5,
            horizon: height * rng.range(0.36, 0.46),
            lens: rng.range(1.35, 1.9),
            sin,
            cos,
            width,
            height,
        };
        let road = rng.range(4.0, 7.5);
        let mut script = Self {
            actors: [Actor::default(); MAX_ACTORS],
            count: 0,
            light,
            view,
            style,
            ego_x: road * 0.4,
            speed: if rng.chance(0.4) { 0.0 } else { rng.range(1.5, 8.0) },
            front: road + rng.range(3.5, 16.0),
            road,
            junction: rng.chance(0.55).then(|| rng.range(16.0, 55.0)),
            smear: if rng.chance(0.3) { rng.pick(&[3, 3, 5]) } else { 1 },
            soft: rng.chance(0.35),
        };
        let (cars, people, riders, signs) = (3 + rng.below(8), 2 + rng.below(8), rng.below(6), rng.below(5));
        for (kind, number) in [
            (Kind::Car, cars),
            (Kind::Person, people),
            (Kind::Cyclist, riders),
            (Kind::StopSign, signs),
            (Kind::Clutter, 7 + rng.below(8)),
            (Kind::Crate, rng.below(3)),
        ] {
            for _ in 0..number {
                script.cast(kind, &mut rng);
            }
        }
        script
    }

    /// Finds a place for one more actor where the camera sees it in the middle of the scene's life.
    fn cast(&mut self, kind: Kind, rng: &mut Rng) {
        let middle = SCENE_SECONDS / 2.0;
        let ego = self.ego(middle);
        for _ in 0..8 {
            let mut actor = self.role(kind, rng);
            // The role says where it is in mid-life, relative to the car; wind it back to the scene's start.
            actor.x -= actor.vx * middle;
            actor.z += ego.z - actor.vz * middle;
            let seen = actor.placed(middle, ego.x, ego.z, &self.view);
            let inside =
                self.view.project(seen.x, 0.5, seen.z).is_some_and(|[u, _]| (0.0..self.view.width).contains(&u));
            if inside && let Some(slot) = self.actors.get_mut(self.count) {
                *slot = actor;
                self.count += 1;
                return;
            }
        }
    }

    fn role(&self, kind: Kind, rng: &mut Rng) -> Actor {
        let far = match kind {
            Kind::Car => 75.0,
            Kind::Person => 48.0,
            Kind::Cyclist => 50.0,
            Kind::StopSign => 46.0,
            Kind::Clutter | Kind::Crate => 60.0,
        };
        let z = 6.0 + (far - 6.0) * rng.unit().powf(0.85);
        let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
        let kerb = side * (self.road + rng.range(0.6, (self.front - self.road - 0.6).min(5.0)));
        let ahead = if side > 0.0 { 0.0 } else { std::f32::consts::PI };
        let mut actor = Actor { kind, x: kerb, z, vx: 0.0, vz: 0.0, heading: ahead, style: rng.word() };
        let across = side * std::f32::consts::FRAC_PI_2;
        let forth = side;
        match (kind, self.junction) {
            (Kind::Car, Some(at)) if rng.chance(0.35) => {
                actor.z = at - self.ego(SCENE_SECONDS / 2.0).z + side * 1.8;
                actor.x = rng.range(-0.6, 0.6) * at.max(14.0);
                (actor.vx, actor.heading) = (side * rng.range(0.0, 9.0), across);
            }
            (Kind::Car, _) if rng.chance(0.4) => {
                actor.x = side * (self.road - 1.1);
                actor.heading = ahead + rng.range(-0.06, 0.06);
            }
            (Kind::Car, _) => {
                actor.x = side * self.road * rng.range(0.35, 0.5);
                actor.vz = forth * rng.range(0.0, 10.0);
                actor.heading =
                    ahead + rng.range(-0.12, 0.12) + if rng.chance(0.1) { rng.range(-0.9, 0.9) } else { 0.0 };
            }
            (Kind::Person, _) if rng.chance(0.35) => {
                actor.x = rng.range(-1.0, 1.0) * self.road;
                (actor.vx, actor.heading) = (side * rng.range(0.8, 1.7), across);
            }
            (Kind::Person, _) => {
                actor.vz = if rng.chance(0.25) { 0.0 } else { forth * rng.range(0.7, 1.6) };
            }
            (Kind::Cyclist, _) if rng.chance(0.45) => {
                actor.x = rng.range(-1.0, 1.0) * self.road;
                actor.heading = across + rng.range(-0.5, 0.5);
                (actor.vx, actor.vz) = (actor.heading.sin() * 3.5, actor.heading.cos() * 3.5);
            }
            (Kind::Cyclist, _) => {
                actor.x = side * (self.road - 1.0);
                actor.vz = forth * rng.range(2.0, 6.0);
            }
            (Kind::Crate, _) => actor.heading = rng.range(0.0, 3.2),
            (Kind::StopSign | Kind::Clutter, _) => {}
        }
        actor
    }

    pub(super) fn ego(&self, age: f32) -> Ego {
        Ego { x: self.ego_x, z: self.speed * age }
    }

    /// Everybody at `age` seconds, the farthest first.
    pub(super) fn cast_at(&self, age: f32) -> ([Placed; MAX_ACTORS], usize) {
        let ego = self.ego(age);
        let mut placed = [Placed::default(); MAX_ACTORS];
        for (slot, actor) in placed.iter_mut().zip(self.actors.iter().take(self.count)) {
            *slot = actor.placed(age, ego.x, ego.z, &self.view);
        }
        if let Some(filled) = placed.get_mut(..self.count) {
            filled.sort_unstable_by(|a, b| b.depth.total_cmp(&a.depth));
        }
        (placed, self.count)
    }
}
