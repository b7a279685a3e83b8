//! Reads the logs of a run, says where the time went, checks them against their specification, and turns them into
//! traces for the viewers that exist.

pub mod analysis;
mod bounded;
pub mod cli;
pub mod compare;
pub mod error;
pub mod export;
pub mod finding;
pub mod logs;
pub mod part;
pub mod raw_frame;
pub mod report;
pub mod run;
pub mod show;
pub mod text;
pub mod verify;
