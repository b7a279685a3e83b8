//! Which record goes to which log, and where its files are.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::frames::{CameraContexts, FrameHealth};
use crate::names::Names;
use crate::part_writer::{DEFAULT_MAX_ENTRIES, LogHealth, PartWriter};
use crate::records::{
    AllocationRecord, CameraRecord, FrameRecord, ImageRecord, LinkRecord, NetworkRecord, PingRecord, ServedRecord,
};
use crate::run_clock::RunClock;
use crate::run_dir::{Role, RunDirs};
use crate::schema::{
    AllocationRow, BandwidthRow, CameraRow, ImageRow, NetworkRow, PingRow, QueryRow, ServedRow, allocation_stat,
    bandwidth_stat, camera_contexts, client_queries, image_context, network_stat, ping_loop, server_results,
};
use rt_core::trace::images::Direction;

/// Which logs are written, and at how many rows a part is spilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Rows per part of log type 1.
    pub client_queries_max_entries: NonZeroUsize,
    /// Rows per part of log type 2.
    pub camera_contexts_max_entries: NonZeroUsize,
    /// Rows per part of log type 3.
    pub server_results_max_entries: NonZeroUsize,
    /// Rows per part of log type 4.
    pub ping_max_entries: NonZeroUsize,
    /// Rows per part of log type 5.
    pub bandwidth_max_entries: NonZeroUsize,
    /// Rows per part of log type 6.
    pub allocation_max_entries: NonZeroUsize,
    /// Rows per part of log type 7.
    pub network_max_entries: NonZeroUsize,
    /// Rows per part of log type 8.
    pub image_context_max_entries: NonZeroUsize,
    /// Whether log type 1 is written.
    pub client_queries: bool,
    /// Whether log type 2 is written.
    pub camera_contexts: bool,
    /// Whether log type 3 is written.
    pub server_results: bool,
    /// Whether log type 4 is written.
    pub ping_loop: bool,
    /// `client_enable_bw_stat_log`.
    pub bandwidth: bool,
    /// `client_enable_allocation_stat_log`.
    pub allocation: bool,
    /// `{client|server}_enable_network_stat_log`.
    pub network: bool,
    /// `{client|server}_enable_outgoing_image_context_log`.
    pub images_outgoing: bool,
    /// `{client|server}_enable_incoming_image_context_log`.
    pub images_incoming: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            client_queries_max_entries: DEFAULT_MAX_ENTRIES,
            camera_contexts_max_entries: DEFAULT_MAX_ENTRIES,
            server_results_max_entries: DEFAULT_MAX_ENTRIES,
            ping_max_entries: DEFAULT_MAX_ENTRIES,
            bandwidth_max_entries: DEFAULT_MAX_ENTRIES,
            allocation_max_entries: DEFAULT_MAX_ENTRIES,
            network_max_entries: DEFAULT_MAX_ENTRIES,
            image_context_max_entries: DEFAULT_MAX_ENTRIES,
            client_queries: true,
            camera_contexts: true,
            server_results: true,
            ping_loop: true,
            bandwidth: true,
            allocation: true,
            network: true,
            images_outgoing: true,
            images_incoming: true,
        }
    }
}

/// The experiment logs of one process: those whose directory it has.
pub struct Logs {
    options: LogOptions,
    queries: Option<PerService<QueryRow>>,
    cameras: Option<(CameraContexts, PerService<CameraRow>)>,
    served: Option<PerService<ServedRow>>,
    ping: Option<PartWriter<PingRow>>,
    bandwidth: Option<PartWriter<BandwidthRow>>,
    allocation: Option<PartWriter<AllocationRow>>,
    network: Option<PerService<NetworkRow>>,
    images_outgoing: Option<PerService<ImageRow>>,
    images_incoming: Option<PerService<ImageRow>>,
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

    /// The writer of a service, made by `make` for the directory where there is none yet.
    fn writer(&mut self, service: u16, make: impl FnOnce(&Path) -> PartWriter<R>) -> &mut PartWriter<R> {
        let Self { dir, writers } = self;
        writers.entry(service).or_insert_with(|| make(dir))
    }
}

