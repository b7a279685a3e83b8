//! Every log, written through the public interface and read back: names, types, order, nullability and values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::path::{Path, PathBuf};

use common::*;
use parquet::record::Field;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_clock::RunClock;
use telemetry::run_dir::{Role, RunDirs, Subdirs};

const CLIENT_QUERIES: &str = "
    service_id:i32 context_id:i32 start_time_unix:f64 start_time:f64
    camera_recv_latency:f64 camera_ack_latency:f64 preprocessing_delay:f64 request_start_time:f64
    request_serialization_delay:f64 request_ack_latency:f64 response_listen_start_time:f64
    good_response_listen_delay:f64? good_response_deserialization_latency:f64? response_listen_end_time:f64
    response_overall_recv_delay:f64 end_time:f64 total_latency:f64 allocated_model:str remote_request_received:bool
    [CameraBoxComponent].box.center.x:f64? [CameraBoxComponent].box.center.y:f64?
    [CameraBoxComponent].box.size.x:f64? [CameraBoxComponent].box.size.y:f64? [CameraBoxComponent].type:i8? score:f64?
    frame_seq:u64 capture_timestamp_ns:u64 image_age:f64 deadline_ns:u64 source:str outcome:str uplink_bytes:u32
    stale_results_drained:u32";

const SERVER_RESULTS: &str = "
    service_id:str context_id:str timestamp_secs:f64 deserialization_latency:f64 deserialization_polling_latency:f64
    preprocessing_latency:f64 inference_latency:f64 serialization_latency:f64 ack_latency:f64
    overall_response_latency_without_ack:f64 start_time_counter:f64 end_time_counter:f64 requested_processing:str
    car_id:str worker_id:str batch_size:u16 host_to_device:f64 device:f64 device_to_host:f64
    expired_before_inference:u32";

const BANDWIDTH: &str = "
    timestamp:f64 instant_timestamp:f64 rtt:f64 cwnd:u32
    timestamp_unix:f64 delivery_rate:f64 app_limited:bool estimate:f64";

const ALLOCATION_OF_SERVICES_1_AND_3: &str = "
    timestamp:f64 instant_timestamp:f64 allocation_service1:f64 model_config_service1:str
    allocation_service3:f64 model_config_service3:str expected_utility:f64
    timestamp_unix:f64 available:f64 rtt:f64 on_vehicle_utility:f64 solve_time:f64 policy:str
    weight_service1:f64 weight_service3:f64";

struct Run {
    _output: tempfile::TempDir,
    dirs: RunDirs,
    logs: Logs,
    clock: RunClock,
    names: Names,
}

fn run(options: LogOptions) -> Run {
    let output = tempfile::tempdir().unwrap();
    let roles = [Role::Client, Role::Server, Role::QuicClient, Role::QuicServer];
    let dirs = RunDirs::create(output.path(), run_start(), &roles, &Subdirs::default()).unwrap();
    let logs = Logs::new(&dirs, &[1, 3], options);
    Run { _output: output, dirs, logs, clock: RunClock::new(run_start()), names: Names::default() }
}

impl Run {
    fn file(&self, role: Role, name: &str) -> PathBuf {
        self.dirs.logs(role).unwrap().join(name)
    }
}

fn assert_columns(path: &Path, spec: &str) {
    assert_eq!(columns(path), spec.split_whitespace().collect::<Vec<_>>(), "{}", path.display());
}

fn assert_f64(row: &parquet::record::Row, column: &str, expected: f64) {
    let Field::Double(found) = value(row, column) else { panic!("{column} is not f64") };
    assert!((found - expected).abs() < 1e-6, "{column}: {found}, expected {expected}");
}

