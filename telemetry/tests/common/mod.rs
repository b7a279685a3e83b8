//! Records to log, and Parquet files read back with the crate's own record reader.
#![allow(dead_code, reason = "each test program uses its part of it")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use rt_core::clock::{ClockAnchor, Deadline, Monotonic, UnixTime};
use rt_core::detections::{Detection, Detections, MAX_DETECTIONS};
use rt_core::frame::{FrameMeta, PixelFormat};
use rt_core::trace::images::{DELIVERED, Direction, ImageRecord, ImageStep};
use rt_core::trace::{Hop, HopTimes};
use telemetry::frames::Saving;
use telemetry::logs::Logs;
use telemetry::names::{NameId, Names};
use telemetry::records::{
    AllocationRecord, CameraRecord, FrameRecord, LinkRecord, NetworkRecord, Outcome, PingRecord, RequestTimes,
    ResponseTimes, ServedRecord, ServiceAllocation, Source,
};
use telemetry::run_clock::RunClock;

pub const SECOND: u64 = 1_000_000_000;

/// A run that began at monotonic 100 s and Unix 1,700,000,000 s.
pub fn run_start() -> ClockAnchor {
    ClockAnchor { monotonic: Monotonic::from_ns(100 * SECOND), unix: UnixTime::from_ns(1_700_000_000 * SECOND) }
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn boxes(count: usize) -> Detections {
    (0..count.min(MAX_DETECTIONS))
        .map(|number| {
            let left = number as f32;
            Detection { x_min: left, y_min: 10.0, x_max: left + 4.0, y_max: 30.0, score: 0.5, class: 3 }
        })
        .collect()
}

/// Frame `seq`, captured 1 s of run time after the last one; its decision delivers `count` boxes of the cloud's.
pub fn frame(service: u16, seq: u64, count: usize, config: NameId) -> FrameRecord {
    let capture = run_start().monotonic.plus(Duration::from_secs(seq + 1));
    let start = capture.plus(ms(10));
    let mut hops = HopTimes::default();
    hops.set(Hop::Encode, ms(5));
    FrameRecord {
        meta: FrameMeta {
            service,
            seq,
            capture,
            deadline: Deadline::after_capture(capture, ms(200)),
            width: 640,
            height: 480,
            format: PixelFormat::Rgb8,
            scene: seq,
        },
        hops,
        source: Source::Cloud,
        outcome: Outcome::OnTime,
        none_reason: None,
        delivered: boxes(count),
        vehicle: None,
        config,
        uplink_bytes: 4_000_000_000,
        stale_results_drained: 2,
        start,
        decision: start.plus(ms(105)),
        end: start.plus(ms(106)),
        camera_obtain: ms(1),
        camera_return: ms(2),
        request: Some(RequestTimes {
            start: start.plus(ms(8)),
            serialization: ms(3),
            handover: ms(1),
            listen_start: start.plus(ms(12)),
        }),
        response: Some(ResponseTimes { received: start.plus(ms(102)), deserialization: ms(1) }),
    }
}

/// The same frame where nothing was sent and nothing delivered.
pub fn local_frame(service: u16, seq: u64, config: NameId) -> FrameRecord {
    FrameRecord {
        source: Source::Vehicle,
        outcome: Outcome::LocalOnly,
        uplink_bytes: 0,
        request: None,
        response: None,
        hops: HopTimes::default(),
        ..frame(service, seq, 0, config)
    }
}

pub fn served(service: u16, seq: u64, names: &Names) -> ServedRecord {
    let start = run_start().monotonic.plus(Duration::from_secs(seq + 1));
    ServedRecord {
        service,
        seq,
        start,
        end: start.plus(ms(60)),
        deserialization: ms(1),
        deserialization_polling: ms(9),
        preprocessing: ms(7),
        inference: ms(40),
        serialization: ms(2),
        ack: ms(4),
        config: names.intern("edd4-imgcompNone-inpcomp50"),
        car: names.intern("car-a"),
        worker: names.intern("worker-0"),
        batch_size: 65_535,
        host_to_device: Duration::ZERO,
        device: ms(40),
        device_to_host: Duration::ZERO,
        expired_before_inference: 4_000_000_000,
    }
}

pub fn link(seq: u64) -> LinkRecord {
    LinkRecord {
        at: run_start().monotonic.plus(Duration::from_secs(seq)),
        since_connection: Duration::from_secs(seq + 5),
        rtt: ms(50),
        cwnd_bytes: 4_000_000_000,
        delivery_rate_bytes_per_s: 1.25e6,
        app_limited: seq.is_multiple_of(2),
        estimate_bytes_per_s: 1.5e6,
        range_bytes_per_s: Some((9e5, 1.7e6)),
        loss: 0.02,
        connections: 2,
    }
}

/// An allocation for `services`; the share of service N is N kB/s.
pub fn allocation(seq: u64, services: &[u16], names: &Names) -> AllocationRecord {
    AllocationRecord {
        at: run_start().monotonic.plus(Duration::from_secs(seq)),
        since_connection: Some(Duration::from_secs(seq + 5)),
        services: services
            .iter()
            .map(|&service| ServiceAllocation {
                service,
                bytes_per_s: f64::from(service) * 1_000.0,
                config: names.intern(&format!("edd{service}-imgcompNone-inpcomp50")),
                weight: f64::from(service) / 2.0,
            })
            .collect(),
        expected_utility: 1.5,
        available_bytes_per_s: 1e6,
        rtt: ms(50),
        on_vehicle_utility: 0.6,
        solve_time: Duration::from_micros(110),
        policy: names.intern("optimal"),
    }
}

/// Frame `seq` of a camera, whose bytes are not to be kept.
pub fn camera(service: u16, seq: u64) -> CameraRecord {
    CameraRecord {
        service,
        seq,
        served: run_start().monotonic.plus(Duration::from_secs(seq + 1)),
        age: ms(3),
        dropped_before: 2,
        saving: Saving::Unwanted,
    }
}

pub fn ping(seq: u64, answered: bool) -> PingRecord {
    PingRecord { sent: run_start().monotonic.plus(Duration::from_secs(seq)), round_trip: answered.then_some(ms(42)) }
}

/// A service's bytes after `seq` seconds: 1000 a second out, 10 a second in.
pub fn network(service: u16, seq: u64, connected: bool) -> NetworkRecord {
    NetworkRecord {
        at: run_start().monotonic.plus(Duration::from_secs(seq)),
        since_connection: connected.then_some(Duration::from_secs(5)),
        service,
        sent_bytes: seq * 1_000,
        received_bytes: seq * 10,
    }
}

/// An image that went all its way, or one that a newer took the place of.
pub fn image(service: u16, seq: u64, direction: Direction, delivered: bool) -> ImageRecord {
    let begun = run_start().monotonic.plus(Duration::from_secs(seq % 1_000));
    let at = |millis| begun.plus(ms(millis));
    let mut image = ImageRecord::begin(direction, service, seq, 40_000, begun);
    image.step(ImageStep::ShmCopy, begun, at(1));
    if delivered {
        image.step(ImageStep::EnqueueMsg, at(1), at(4));
        image.step(ImageStep::Intermediate, at(4), at(4));
        image.step(ImageStep::TxRx, at(4), at(30));
        image.step(ImageStep::Flush, at(30), at(80));
    }
    image.end(at(80), if delivered { DELIVERED } else { "superseded" });
    image
}

/// A row, or an image's rows, for every log.
pub fn write_one_of_each(logs: &mut Logs, clock: &RunClock, names: &Names) {
    logs.frame(&frame(1, 0, 1, NameId::EMPTY), clock, names);
    logs.camera(camera(1, 0));
    logs.settle_cameras(clock, true);
    logs.served(&served(1, 0, names), clock, names);
    logs.ping(&ping(0, true), clock);
    logs.link(&link(0), clock);
    logs.allocation(&allocation(0, &[1, 3], names), clock, names);
    logs.network(&network(1, 0, true), clock);
    for direction in [Direction::Outgoing, Direction::Incoming] {
        logs.image(&image(1, 0, direction, true), clock);
    }
}

/// The visible files of a directory, by name.
pub fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// `name: dtype` with `?` where nullable, for each column in order, from the file's own schema.
pub fn columns(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let column = |column: &parquet::schema::types::ColumnDescPtr| {
        let dtype = match (column.physical_type(), column.logical_type_ref()) {
            (Physical::BOOLEAN, None) => "bool".to_owned(),
            (Physical::DOUBLE, None) => "f64".to_owned(),
            (Physical::BYTE_ARRAY, Some(LogicalType::String)) => "str".to_owned(),
            (Physical::INT32 | Physical::INT64, Some(LogicalType::Integer(integer))) => {
                format!("{}{}", if integer.is_signed { 'i' } else { 'u' }, integer.bit_width)
            }
            other => panic!("{}: {other:?}", column.name()),
        };
        let nullable = column.self_type().get_basic_info().repetition() == Repetition::OPTIONAL;
        format!("{}:{dtype}{}", column.name(), if nullable { "?" } else { "" })
    };
    schema.columns().iter().map(column).collect()
}

pub fn rows(path: &Path) -> Vec<Row> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    reader.get_row_iter(None).unwrap().map(Result::unwrap).collect()
}

/// The value of a column, by its exact name.
pub fn value(row: &Row, column: &str) -> Field {
    let found = row.get_column_iter().find(|(name, _)| *name == column);
    found.unwrap_or_else(|| panic!("no column {column:?}")).1.clone()
}

/// Every part of a log in order, K from 0 without a gap; nothing else may be in the directory under that stem.
pub fn parts(dir: &Path, stem: &str, extension: &str) -> Vec<PathBuf> {
    let count = files(dir).iter().filter(|name| name.contains(stem)).count();
    (0..count).map(|part| dir.join(format!("{stem}{part}{extension}"))).collect()
}
