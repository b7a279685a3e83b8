//! Log types 2, 4, 7 and 8, which the telemetry crate that this was built with does not declare: their columns by the
//! specification, their files by the program's own part writer.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rt_core::clock::Monotonic;
use telemetry::part_writer::PartWriter;
use telemetry::run_clock::RunClock;
use telemetry::schema::{Column, required};

use super::{HEIGHT, Plan, WIDTH, us};

pub struct CameraRow {
    service: u16,
    seq: u64,
    at: f64,
    age: f64,
    path: String,
}

pub struct NetworkRow {
    at: f64,
    sent: i64,
    received: i64,
}

pub struct PingRow {
    at: f64,
    round_trip: Option<f64>,
}

pub struct ImageRow {
    context: i32,
    begin: [f64; 2],
    end: [f64; 2],
    delay: f64,
    size: i32,
    step: &'static str,
    outcome: String,
}

fn cameras() -> Vec<Column<CameraRow>> {
    vec![
        required("context_id", "", |row: &CameraRow| row.seq.to_string()),
        required("camera_id", "", |row: &CameraRow| row.service.to_string()),
        required("spawn_timestamp_secs", "", |row: &CameraRow| row.at),
        required("camera_image_path", "", |row: &CameraRow| row.path.clone()),
        required("image_age", "", |row: &CameraRow| row.age),
        required("frame_seq", "", |row: &CameraRow| row.seq),
        required("dropped_before", "", |row: &CameraRow| u32::from(row.seq % 1000 == 999)),
    ]
}

fn network() -> Vec<Column<NetworkRow>> {
    vec![
        required("timestamp", "", |row: &NetworkRow| row.at),
        required("instant_timestamp", "", |row: &NetworkRow| row.at),
        required("tx_cnt", "", |row: &NetworkRow| row.sent),
        required("rx_cnt", "", |row: &NetworkRow| row.received),
        required("timestamp_unix", "", |row: &NetworkRow| 1.7e9 + row.at),
    ]
}

fn pings() -> Vec<Column<PingRow>> {
    vec![
        required("spawn_timestamp_secs", "", |row: &PingRow| 1.7e9 + row.at),
        required("ping_duration", "", |row: &PingRow| row.round_trip.unwrap_or(1.0)),
        required("received", "", |row: &PingRow| row.round_trip.is_some()),
    ]
}

fn images() -> Vec<Column<ImageRow>> {
    vec![
        required("image_context", "", |row: &ImageRow| row.context),
        required("begin_time_secs", "", |row: &ImageRow| row.begin[0]),
        required("end_time_secs", "", |row: &ImageRow| row.end[0]),
        required("end_time_secs_normalized", "", |row: &ImageRow| row.end[0] - row.delay),
        required("begin_time_epoch_secs", "", |row: &ImageRow| row.begin[1]),
        required("end_time_epoch_secs", "", |row: &ImageRow| row.end[1]),
        required("ack_delay_secs", "", |row: &ImageRow| row.delay),
        required("image_size_bytes", "", |row: &ImageRow| row.size),
        required("record_type", "", |row: &ImageRow| row.step),
        required("outcome", "", |row: &ImageRow| row.outcome.clone()),
    ]
}

pub struct Others {
    client: PathBuf,
    quic: PathBuf,
    entries: NonZeroUsize,
    keep_every: u64,
    cameras: BTreeMap<u16, PartWriter<CameraRow>>,
    networks: BTreeMap<u16, PartWriter<NetworkRow>>,
    pings: PartWriter<PingRow>,
    images: BTreeMap<(&'static str, u16), PartWriter<ImageRow>>,
}

impl Others {
    pub fn new(client: &Path, quic: &Path, plan: &Plan) -> Self {
        let entries = NonZeroUsize::new(plan.max_entries).unwrap();
        Self {
            client: client.to_owned(),
            quic: quic.to_owned(),
            entries,
            keep_every: plan.keep_every,
            cameras: BTreeMap::new(),
            networks: BTreeMap::new(),
            pings: PartWriter::new(client, "ping_loop_allservices_temp".to_owned(), ".csv", pings(), entries),
            images: BTreeMap::new(),
        }
    }

