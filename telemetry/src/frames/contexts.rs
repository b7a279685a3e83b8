//! Rows of log type 2 in the cameras' order, each told once it is known whether its frame is on the disk: a path in the
//! log is a path to a whole file.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::saver::{Done, Job, Saver};
use super::{FrameHealth, Saving};
use crate::records::CameraRecord;

/// Rows that may wait for their frames; beyond it the oldest goes without a path.
const MOST_WAITING: usize = 4_096;

struct Waiting {
    record: CameraRecord,
    /// The file, and the job's number while it is being written.
    path: Option<PathBuf>,
    job: Option<u64>,
}

/// Log type 2 between its records and its rows.
pub(crate) struct CameraContexts {
    dir: PathBuf,
    saver: Option<Saver>,
    next_job: u64,
    waiting: VecDeque<Waiting>,
    health: FrameHealth,
}

impl CameraContexts {
    /// Frames go to `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        Self { dir, saver: None, next_job: 0, waiting: VecDeque::new(), health: FrameHealth::default() }
    }

    /// Takes a record; its frame goes on its way.
    pub(crate) fn push(&mut self, mut record: CameraRecord) {
        let (mut path, mut job) = (None, None);
        match std::mem::take(&mut record.saving) {
            Saving::Unwanted => {}
            Saving::NoRoom => self.health.no_room += 1,
            Saving::Frame(frame) => {
                let file = self.dir.join(format!("service{}_context_{}.bytes", record.service, record.seq));
                let number = self.next_job;
                self.next_job += 1;
                match self.start(Job { number, path: file.clone(), frame }) {
                    Ok(()) => (path, job) = (Some(file), Some(number)),
                    Err(reason) => self.failed(reason),
                }
            }
        }
        self.waiting.push_back(Waiting { record, path, job });
    }

    fn start(&mut self, job: Job) -> Result<(), String> {
        if self.saver.is_none() {
            self.saver = Some(Saver::start().map_err(|error| format!("no thread to write frames: {error}"))?);
        }
        let Some(saver) = &self.saver else { return Ok(()) };
        saver.save(job).map_err(|_| "the thread that writes frames takes no more".to_owned())
    }

    fn failed(&mut self, reason: String) {
        self.health.failed += 1;
        self.health.last_error = Some(reason);
    }

    /// Calls `row` with every record whose frame's fate is known by now, in order, and the path of its file.
    pub(crate) fn settle(&mut self, row: impl FnMut(&CameraRecord, &str)) {
        let done: Vec<Done> = self.saver.iter().flat_map(Saver::done).collect();
        self.hear(done);
        while self.waiting.len() > MOST_WAITING
            && let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.job.is_some())
        {
            (waiting.path, waiting.job) = (None, None);
        }
        self.tell(row);
    }

    /// As [`Self::settle`], once everything is written.
    pub(crate) fn finish(&mut self, row: impl FnMut(&CameraRecord, &str)) {
        let done = self.saver.take().map(|mut saver| saver.finish()).unwrap_or_default();
        self.hear(done);
        for index in 0..self.waiting.len() {
            if let Some(waiting) = self.waiting.get_mut(index)
                && waiting.job.take().is_some()
            {
                waiting.path = None;
                self.failed("the thread that writes frames has ended".to_owned());
            }
        }
        self.tell(row);
    }

    fn hear(&mut self, done: Vec<Done>) {
        for Done { number, outcome, unsynced } in done {
            if let Some(error) = unsynced {
                self.health.last_error = Some(format!("raw frames could not be synced: {error}"));
            }
            // Jobs are done in the order of their numbers, so this is among the first that wait.
            let waiting = self.waiting.iter_mut().find(|waiting| waiting.job == Some(number));
            match (outcome, waiting) {
                (Ok(()), waiting) => {
                    self.health.saved += 1;
                    waiting.into_iter().for_each(|waiting| waiting.job = None);
                }
                (Err(reason), waiting) => {
                    waiting.into_iter().for_each(|waiting| (waiting.path, waiting.job) = (None, None));
                    self.failed(reason);
                }
            }
        }
    }

    fn tell(&mut self, mut row: impl FnMut(&CameraRecord, &str)) {
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.job.is_none()) {
            let path = waiting.path.as_deref().map(Path::to_string_lossy).unwrap_or_default();
            row(&waiting.record, &path);
        }
    }

    /// What became of the frames so far.
    pub(crate) const fn health(&self) -> &FrameHealth {
        &self.health
    }
}
