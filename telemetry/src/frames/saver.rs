//! The thread that writes frames to the disk: it starts with the first frame, and inherits the collector's cores and
//! priority.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use super::FrameToSave;

/// Frames on their way, and words about frames; more than all cameras together lend slots.
const QUEUE: usize = 1_024;

/// A frame to be written; at most [`super::SLOTS`] per camera exist.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) frame: FrameToSave,
}

/// What became of one.
pub(super) struct Done {
    pub(super) number: u64,
    pub(super) outcome: Result<(), String>,
}

/// The collector's end of the thread.
pub(super) struct Saver {
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Done>,
    thread: Option<JoinHandle<()>>,
}

impl Saver {
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, todo) = sync_channel::<Job>(QUEUE);
        let (tell, done) = sync_channel(QUEUE);
        let work = move || {
            for Job { number, path, frame } in todo {
                let outcome = write_whole(&path, &frame).map_err(|error| format!("{}: {error}", path.display()));
                // The slot goes home before anybody hears of it.
                drop(frame);
                if tell.send(Done { number, outcome }).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("frames".to_owned()).spawn(work)?;
        Ok(Self { jobs: Some(jobs), done, thread: Some(thread) })
    }

    /// Hands a frame over; it comes back where the thread is gone or too much waits for it.
    pub(super) fn save(&self, job: Job) -> Result<(), Job> {
        match &self.jobs {
            Some(jobs) => jobs.try_send(job).map_err(|(TrySendError::Full(job) | TrySendError::Disconnected(job))| job),
            None => Err(job),
        }
    }

    /// What was written since the last call.
    pub(super) fn done(&self) -> impl Iterator<Item = Done> + '_ {
        self.done.try_iter()
    }

    /// Waits for what is still being written.
    pub(super) fn finish(&mut self) -> Vec<Done> {
        self.jobs = None;
        // Ends when the thread has, whose end of the channel is the only one.
        let last = self.done.iter().collect();
        if let Some(thread) = self.thread.take() {
            // A panic there would have lost frames that nobody heard of as written; they count as lost.
            let _ = thread.join();
        }
        last
    }
}

/// Under a temporary name first, so that a file of the right name is whole.
fn write_whole(path: &std::path::Path, frame: &FrameToSave) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.partial"));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)
        .and_then(|mut file: File| file.write_all(frame.lease.as_ref()))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The error that counts is known; a leftover is hidden and never read.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
