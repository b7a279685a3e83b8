//! The process that is killed, and the page in which it says how far it has come.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapRaw;
use rt_core::stop::StopToken;
use telemetry::collector::Collector;
use telemetry::emitter::Emitter;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::records::FrameRecord;
use telemetry::run_dir::{Role, RunDirs, Subdirs};

use crate::common::*;

/// Records that wait for the collector at most, of each kind.
pub const RING: usize = 16;
pub const SERVICES: [u16; 2] = [1, 2];
/// Few, so that parts are made all the time.
const MAX_ENTRIES: std::num::NonZeroUsize = std::num::NonZeroUsize::new(20).unwrap();

/// How many boxes frame `seq` has.
pub fn boxes_of(seq: u64) -> usize {
    (seq % 4) as usize
}

/// A shared page with the number of frames that the collector has taken, per service.
pub struct Progress(MmapRaw);

impl Progress {
    pub fn create(output: &Path) -> Self {
        let path = output.join("progress");
        std::fs::write(&path, [0; 4096]).unwrap();
        Self::open(&path)
    }

    fn open(path: &Path) -> Self {
        Self(MmapRaw::map_raw(&OpenOptions::new().read(true).write(true).open(path).unwrap()).unwrap())
    }

    fn word(&self, service: u16) -> &AtomicU64 {
        assert!(SERVICES.contains(&service));
        // SAFETY: the page is mapped as long as `self`, aligned, and only ever reached through atomics.
        unsafe { &*self.0.as_ptr().cast::<AtomicU64>().add(usize::from(service)) }
    }

    pub fn frames(&self, service: u16) -> u64 {
        self.word(service).load(Ordering::Acquire)
    }
}

fn emit<T: Clone>(emitter: &mut Emitter<T>, record: &T) {
    while !emitter.emit(record.clone()) {
        std::thread::yield_now();
    }
}

/// Logs records that are numbered from 0 through a collector until somebody puts an end to the process.
pub fn log_for_ever(output: &Path) {
    let roles = [Role::Client, Role::QuicClient, Role::Server];
    let dirs = RunDirs::create(output, run_start(), &roles, &Subdirs::default()).unwrap();
    let options = LogOptions {
        client_queries_max_entries: MAX_ENTRIES,
        server_results_max_entries: MAX_ENTRIES,
        bandwidth_max_entries: MAX_ENTRIES,
        allocation_max_entries: MAX_ENTRIES,
        ..LogOptions::default()
    };
    let names = Names::default();
    let config = names.intern("edd4-imgcompNone-inpcomp50");
    let logs = Logs::new(&dirs, &SERVICES, options);
    let mut collector = Collector::new(run_start(), names.clone(), logs, &SERVICES);
    let mut frames = SERVICES.map(|service| (service, collector.frames(RING)));
    let (mut links, mut allocations) = (collector.links(RING), collector.allocations(RING));
    let mut served_by = collector.served(RING);
    let progress = Progress::open(&output.join("progress"));
    // A sink hears of a frame right after the logs have taken it.
    collector.add_sink(Box::new(move |record: &FrameRecord| {
        progress.word(record.meta.service).store(record.meta.seq + 1, Ordering::Release);
    }));
    std::thread::spawn(move || collector.run(&StopToken::default()));
    for seq in 0.. {
        emit(&mut links, &link(seq));
        emit(&mut allocations, &allocation(seq, &SERVICES, &names));
        emit(&mut served_by, &served(1, seq, &names));
        for (service, emitter) in &mut frames {
            emit(emitter, &frame(*service, seq, boxes_of(seq), config));
        }
    }
}