impl Logs {
    /// The logs of a process with these directories. `services` are the car's, in the order of log type 6's columns;
    /// a cloud passes none.
    #[must_use]
    pub fn new(dirs: &RunDirs, services: &[u16], options: LogOptions) -> Self {
        let quic = dirs.logs(Role::QuicClient);
        let either = quic.or_else(|| dirs.logs(Role::QuicServer));
        let client = dirs.logs(Role::Client);
        Self {
            options,
            queries: client.filter(|_| options.client_queries).map(PerService::at),
            cameras: client
                .filter(|_| options.camera_contexts)
                .map(|dir| (CameraContexts::new(dir), PerService::at(dir))),
            served: dirs.logs(Role::Server).filter(|_| options.server_results).map(PerService::at),
            ping: client.filter(|_| options.ping_loop).map(|dir| {
                let stem = "ping_loop_allservices_temp".to_owned();
                PartWriter::new(dir, stem, ".csv", ping_loop(), options.ping_max_entries)
            }),
            network: either.filter(|_| options.network).map(PerService::at),
            images_outgoing: either.filter(|_| options.images_outgoing).map(PerService::at),
            images_incoming: either.filter(|_| options.images_incoming).map(PerService::at),
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
        Self {
            options: LogOptions::default(),
            queries: None,
            cameras: None,
            served: None,
            ping: None,
            bandwidth: None,
            allocation: None,
            network: None,
            images_outgoing: None,
            images_incoming: None,
        }
    }

    /// Log type 1.
    pub fn frame(&mut self, record: &FrameRecord, clock: &RunClock, names: &Names) {
        let Some(log) = &mut self.queries else { return };
        let service = record.meta.service;
        let writer = log.writer(service, |dir| {
            let stem = format!("client_queries_service{service}_temp");
            PartWriter::new(dir, stem, ".csv", client_queries(), self.options.client_queries_max_entries)
        });
        writer.push(&QueryRow::of(record, clock, names));
    }

    /// Log type 2; its row follows once the frame's fate is known.
    pub fn camera(&mut self, record: CameraRecord) {
        if let Some((contexts, _)) = &mut self.cameras {
            contexts.push(record);
        }
    }

    /// Writes the rows of log type 2 whose frames are on the disk, or need not be; with `last`, waits for all of them.
    pub fn settle_cameras(&mut self, clock: &RunClock, last: bool) {
        let Some((contexts, log)) = &mut self.cameras else { return };
        let entries = self.options.camera_contexts_max_entries;
        let row = |record: &CameraRecord, path: &str| {
            let writer = log.writer(record.service, |dir| {
                let stem = format!("camera_contexts_service{}_temp", record.service);
                PartWriter::new(dir, stem, ".csv", camera_contexts(), entries)
            });
            writer.push(&[CameraRow::of(record, path, clock)]);
        };
        if last { contexts.finish(row) } else { contexts.settle(row) }
    }

    /// Log type 3.
    pub fn served(&mut self, record: &ServedRecord, clock: &RunClock, names: &Names) {
        let Some(log) = &mut self.served else { return };
        let service = record.service;
        let writer = log.writer(service, |dir| {
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

    /// Log type 4.
    pub fn ping(&mut self, record: &PingRecord, clock: &RunClock) {
        if let Some(log) = &mut self.ping {
            log.push(&[PingRow::of(record, clock)]);
        }
    }

    /// Log type 7.
    pub fn network(&mut self, record: &NetworkRecord, clock: &RunClock) {
        let Some(log) = &mut self.network else { return };
        let writer = log.writer(record.service, |dir| {
            let stem = format!("network_stat_log_service{}_part", record.service);
            PartWriter::new(dir, stem, ".parquet", network_stat(), self.options.network_max_entries)
        });
        writer.push(&[NetworkRow::of(record, clock)]);
    }

    /// Log type 8; all rows of an image are in one part.
    pub fn image(&mut self, record: &ImageRecord, clock: &RunClock) {
        let log = match record.direction {
            Direction::Outgoing => &mut self.images_outgoing,
            Direction::Incoming => &mut self.images_incoming,
        };
        let Some(log) = log else { return };
        let writer = log.writer(record.service, |dir| {
            let stem = format!("image_context_log_{}_service{}_part", record.direction.name(), record.service);
            PartWriter::new(dir, stem, "", image_context(), self.options.image_context_max_entries)
        });
        writer.push(&ImageRow::of(record, clock));
    }

    /// What became of the raw frames that were to be kept.
    #[must_use]
    pub fn frames(&self) -> FrameHealth {
        self.cameras.as_ref().map(|(contexts, _)| contexts.health().clone()).unwrap_or_default()
    }

    /// Writes every log's last, partial part.
    pub fn finish(&mut self) {
        self.queries.iter_mut().flat_map(|log| log.writers.values_mut()).for_each(PartWriter::finish);
        self.cameras.iter_mut().flat_map(|(_, log)| log.writers.values_mut()).for_each(PartWriter::finish);
        self.ping.iter_mut().for_each(PartWriter::finish);
        self.network.iter_mut().flat_map(|log| log.writers.values_mut()).for_each(PartWriter::finish);
        let images = self.images_outgoing.iter_mut().chain(&mut self.images_incoming);
        images.flat_map(|log| log.writers.values_mut()).for_each(PartWriter::finish);
        self.served.iter_mut().flat_map(|log| log.writers.values_mut()).for_each(PartWriter::finish);
        self.bandwidth.iter_mut().for_each(PartWriter::finish);
        self.allocation.iter_mut().for_each(PartWriter::finish);
    }

    /// What became of all rows so far.
    #[must_use]
    pub fn health(&self) -> LogHealth {
        let mut all = LogHealth::default();
        self.queries.iter().flat_map(|log| log.writers.values()).for_each(|log| all.add(log.health()));
        self.cameras.iter().flat_map(|(_, log)| log.writers.values()).for_each(|log| all.add(log.health()));
        self.ping.iter().for_each(|log| all.add(log.health()));
        self.network.iter().flat_map(|log| log.writers.values()).for_each(|log| all.add(log.health()));
        let images = self.images_outgoing.iter().chain(&self.images_incoming);
        images.flat_map(|log| log.writers.values()).for_each(|log| all.add(log.health()));
        self.served.iter().flat_map(|log| log.writers.values()).for_each(|log| all.add(log.health()));
        self.bandwidth.iter().for_each(|log| all.add(log.health()));
        self.allocation.iter().for_each(|log| all.add(log.health()));
        all
    }
}
