//! What one would otherwise tell of millions of hops with: a line of text each.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use tracing::subscriber::DefaultGuard;
use tracing_appender::non_blocking::NonBlockingBuilder;

use super::producer::{Emit, Record};
use super::race::race;
use super::{PeerRow, Plan, RING};
use crate::error::{BenchError, Result};

/// Something that carries records from threads to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// All threads share one bounded crossbeam channel; a thread writes a line of CSV for each record. Room for as many
    /// records as all of turbo's rings have.
    Channel,
    /// The `tracing` crate: an event each, formatted by `tracing-subscriber` on the thread that tells it, written by
    /// `tracing-appender`'s thread; lossy, as it comes, with room for as many lines as the channel has.
    Tracing,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Channel, Self::Tracing];

    /// The row's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel, a line of CSV each",
            Self::Tracing => "tracing, tracing-appender",
        }
    }

    /// Measures it; its file goes to `dir`.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn measure(self, plan: Plan, dir: &Path) -> Result<PeerRow> {
        let path = dir.join("peer.log");
        let file = File::create(&path).map_err(BenchError::system("creating the peer's file"))?;
        let row = match self {
            Self::Channel => self.channel(plan, file),
            Self::Tracing => self.tracing(plan, file),
        };
        // Gigabytes of text: room for the next row.
        std::fs::remove_file(&path).map_err(BenchError::system("removing the peer's file"))?;
        row
    }

    fn channel(self, plan: Plan, file: File) -> Result<PeerRow> {
        let (sender, receiver) = bounded::<Record>(RING * plan.producers);
        let lost = Arc::new(AtomicU64::new(0));
        let ends = (0..plan.producers).map(|_| ChannelEnd { sender: sender.clone(), lost: Arc::clone(&lost) });
        let ends: Vec<_> = ends.map(|end| move || end).collect();
        drop(sender);
        let mut written = Ok(());
        let raced = race(plan, ends, |_| written = write_lines(&receiver, file))?;
        written.map_err(BenchError::system("writing the peer's lines"))?;
        Ok(PeerRow::new(self, plan, lost.load(Ordering::Relaxed), raced))
    }

    fn tracing(self, plan: Plan, file: File) -> Result<PeerRow> {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(RING * plan.producers).lossy(true);
        let (writer, worker) = builder.finish(file);
        let counter = writer.error_counter();
        let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_target(false).finish();
        let dispatch = tracing::Dispatch::new(subscriber);
        let ends: Vec<_> = (0..plan.producers)
            .map(|_| dispatch.clone())
            .map(|dispatch| move || TracingEnd(tracing::dispatcher::set_default(&dispatch)))
            .collect();
        drop(dispatch);
        let raced = race(plan, ends, |_| ())?;
        // Waits for what is still in its queue, at most the second that the crate gives itself.
        drop(worker);
        Ok(PeerRow::new(self, plan, counter.dropped_lines() as u64, raced))
    }
}

/// Ends when every sender is gone and the channel empty.
fn write_lines(receiver: &Receiver<Record>, file: File) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, file);
    for Record { frame, start, end } in receiver {
        let (service, seq, took) = (frame.service, frame.seq, end.saturating_since(start).as_nanos());
        writeln!(file, "{},cloud_queue,{service},{seq},{took}", end.as_ns())?;
    }
    file.flush()
}

struct ChannelEnd {
    sender: Sender<Record>,
    lost: Arc<AtomicU64>,
}

impl Emit for ChannelEnd {
    fn emit(&mut self, record: Record) {
        if self.sender.try_send(record).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Has the thread's events go to the subscriber for as long as it lives.
struct TracingEnd(#[expect(dead_code, reason = "held, not read")] DefaultGuard);

impl Emit for TracingEnd {
    fn emit(&mut self, Record { frame, start, end }: Record) {
        let took_ns = end.as_ns().saturating_sub(start.as_ns());
        tracing::info!(service = frame.service, seq = frame.seq, at_ns = end.as_ns(), took_ns, "cloud_queue");
    }
}