#[test]
fn client_queries_have_a_row_per_box_and_every_column() {
    let mut run = run(LogOptions::default());
    let config = run.names.intern("edd4-imgcomp50-inpcompNone");
    run.logs.frame(&frame(3, 7, 2, config), &run.clock, &run.names);
    run.logs.frame(&local_frame(3, 8, config), &run.clock, &run.names);
    run.logs.finish();
    let path = run.file(Role::Client, "client_queries_service3_temp0.csv");
    assert_columns(&path, CLIENT_QUERIES);
    let rows = rows(&path);
    let [first, second, local] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    for row in [first, second] {
        assert_eq!(value(row, "service_id"), Field::Int(3));
        assert_eq!(value(row, "context_id"), Field::Int(7));
        assert_eq!(value(row, "frame_seq"), Field::ULong(7));
        assert_eq!(value(row, "capture_timestamp_ns"), Field::ULong(108 * SECOND));
        assert_eq!(value(row, "deadline_ns"), Field::ULong(108 * SECOND + 200_000_000));
        assert_eq!(value(row, "allocated_model"), Field::Str("edd4-imgcomp50-inpcompNone".to_owned()));
        assert_eq!(value(row, "remote_request_received"), Field::Bool(true));
        assert_eq!(value(row, "source"), Field::Str("cloud".to_owned()));
        assert_eq!(value(row, "outcome"), Field::Str("on_time".to_owned()));
        assert_eq!(value(row, "uplink_bytes"), Field::UInt(4_000_000_000));
        assert_eq!(value(row, "stale_results_drained"), Field::UInt(2));
        assert_eq!(value(row, "[CameraBoxComponent].type"), Field::Byte(3));
        for (column, expected) in [
            ("start_time_unix", 1_700_000_008.01),
            ("start_time", 108.01),
            ("camera_recv_latency", 0.001),
            ("camera_ack_latency", 0.002),
            ("preprocessing_delay", 0.005),
            ("request_start_time", 108.018),
            ("request_serialization_delay", 0.003),
            ("request_ack_latency", 0.001),
            ("response_listen_start_time", 108.022),
            ("good_response_listen_delay", 0.09),
            ("good_response_deserialization_latency", 0.001),
            ("response_listen_end_time", 108.113),
            ("response_overall_recv_delay", 0.095),
            ("end_time", 108.116),
            ("total_latency", 0.106),
            ("image_age", 0.01),
            ("score", 0.5),
            ("[CameraBoxComponent].box.center.y", 20.0),
            ("[CameraBoxComponent].box.size.x", 4.0),
            ("[CameraBoxComponent].box.size.y", 20.0),
        ] {
            assert_f64(row, column, expected);
        }
    }
    assert_f64(first, "[CameraBoxComponent].box.center.x", 2.0);
    assert_f64(second, "[CameraBoxComponent].box.center.x", 3.0);

    assert_eq!(value(local, "remote_request_received"), Field::Bool(false));
    assert_eq!(value(local, "outcome"), Field::Str("local_only".to_owned()));
    for column in [
        "good_response_listen_delay",
        "good_response_deserialization_latency",
        "[CameraBoxComponent].box.center.x",
        "[CameraBoxComponent].box.center.y",
        "[CameraBoxComponent].box.size.x",
        "[CameraBoxComponent].box.size.y",
        "[CameraBoxComponent].type",
        "score",
    ] {
        assert_eq!(value(local, column), Field::Null, "{column}");
    }
    assert_f64(local, "request_serialization_delay", 0.0);
    assert_f64(local, "request_start_time", 109.011);
    assert_f64(local, "response_listen_end_time", 109.115);
}

#[test]
fn server_results_have_no_extension_and_texts_for_numbers() {
    let mut run = run(LogOptions::default());
    run.logs.served(&served(2, 41, &run.names), &run.clock, &run.names);
    run.logs.finish();
    let path = run.file(Role::Server, "server_results_service2_temp0");
    assert_columns(&path, SERVER_RESULTS);
    let rows = rows(&path);
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    for (column, expected) in [
        ("service_id", "2"),
        ("context_id", "41"),
        ("requested_processing", "edd4-imgcompNone-inpcomp50"),
        ("car_id", "car-a"),
        ("worker_id", "worker-0"),
    ] {
        assert_eq!(value(row, column), Field::Str(expected.to_owned()), "{column}");
    }
    assert_eq!(value(row, "batch_size"), Field::UShort(65_535));
    assert_eq!(value(row, "expired_before_inference"), Field::UInt(4_000_000_000));
    for (column, expected) in [
        ("timestamp_secs", 1_700_000_042.0),
        ("deserialization_latency", 0.001),
        ("deserialization_polling_latency", 0.009),
        ("preprocessing_latency", 0.007),
        ("inference_latency", 0.04),
        ("serialization_latency", 0.002),
        ("ack_latency", 0.004),
        ("overall_response_latency_without_ack", 0.056),
        ("start_time_counter", 142.0),
        ("end_time_counter", 142.06),
        ("device", 0.04),
    ] {
        assert_f64(row, column, expected);
    }
}

