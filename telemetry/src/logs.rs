//! Which record goes to which log, and where its files are.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::names::Names;
use crate::part_writer::{DEFAULT_MAX_ENTRIES, LogHealth, PartWriter};
use crate::records::{AllocationRecord, FrameRecord, LinkRecord, ServedRecord};
use crate::run_clock::RunClock;
use crate::run_dir::{Role, RunDirs};
use crate::schema::{
    AllocationRow, BandwidthRow, QueryRow, ServedRow, allocation_stat, bandwidth_stat, client_queries, server_results,
};

/// Which logs are written, and at how many rows a part is spilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Rows per part of log type 1.
    pub client_queries_max_entries: NonZeroUsize,
    /// Rows per part of log type 3.
    pub server_results_max_entries: NonZeroUsize,
    /// Rows per part of log type 5.
    pub bandwidth_max_entries: NonZeroUsize,
    /// Rows per part of log type 6.
    pub allocation_max_entries: NonZeroUsize,
    /// `client_enable_bw_stat_log`.
    pub bandwidth: bool,
    /// `client_enable_allocation_stat_log`.
    pub allocation: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            client_queries_max_entries: DEFAULT_MAX_ENTRIES,
            server_results_max_entries: DEFAULT_MAX_ENTRIES,
            bandwidth_max_entries: DEFAULT_MAX_ENTRIES,
            allocation_max_entries: DEFAULT_MAX_ENTRIES,
            bandwidth: true,
            allocation: true,
        }
    }
}

/// The experiment logs of one process: those whose directory it has.
pub struct Logs {
    options: LogOptions,
    queries: Option<PerService<QueryRow>>,
    served: Option<PerService<ServedRow>>,
    bandwidth: Option<PartWriter<BandwidthRow>>,
    allocation: Option<PartWriter<AllocationRow>>,
}

/// A file set per service; writers are made when a service's first row comes.
struct PerService<R> {
    dir: PathBuf,
    writers: BTreeMap<u16, PartWriter<R>>,
}

impl<R> PerService<R> {
    fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), writers: BTreeMap::new() }
    }
}

impl Logs {
    /// The logs of a process with these directories. `services` are the car's, in the order of log type 6's columns;
    /// a cloud passes none.
    #[must_use]
    pub fn new(dirs: &RunDirs, services: &[u16], options: LogOptions) -> Self {
        let quic = dirs.logs(Role::QuicClient);
        Self {
            options,
            queries: dirs.logs(Role::Client).map(PerService::at),
            served: dirs.logs(Role::Server).map(PerService::at),
            bandwidth: quic.filter(|_| options.bandwidth).map(|dir| {
                let stem = "bandwidth_stat_log_allservices_part".to_owned();
                PartWriter::new(dir, stem, ".parquet", bandwidth_stat(), options.bandwidth_max_entries)
            }),
            allocation: quic.filter(|_| options.allocation).map(|dir| {
                let stem = "allocation_stat_log_allservices_part".to_owned();
                PartWriter::new(dir, stem, ".parquet", allocation_stat(services), options.allocation_max_entries)
            }),
        }
    }

    /// Writes nothing; for a run without an output directory.
    #[must_use]
    pub fn none() -> Self {
        Self { options: LogOptions::default(), queries: None, served: None, bandwidth: None, allocation: None }
    }

    /// Log type 1.
    pub fn frame(&mut self, record: &FrameRecord, clock: &RunClock, names: &Names) {
        let Some(log) = &mut self.queries else { return };
        let service = record.meta.service;
        let PerService { dir, writers } = log;
        let writer = writers.entry(service).or_insert_with(|| {
            let stem = format!("client_queries_service{service}_temp");
            PartWriter::new(dir, stem, ".csv", client_queries(), self.options.client_queries_max_entries)
        });
        writer.push(&QueryRow::of(record, clock, names));
    }

    /// Log type 3.
    pub fn served(&mut self, record: &ServedRecord, clock: &RunClock, names: &Names) {
        let Some(log) = &mut self.served else { return };
        let service = record.service;
        let PerService { dir, writers } = log;
        let writer = writers.entry(service).or_insert_with(|| {
            let stem = format!("server_results_service{service}_temp");
            PartWriter::new(dir, stem, "", server_results(), self.options.server_results_max_entries)
        });
        writer.push(&[ServedRow::of(record, clock, names)]);
    }

    /// Log type 5.
    pub fn link(&mut self, record: &LinkRecord, clock: &RunClock) {
        if let Some(log) = &mut self.bandwidth {
            log.push(&[BandwidthRow::of(record, clock)]);
        }
    }

    /// Log type 6.
    pub fn allocation(&mut self, record: &AllocationRecord, clock: &RunClock, names: &Names) {
        if let Some(log) = &mut self.allocation {
            log.push(&[AllocationRow::of(record, clock, names)]);
        }
    }

    /// Writes every log's last, partial part.
    pub fn finish(&mut self) {
        self.queries.iter_mut().flat_map(|log| log.writers.values_mut()).for_each(PartWriter::finish);
        self.served.iter_mut().flat_map(|log| log.writers.values_mut()).for_each(PartWriter::finish);
        self.bandwidth.iter_mut().for_each(PartWriter::finish);
        self.allocation.iter_mut().for_each(PartWriter::finish);
    }

    /// What became of all rows so far.
    #[must_use]
    pub fn health(&self) -> LogHealth {
        let mut all = LogHealth::default();
        self.queries.iter().flat_map(|log| log.writers.values()).for_each(|log| all.add(log.health()));
        self.served.iter().flat_map(|log| log.writers.values()).for_each(|log| all.add(log.health()));
        self.bandwidth.iter().for_each(|log| all.add(log.health()));
        self.allocation.iter().for_each(|log| all.add(log.health()));
        all
    }
}
