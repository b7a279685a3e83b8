//! What tracing measured, as files of the run: hop histograms to be merged with other runs', counters per thread.

use std::io;
use std::path::Path;

use rt_core::trace::HopHistograms;
use rt_core::trace::counters::{CounterSnapshot, ThreadWatch};

use crate::run_dir::{RunDirError, RunDirs};

/// Every hop's histogram in the form that `HopHistograms` parses.
const HOPS_FILE: &str = "hops.txt";
/// A line per thread: its name and every counter.
const THREADS_FILE: &str = "threads.csv";

impl RunDirs {
    /// Writes `hops.txt` and `threads.csv` into the process's first run directory; after the threads have ended, they
    /// hold the last counts.
    ///
    /// # Errors
    /// [`RunDirError`], which names the file.
    pub fn write_trace(&self, hops: &HopHistograms, threads: &[ThreadWatch]) -> Result<(), RunDirError> {
        let Some(dir) = self.all().first() else { return Ok(()) };
        write(&dir.run.join(HOPS_FILE), &hops.to_string())?;
        write(&dir.run.join(THREADS_FILE), &table(threads))
    }
}

fn write(path: &Path, text: &str) -> Result<(), RunDirError> {
    std::fs::write(path, text).map_err(|source: io::Error| RunDirError::Create { path: path.to_owned(), source })
}

fn table(threads: &[ThreadWatch]) -> String {
    let names = CounterSnapshot::default();
    let mut text = String::from("thread");
    names.iter().for_each(|(name, _)| text.extend([",", name]));
    for thread in threads {
        text.extend(["\n", thread.thread()]);
        thread.snapshot().iter().for_each(|(_, count)| text.extend([",", &count.to_string()]));
    }
    text.push('\n');
    text
}
