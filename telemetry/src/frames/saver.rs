//! The thread that writes frames to the disk: it starts with the first frame, and inherits the collector's cores and
//! priority. The disk follows behind it ([`crate::disk_sync`]), so a frame's file may be short after a power cut within the
//! second after it was written.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use super::FrameToSave;
use crate::disk_sync::{Synced, Syncer};

/// Frames on their way, and words about frames; more than all cameras together lend slots.
const QUEUE: usize = 1_024;
/// Written files that the disk may lack. With more this thread waits for the disk, and frames find no room.
const MOST_UNSYNCED: usize = 64;

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
    /// Why the disk does not have an earlier one for certain.
    pub(super) unsynced: Option<String>,
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
            let mut unsynced = Unsynced::default();
            for Job { number, path, frame } in todo {
                let written = write_whole(&path, &frame);
                // The slot goes home before anybody hears of it.
                drop(frame);
                let outcome = written.and_then(|file| unsynced.take(file, &path));
                let outcome = outcome.map_err(|error| format!("{}: {error}", path.display()));
                if tell.send(Done { number, outcome, unsynced: unsynced.error.take() }).is_err() {
                    return;
                }
            }
            unsynced.finish();
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

/// Files that the disk may lack, oldest first.
#[derive(Default)]
struct Unsynced {
    files: VecDeque<Arc<Synced>>,
    syncer: Option<Arc<Syncer>>,
    error: Option<String>,
}

impl Unsynced {
    fn take(&mut self, file: File, path: &Path) -> io::Result<()> {
        while let Some(oldest) = self.files.front() {
            if self.files.len() >= MOST_UNSYNCED {
                oldest.sync();
            }
            let error = oldest.take_error();
            // A second try of the kernel's writes finds nothing left to write: what failed once is told and let go.
            if error.is_none() && !oldest.is_on_disk() {
                break;
            }
            self.error = error.or(self.error.take());
            self.files.pop_front();
        }
        let file = Arc::new(Synced::new(file, path.parent().unwrap_or(path).to_owned()));
        self.syncer = Some(Syncer::follow(&file)?);
        self.files.push_back(file);
        Ok(())
    }

    fn finish(&self) {
        self.files.iter().for_each(|file| file.sync());
    }
}

/// Under a temporary name first, so that a file of the right name is whole.
fn write_whole(path: &Path, frame: &FrameToSave) -> io::Result<File> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.partial"));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&temporary)
        .and_then(|mut file: File| file.write_all(frame.lease.as_ref()).map(|()| file))
        .and_then(|file| std::fs::rename(&temporary, path).map(|()| file));
    if written.is_err() {
        // The error that counts is known; a leftover is hidden and never read.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_follows_behind_and_never_lacks_more_files_than_are_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let mut unsynced = Unsynced::default();
        let mut all = Vec::new();
        for number in 0..3 * MOST_UNSYNCED {
            let path = dir.path().join(number.to_string());
            let mut file = File::create(&path).unwrap();
            file.write_all(b"pixels").unwrap();
            unsynced.take(file, &path).unwrap();
            all.extend(unsynced.files.back().cloned());
            assert!(unsynced.files.len() <= MOST_UNSYNCED);
            assert!(all.iter().filter(|file| !file.is_on_disk()).count() <= MOST_UNSYNCED);
        }
        unsynced.finish();
        assert!(all.iter().all(|file| file.is_on_disk()));
        assert_eq!(unsynced.error, None);
    }

    #[test]
    fn a_file_that_could_not_be_synced_is_told_and_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut unsynced = Unsynced::default();
        let gone = dir.path().join("gone").join("frame");
        unsynced.take(File::create(dir.path().join("frame")).unwrap(), &gone).unwrap();
        unsynced.files.iter().for_each(|file| file.sync());
        unsynced.take(File::create(dir.path().join("next")).unwrap(), &dir.path().join("next")).unwrap();
        assert_eq!(unsynced.files.len(), 1);
        assert!(unsynced.error.take().is_some());
    }
}