    pub fn camera(&mut self, service: u16, seq: u64, at: Monotonic, capture: Monotonic, clock: &RunClock) {
        let kept = self.keep_every > 0 && seq.is_multiple_of(self.keep_every);
        let path = self.client.join(format!("service{service}_context_{seq}.bytes"));
        if kept {
            std::fs::write(&path, vec![seq as u8; WIDTH * HEIGHT * 3]).unwrap();
        }
        let path = if kept { path.to_string_lossy().into_owned() } else { String::new() };
        let age = at.saturating_since(capture).as_secs_f64();
        let row = CameraRow { service, seq, at: clock.unix_secs(at), age, path };
        let writer = self.cameras.entry(service).or_insert_with(|| {
            let stem = format!("camera_contexts_service{service}_temp");
            PartWriter::new(&self.client, stem, ".csv", cameras(), self.entries)
        });
        writer.push(&[row]);
    }

    pub fn network(&mut self, service: u16, since: Duration, sent: u64, received: u64) {
        let writer = self.networks.entry(service).or_insert_with(|| {
            let stem = format!("network_stat_log_service{service}_part");
            PartWriter::new(&self.quic, stem, ".parquet", network(), self.entries)
        });
        writer.push(&[NetworkRow { at: since.as_secs_f64(), sent: sent as i64, received: received as i64 }]);
    }

    pub fn ping(&mut self, since: Duration, round_trip: Option<Duration>) {
        let round_trip = round_trip.map(|time| time.as_secs_f64());
        self.pings.push(&[PingRow { at: since.as_secs_f64(), round_trip }]);
    }

    pub fn image_out(
        &mut self,
        service: u16,
        seq: u64,
        [begin, handed, sent]: [Monotonic; 3],
        bytes: u64,
        outcome: &str,
        clock: &RunClock,
    ) {
        let steps = [
            ("SHM_COPY", begin, begin.plus(us(40))),
            ("ENQUEUE_MSG", begin.plus(us(40)), handed),
            ("TX_RX", handed, sent),
            ("FLUSH", handed, sent),
        ];
        self.image("outgoing", service, seq, (begin, sent), &steps, bytes, outcome, clock);
    }

    pub fn image_in(&mut self, service: u16, seq: u64, [begin, end]: [Monotonic; 2], clock: &RunClock) {
        self.image("incoming", service, seq, (begin, end), &[("TX_RX", begin, end)], 600, "delivered", clock);
    }

    #[allow(clippy::too_many_arguments, reason = "a row has that many parts")]
    fn image(
        &mut self,
        direction: &'static str,
        service: u16,
        seq: u64,
        whole: (Monotonic, Monotonic),
        steps: &[(&'static str, Monotonic, Monotonic)],
        bytes: u64,
        outcome: &str,
        clock: &RunClock,
    ) {
        let context = i32::try_from(seq & 0x7fff_ffff).unwrap();
        let nan = [f64::NAN; 2];
        let times = |at: Monotonic| [clock.since_start_secs(at), clock.unix_secs(at)];
        let begin = |step, at| {
            let (size, outcome) = (bytes as i32, String::new());
            ImageRow { context, begin: times(at), end: nan, delay: f64::NAN, size, step, outcome }
        };
        let end = |step, at: Monotonic, outcome: &str| {
            let outcome = outcome.to_owned();
            ImageRow { context, begin: nan, end: times(at), delay: 0.01, size: -1, step, outcome }
        };
        let mut rows = vec![begin("IMAGE", whole.0)];
        for (step, from, to) in steps {
            rows.extend([begin(step, *from), end(step, *to, "")]);
        }
        rows.push(end("IMAGE", whole.1, outcome));
        let writer = self.images.entry((direction, service)).or_insert_with(|| {
            let stem = format!("image_context_log_{direction}_service{service}_part");
            PartWriter::new(&self.quic, stem, "", images(), self.entries)
        });
        writer.push(&rows);
    }

    pub fn finish(&mut self) {
        self.cameras.values_mut().for_each(PartWriter::finish);
        self.networks.values_mut().for_each(PartWriter::finish);
        self.pings.finish();
        self.images.values_mut().for_each(PartWriter::finish);
    }
}
