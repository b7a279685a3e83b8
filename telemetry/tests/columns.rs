//! Every log, written through the public interface and read back: names, types, order, nullability and values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::path::{Path, PathBuf};

use common::*;
use parquet::record::Field;
use rt_core::memory::arena::HugePages;
use rt_core::memory::pool::FramePool;
use rt_core::trace::images::Direction;
use telemetry::frames::{FrameSampler, FrameToSave, SaveFrames, Saving};
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::records::CameraRecord;
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

const CAMERA_CONTEXTS: &str = "
    context_id:str camera_id:str spawn_timestamp_secs:f64 camera_image_path:str image_age:f64
    frame_seq:u64 dropped_before:u32";

const PING_LOOP: &str = "spawn_timestamp_secs:f64 ping_duration:f64 received:bool";

const NETWORK: &str = "timestamp:f64 instant_timestamp:f64 tx_cnt:i64 rx_cnt:i64 timestamp_unix:f64";

const IMAGE_CONTEXT: &str = "
    image_context:i32 begin_time_secs:f64 end_time_secs:f64 end_time_secs_normalized:f64 begin_time_epoch_secs:f64
    end_time_epoch_secs:f64 ack_delay_secs:f64 image_size_bytes:i32 record_type:str outcome:str";

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

#[test]
fn camera_contexts_have_a_row_per_frame_and_paths_only_to_whole_files() {
    let mut run = run(LogOptions::default());
    let mut pool = FramePool::new(2, 64, HugePages::Never, false).unwrap();
    let sampler = FrameSampler::new(SaveFrames::All);
    let mut slot = pool.acquire().unwrap();
    slot.as_mut()[..5].copy_from_slice(b"frame");
    let [lease] = slot.share(5).unwrap();
    run.logs.camera(CameraRecord {
        saving: Saving::Frame(FrameToSave::new(lease, sampler.sample(7).unwrap())),
        ..camera(3, 7)
    });
    run.logs.camera(CameraRecord { saving: Saving::NoRoom, ..camera(3, 8) });
    run.logs.camera(camera(3, 9));
    run.logs.settle_cameras(&run.clock, true);
    run.logs.finish();
    assert_eq!(pool.free_slots(), 2, "the slot is home again");
    let path = run.file(Role::Client, "camera_contexts_service3_temp0.csv");
    assert_columns(&path, CAMERA_CONTEXTS);
    let rows = rows(&path);
    let frame = run.file(Role::Client, "service3_context_7.bytes");
    assert_eq!(std::fs::read(&frame).unwrap(), b"frame");
    let paths = [frame.to_str().unwrap(), "", ""];
    assert_eq!(rows.len(), 3);
    for ((row, seq), path) in rows.iter().zip(7_u64..).zip(paths) {
        assert_eq!(value(row, "context_id"), Field::Str(seq.to_string()));
        assert_eq!(value(row, "camera_id"), Field::Str("3".to_owned()));
        assert_eq!(value(row, "camera_image_path"), Field::Str(path.to_owned()));
        assert_eq!(value(row, "frame_seq"), Field::ULong(seq));
        assert_eq!(value(row, "dropped_before"), Field::UInt(2));
        assert_f64(row, "spawn_timestamp_secs", 1_700_000_001.0 + seq as f64);
        assert_f64(row, "image_age", 0.003);
    }
    let health = run.logs.frames();
    assert_eq!((health.saved, health.no_room, health.failed), (1, 1, 0));
}

