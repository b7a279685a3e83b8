//! The thread that has the disk follow what was written, so that a power cut takes nothing that is older than a second.
//!
//! One thread serves all journals, event logs and raw frames of the process; it comes with the first file and goes with
//! the last. Whoever writes never waits for it: it only counts a change. Whoever is done with a file keeps it until it
//! [`is on the disk`](Synced::is_on_disk), or syncs it itself.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// Leaves three quarters of the second to a slow disk.
const PERIOD: Duration = Duration::from_millis(250);

static LIVING: Mutex<Weak<Syncer>> = Mutex::new(Weak::new());

/// A file that the disk is to follow.
#[derive(Debug)]
pub(crate) struct Synced {
    file: File,
    /// Where the file's name is; a name needs a sync of its own, once.
    dir: PathBuf,
    name_is_safe: AtomicBool,
    changes: AtomicU64,
    /// Of the changes, those that the disk has.
    on_disk: AtomicU64,
    error: Mutex<Option<String>>,
}

impl Synced {
    /// A file whose name and content are new.
    pub(crate) fn new(file: File, dir: PathBuf) -> Self {
        Self {
            file,
            dir,
            name_is_safe: AtomicBool::new(false),
            changes: AtomicU64::new(1),
            on_disk: AtomicU64::new(0),
            error: Mutex::new(None),
        }
    }

    /// The file itself.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Has the next round sync the file. What was written before this call is part of the change.
    pub(crate) fn change(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Whether the disk has every change.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.on_disk.load(Ordering::Acquire) == self.changes.load(Ordering::Acquire)
    }

    /// Why the last round failed, once.
    pub(crate) fn take_error(&self) -> Option<String> {
        self.error.try_lock().ok()?.take()
    }

    /// Waits for the disk, where it lacks a change.
    pub(crate) fn sync(&self) {
        // Looked at first: what changes during the sync is the next round's.
        let changes = self.changes.load(Ordering::Acquire);
        if changes == self.on_disk.load(Ordering::Acquire) {
            return;
        }
        let synced = self.file.sync_data().and_then(|()| {
            if !self.name_is_safe.load(Ordering::Relaxed) {
                File::open(&self.dir)?.sync_all()?;
                self.name_is_safe.store(true, Ordering::Relaxed);
            }
            Ok(())
        });
        match synced {
            Ok(()) => {
                self.on_disk.fetch_max(changes, Ordering::AcqRel);
            }
            Err(error) => *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string()),
        }
    }
}

/// What the thread is to look after.
pub(crate) trait Follow: Send + Sync {
    /// Asked in every round, on the syncer's thread.
    fn follow(&self);
}

impl Follow for Synced {
    fn follow(&self) {
        self.sync();
    }
}

/// The thread, as long as somebody holds this.
#[derive(Debug)]
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Weak<dyn Follow>>,
    ending: bool,
}

impl Syncer {
    /// The process's syncer, which now also looks after `file`.
    ///
    /// # Errors
    /// Where the kernel has no thread for it.
    pub(crate) fn follow<F: Follow + 'static>(file: &Arc<F>) -> std::io::Result<Arc<Self>> {
        let mut living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
        let syncer = match living.upgrade() {
            Some(syncer) => syncer,
            None => {
                let syncer = Arc::new(Self::start()?);
                *living = Arc::downgrade(&syncer);
                syncer
            }
        };
        let file: Weak<F> = Arc::downgrade(file);
        syncer.shared.state.lock().unwrap_or_else(PoisonError::into_inner).files.push(file);
        Ok(syncer)
    }

    fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new().name("journal-sync".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || while shared.round() {}
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Shared {
    /// Waits a period and syncs what has changed; false once the end was asked for.
    fn round(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.bell.wait_timeout_while(state, PERIOD, |state| !state.ending);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if state.ending {
            return false;
        }
        state.files.retain(|file| file.strong_count() > 0);
        let files = state.files.clone();
        drop(state);
        files.iter().filter_map(Weak::upgrade).for_each(|file| file.follow());
        true
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).ending = true;
        self.shared.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say, and ends after the sync it is in.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::mpsc::{SyncSender, sync_channel};

    use rt_core::clock::Monotonic;

    /// Long enough for any disk; a test that waits so long has failed.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Witness(SyncSender<String>);

    impl Follow for Witness {
        fn follow(&self) {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            // Full where nobody has listened for some rounds, closed where nobody listens any more.
            let _ = self.0.try_send(name);
        }
    }

    #[test]
    fn every_file_is_asked_for_in_every_round_by_the_syncer_s_own_thread() {
        let (first, asked_first) = sync_channel(8);
        let (second, asked_second) = sync_channel(8);
        let files = [first, second].map(|tell| Arc::new(Witness(tell)));
        let syncers = [&files[0], &files[1]].map(|file| Syncer::follow(file).unwrap());
        assert!(Arc::ptr_eq(&syncers[0], &syncers[1]), "one thread for all");
        for asked in [&asked_first, &asked_second] {
            for _ in 0..2 {
                assert_eq!(asked.recv_timeout(PATIENCE).unwrap(), "journal-sync");
            }
        }
        drop(files);
        // What nobody holds any more is not asked for again, though the thread goes on.
        while asked_first.recv_timeout(PATIENCE).is_ok() {}
    }

    #[test]
    fn what_was_changed_gets_to_the_disk_without_anybody_waiting_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = File::create(dir.path().join("file")).unwrap();
        let synced = Arc::new(Synced::new(file, dir.path().to_owned()));
        assert!(!synced.is_on_disk(), "its name is new");
        let _syncer = Syncer::follow(&synced).unwrap();
        for _ in 0..2 {
            let begun = Monotonic::now();
            while !synced.is_on_disk() {
                assert!(begun.elapsed() < PATIENCE, "{:?}", synced.take_error());
                std::thread::yield_now();
            }
            assert!(synced.name_is_safe.load(Ordering::Relaxed));
            (&mut synced.file()).write_all(b"more").unwrap();
            synced.change();
            // Unless a round came in between, which is right too.
        }
    }

    #[test]
    fn a_disk_that_refuses_is_said_once_and_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        let gone = dir.path().join("gone");
        let synced = Synced::new(File::create(dir.path().join("file")).unwrap(), gone.clone());
        synced.sync();
        assert!(synced.take_error().is_some() && synced.take_error().is_none());
        assert!(!synced.is_on_disk());
        std::fs::create_dir(&gone).unwrap();
        synced.sync();
        assert!(synced.is_on_disk() && synced.take_error().is_none());
    }
}
