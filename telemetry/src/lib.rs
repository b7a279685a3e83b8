//! Experiment logs, histograms, live lines and the end-of-run summary: what a run leaves behind for the people who
//! study it.
//!
//! Hot threads hold an [`emitter::Emitter`] each and hand over one plain record per event; they never wait for this
//! crate. One thread that is not real-time, the [`collector::Collector`], drains all rings and does everything that
//! allocates, sorts or touches a disk.

pub mod collector;
pub mod console;
mod disk_sync;
pub mod events;
pub mod frame_sink;
pub mod frames;
pub mod journal;
pub mod live;
pub mod logs;
pub mod logs_page;
pub mod names;
pub mod part_file;
pub mod part_seal;
pub mod part_writer;
pub mod records;
pub mod run_clock;
pub mod run_dir;
pub mod run_info;
pub mod run_trace;
pub mod schema;
pub mod stats;
pub mod subscribe;
pub mod summary;

pub use rt_core::trace::emitter;