#[test]
fn frames_that_cannot_be_written_are_counted_and_their_rows_have_no_path() {
    let mut run = run(LogOptions::default());
    let mut pool = FramePool::new(2, 64, HugePages::Never, false).unwrap();
    let sampler = FrameSampler::new(SaveFrames::All);
    // A directory where the file should go.
    std::fs::create_dir_all(run.file(Role::Client, "service1_context_0.bytes/x")).unwrap();
    for seq in 0..2 {
        let [lease] = pool.acquire().unwrap().share(64).unwrap();
        let saving = Saving::Frame(FrameToSave::new(lease, sampler.sample(seq).unwrap()));
        run.logs.camera(CameraRecord { saving, ..camera(1, seq) });
    }
    run.logs.settle_cameras(&run.clock, true);
    run.logs.finish();
    let health = run.logs.frames();
    assert_eq!((health.saved, health.failed, health.lost()), (1, 1, 1));
    assert!(health.last_error.unwrap().contains("service1_context_0.bytes"));
    let rows = rows(&run.file(Role::Client, "camera_contexts_service1_temp0.csv"));
    assert_eq!(rows.len(), 2, "every frame has its row, in the camera's order");
    assert_eq!(value(&rows[0], "camera_image_path"), Field::Str(String::new()));
    assert_ne!(value(&rows[1], "camera_image_path"), Field::Str(String::new()));
    assert_eq!(pool.free_slots(), 2);
}

#[test]
fn pings_that_were_lost_take_a_second() {
    let mut run = run(LogOptions::default());
    run.logs.ping(&ping(0, true), &run.clock);
    run.logs.ping(&ping(1, false), &run.clock);
    run.logs.finish();
    let path = run.file(Role::Client, "ping_loop_allservices_temp0.csv");
    assert_columns(&path, PING_LOOP);
    let rows = rows(&path);
    assert_f64(&rows[0], "spawn_timestamp_secs", 1_700_000_000.0);
    assert_f64(&rows[0], "ping_duration", 0.042);
    assert_f64(&rows[1], "ping_duration", 1.0);
    assert_eq!([0, 1].map(|row| value(&rows[row], "received")), [Field::Bool(true), Field::Bool(false)]);
}

#[test]
fn network_stats_are_a_file_set_per_service_on_either_side() {
    for (roles, role) in [(Role::CAR, Role::QuicClient), (Role::CLOUD, Role::QuicServer)] {
        let output = tempfile::tempdir().unwrap();
        let dirs = RunDirs::create(output.path(), run_start(), roles, &Subdirs::default()).unwrap();
        let mut logs = Logs::new(&dirs, &[], LogOptions::default());
        let clock = RunClock::new(run_start());
        logs.network(&network(2, 1, true), &clock);
        logs.network(&network(2, 2, false), &clock);
        logs.network(&network(5, 1, true), &clock);
        logs.finish();
        let dir = dirs.logs(role).unwrap();
        assert_eq!(files(dir), ["network_stat_log_service2_part0.parquet", "network_stat_log_service5_part0.parquet"]);
        let path = dir.join("network_stat_log_service2_part0.parquet");
        assert_columns(&path, NETWORK);
        let rows = rows(&path);
        assert_eq!([0, 1].map(|row| value(&rows[row], "tx_cnt")), [Field::Long(1_000), Field::Long(2_000)]);
        assert_eq!([0, 1].map(|row| value(&rows[row], "rx_cnt")), [Field::Long(10), Field::Long(20)]);
        assert_f64(&rows[0], "timestamp", 5.0);
        assert!(matches!(value(&rows[1], "timestamp"), Field::Double(none) if none.is_nan()));
        assert_f64(&rows[1], "instant_timestamp", 2.0);
        assert_f64(&rows[1], "timestamp_unix", 1_700_000_002.0);
    }
}