#[test]
fn bandwidth_stat_has_the_link_s_clocks_and_rates() {
    let mut run = run(LogOptions::default());
    run.logs.link(&link(3), &run.clock);
    run.logs.finish();
    let path = run.file(Role::QuicClient, "bandwidth_stat_log_allservices_part0.parquet");
    assert_columns(&path, BANDWIDTH);
    let rows = rows(&path);
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert_eq!(value(row, "cwnd"), Field::UInt(4_000_000_000));
    assert_eq!(value(row, "app_limited"), Field::Bool(false));
    for (column, expected) in [
        ("timestamp", 8.0),
        ("instant_timestamp", 3.0),
        ("timestamp_unix", 1_700_000_003.0),
        ("rtt", 0.05),
        ("delivery_rate", 1.25e6),
        ("estimate", 1.5e6),
    ] {
        assert_f64(row, column, expected);
    }
}

#[test]
fn allocation_stat_has_two_columns_per_service_and_nan_for_one_it_does_not_know() {
    let mut run = run(LogOptions::default());
    run.logs.allocation(&allocation(2, &[3, 1], &run.names), &run.clock, &run.names);
    let mut unconnected = allocation(3, &[1], &run.names);
    unconnected.since_connection = None;
    run.logs.allocation(&unconnected, &run.clock, &run.names);
    run.logs.finish();
    let path = run.file(Role::QuicClient, "allocation_stat_log_allservices_part0.parquet");
    assert_columns(&path, ALLOCATION_OF_SERVICES_1_AND_3);
    let rows = rows(&path);
    let [first, second] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert_eq!(value(first, "model_config_service3"), Field::Str("edd3-imgcompNone-inpcomp50".to_owned()));
    assert_eq!(value(first, "policy"), Field::Str("optimal".to_owned()));
    assert_f64(first, "weight_service3", 1.5);
    for (column, expected) in [
        ("timestamp", 7.0),
        ("instant_timestamp", 2.0),
        ("allocation_service1", 1_000.0),
        ("allocation_service3", 3_000.0),
        ("expected_utility", 1.5),
        ("timestamp_unix", 1_700_000_002.0),
        ("available", 1e6),
        ("rtt", 0.05),
        ("on_vehicle_utility", 0.6),
        ("solve_time", 110e-6),
    ] {
        assert_f64(first, column, expected);
    }
    let is_nan = |column| matches!(value(second, column), Field::Double(found) if found.is_nan());
    assert!(is_nan("timestamp") && is_nan("allocation_service3"));
    assert_eq!(value(second, "model_config_service3"), Field::Str(String::new()));
}

#[test]
fn a_switch_that_is_off_writes_no_file_and_no_rows_write_none() {
    let mut run = run(LogOptions { bandwidth: false, ..LogOptions::default() });
    run.logs.link(&link(0), &run.clock);
    run.logs.finish();
    for role in [Role::Client, Role::Server, Role::QuicClient, Role::QuicServer] {
        assert!(files(run.dirs.logs(role).unwrap()).is_empty(), "{role:?}");
    }
}

#[test]
fn a_class_or_a_frame_number_too_large_for_the_old_type_is_not_negative() {
    let mut run = run(LogOptions::default());
    let mut record = frame(1, (1 << 31) + 5, 1, Default::default());
    record.delivered.iter_mut().for_each(|detection| detection.class = 200);
    run.logs.frame(&record, &run.clock, &run.names);
    run.logs.finish();
    let rows = rows(&run.file(Role::Client, "client_queries_service1_temp0.csv"));
    assert_eq!(value(&rows[0], "context_id"), Field::Int(5));
    assert_eq!(value(&rows[0], "frame_seq"), Field::ULong((1 << 31) + 5));
    assert_eq!(value(&rows[0], "[CameraBoxComponent].type"), Field::Byte(127));
}
