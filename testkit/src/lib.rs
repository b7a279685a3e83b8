//! What the tests of several crates need, written once; only ever a dev-dependency, so that nothing here reaches a car.

pub mod data;
pub mod heap;