#[test]
fn image_contexts_have_a_begin_and_an_end_for_every_step_and_one_outcome() {
    let mut run = run(LogOptions::default());
    run.logs.image(&image(1, 7, Direction::Outgoing, true), &run.clock);
    run.logs.image(&image(1, (1 << 31) + 8, Direction::Outgoing, false), &run.clock);
    run.logs.finish();
    let path = run.file(Role::QuicClient, "image_context_log_outgoing_service1_part0");
    assert_columns(&path, IMAGE_CONTEXT);
    let rows = rows(&path);
    let of = |context: i32| {
        rows.iter().filter(move |row| value(row, "image_context") == Field::Int(context)).collect::<Vec<_>>()
    };
    let double = |row: &parquet::record::Row, column| match value(row, column) {
        Field::Double(found) => found,
        other => panic!("{column}: {other:?}"),
    };
    for (context, steps, outcome) in [(7, 6, "delivered"), (8, 2, "superseded")] {
        let rows = of(context);
        let begins: Vec<_> = rows.iter().filter(|row| !double(row, "begin_time_secs").is_nan()).collect();
        let ends: Vec<_> = rows.iter().filter(|row| !double(row, "end_time_secs").is_nan()).collect();
        assert_eq!((begins.len(), ends.len(), rows.len()), (steps, steps, 2 * steps));
        for begin in &begins {
            let step = value(begin, "record_type");
            let end: Vec<_> = ends.iter().filter(|end| value(end, "record_type") == step).collect();
            assert_eq!(end.len(), 1, "{step}");
            assert!(double(begin, "begin_time_secs") <= double(end[0], "end_time_secs"));
            assert_eq!(value(begin, "image_size_bytes"), Field::Int(40_000));
            assert_eq!(value(end[0], "image_size_bytes"), Field::Int(-1));
            assert_f64(begin, "begin_time_epoch_secs", 1_700_000_000.0 + double(begin, "begin_time_secs"));
            assert!(
                ["end_time_secs", "end_time_secs_normalized", "end_time_epoch_secs", "ack_delay_secs"]
                    .iter()
                    .all(|column| double(begin, column).is_nan())
            );
            let normalized = double(end[0], "end_time_secs") - double(end[0], "ack_delay_secs");
            assert_f64(end[0], "end_time_secs_normalized", normalized);
        }
        let told: Vec<_> =
            rows.iter().map(|row| value(row, "outcome")).filter(|said| *said != Field::Str(String::new())).collect();
        assert_eq!(told, [Field::Str(outcome.to_owned())], "it ends once");
        let first_and_last = [rows[0], rows[rows.len() - 1]].map(|row| value(row, "record_type"));
        assert_eq!(first_and_last, [Field::Str("IMAGE".to_owned()), Field::Str("IMAGE".to_owned())]);
    }
    let rows = of(7);
    let flush = rows.iter().rfind(|row| value(row, "record_type") == Field::Str("FLUSH".to_owned()));
    assert_f64(flush.unwrap(), "ack_delay_secs", 0.05);
}

#[test]
fn each_switch_is_for_its_own_log() {
    let names = Names::default();
    let off = [
        ("client_queries", LogOptions { client_queries: false, ..LogOptions::default() }),
        ("camera_contexts", LogOptions { camera_contexts: false, ..LogOptions::default() }),
        ("server_results", LogOptions { server_results: false, ..LogOptions::default() }),
        ("ping_loop", LogOptions { ping_loop: false, ..LogOptions::default() }),
        ("bandwidth_stat_log", LogOptions { bandwidth: false, ..LogOptions::default() }),
        ("allocation_stat_log", LogOptions { allocation: false, ..LogOptions::default() }),
        ("network_stat_log", LogOptions { network: false, ..LogOptions::default() }),
        ("image_context_log_outgoing", LogOptions { images_outgoing: false, ..LogOptions::default() }),
        ("image_context_log_incoming", LogOptions { images_incoming: false, ..LogOptions::default() }),
    ];
    for (log, options) in off {
        let mut run = run(options);
        write_one_of_each(&mut run.logs, &run.clock, &names);
        run.logs.finish();
        let written: Vec<String> = [Role::Client, Role::Server, Role::QuicClient, Role::QuicServer]
            .iter()
            .flat_map(|&role| files(run.dirs.logs(role).unwrap()))
            .collect();
        assert_eq!(written.len(), 8, "{log}: {written:?}");
        assert!(!written.iter().any(|name| name.starts_with(log)), "{log}: {written:?}");
    }
}
