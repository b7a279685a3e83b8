//! The thread that has the disk follow the journals, so that a power cut takes no row that is older than a second.
//!
//! One thread serves all journals of the process; it comes with the first and goes with the last. The collector never
//! waits for it: it only sets a flag.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// Leaves three quarters of the second to a slow disk.
const PERIOD: Duration = Duration::from_millis(250);

static LIVING: Mutex<Weak<Syncer>> = Mutex::new(Weak::new());

/// A file that the disk is to follow.
#[derive(Debug)]
pub(super) struct Synced {
    pub(super) file: File,
    /// Where the file's name is; a name needs a sync of its own, once.
    dir: PathBuf,
    name_is_safe: AtomicBool,
    changed: AtomicBool,
    error: Mutex<Option<String>>,
}

impl Synced {
    pub(super) fn new(file: File, dir: PathBuf) -> Self {
        let (name_is_safe, changed) = (AtomicBool::new(false), AtomicBool::new(true));
        Self { file, dir, name_is_safe, changed, error: Mutex::new(None) }
    }

    /// Has the next round sync the file.
    pub(super) fn change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Why the last round failed, once.
    pub(super) fn take_error(&self) -> Option<String> {
        self.error.try_lock().ok()?.take()
    }

    fn sync(&self) {
        // Cleared first: what changes during the sync is the next round's.
        if !self.changed.swap(false, Ordering::AcqRel) {
            return;
        }
        let synced = self.file.sync_data().and_then(|()| {
            if !self.name_is_safe.load(Ordering::Relaxed) {
                File::open(&self.dir)?.sync_all()?;
                self.name_is_safe.store(true, Ordering::Relaxed);
            }
            Ok(())
        });
        if let Err(error) = synced {
            self.change();
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
    }
}

/// The thread, as long as somebody holds this.
#[derive(Debug)]
pub(super) struct Syncer {
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
    files: Vec<Weak<Synced>>,
    ending: bool,
}

impl Syncer {
    /// The process's syncer, which now also looks after `file`.
    pub(super) fn follow(file: &Arc<Synced>) -> std::io::Result<Arc<Self>> {
        let mut living = LIVING.lock().unwrap_or_else(PoisonError::into_inner);
        let syncer = match living.upgrade() {
            Some(syncer) => syncer,
            None => {
                let syncer = Arc::new(Self::start()?);
                *living = Arc::downgrade(&syncer);
                syncer
            }
        };
        syncer.shared.state.lock().unwrap_or_else(PoisonError::into_inner).files.push(Arc::downgrade(file));
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
        files.iter().filter_map(Weak::upgrade).for_each(|file| file.sync());
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
