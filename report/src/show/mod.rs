//! A report as people see it: in the terminal and as a page.

pub mod html;
mod losses;
mod numbers;
mod over_time;
mod plot;
mod spark;
pub mod terminal;

pub use losses::losses;
pub use numbers::{count, duration, ms, optional, percent};
pub use spark::spark;
