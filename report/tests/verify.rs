//! `--verify` finds every mistake that is made on purpose, where it was made, and none in a run without.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail loudly, as tests may")]

mod synthetic;

use std::num::NonZeroUsize;
use std::path::Path;

use synthetic::{Generated, Plan, generate};
use telemetry::part_writer::PartWriter;
use telemetry::schema::{Column, required};
use turbo_report::finding::{Finding, Severity};
use turbo_report::run::Run;
use turbo_report::verify::{Verification, verify};

fn made(folder: &Path) -> Generated {
    generate(folder, &Plan { seconds: 30, ..Plan::default() })
}

fn verified(run: &Generated) -> Verification {
    verify(Run::find(std::slice::from_ref(&run.client)).unwrap())
}

/// Errors in words, each with its file.
fn errors(verification: &Verification) -> Vec<&Finding> {
    verification.findings.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// Writes one part `dir/stem{number}extension` of these rows.
fn write_part<R>(dir: &Path, stem: &str, extension: &'static str, columns: Vec<Column<R>>, rows: &[R]) {
    let mut writer = PartWriter::new(dir, stem.to_owned(), extension, columns, NonZeroUsize::MAX);
    writer.push(rows);
    writer.finish();
    assert_eq!(writer.health().parts_written, 1, "{:?}", writer.health());
}

#[test]
fn a_run_as_it_ought_to_be_has_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let run = generate(folder.path(), &Plan { seconds: 30, keep_every: 50, ..Plan::default() });
    let verification = verified(&run);
    assert_eq!(verification.findings, []);
    assert_eq!(verification.frames_paired, run.from_cloud);
    assert!(verification.parts > 50 && verification.logs > 10, "{verification:?}");
}

#[test]
fn a_missing_part_and_the_frames_in_it_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    std::fs::remove_file(run.client_logs.join("client_queries_service1_temp2.csv")).unwrap();
    let verification = verified(&run);
    let errors = errors(&verification);
    assert!(errors.iter().any(|finding| finding.text.starts_with("part 2 is missing")), "{errors:?}");
    let frames = errors.iter().find(|finding| finding.text.starts_with("no row of frames")).unwrap();
    assert!(frames.file.ends_with("client_queries_service1_temp3.csv") && frames.row == Some(0), "{frames:?}");
}

#[test]
fn frames_that_are_decided_before_older_ones_are_in_order_and_each_has_its_rows_once() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("client_main_2026-05-06_07-08-09/client");
    std::fs::create_dir_all(&dir).unwrap();
    let found = |service: u16, frames: &[u64]| {
        let columns = vec![required("frame_seq", "", |frame: &u64| *frame)];
        let stem = format!("client_queries_service{service}_temp");
        write_part(&dir, &stem, ".csv", columns, frames);
        let verification = verify(Run::find(&[folder.path().to_owned()]).unwrap());
        let of =
            |finding: &&Finding| finding.file.contains(&format!("service{service}_")) && finding.text.contains("frame");
        let said = |finding: &Finding| (finding.row, finding.text.split(';').next().unwrap().to_owned());
        verification.findings.iter().filter(of).map(said).collect::<Vec<_>>()
    };
    assert_eq!(found(1, &[1, 1, 4, 0, 2, 2, 3, 5]), []);
    assert_eq!(found(2, &[0, 1, 4, 4, 3, 5]), [(Some(2), "no row of frames 2 to 2".to_owned())]);
    assert_eq!(found(3, &[0, 1, 1, 0]).len(), 1);
    let late: Vec<u64> = (1..400).chain([0]).collect();
    assert_eq!(found(4, &late).len(), 2, "missing, and then much too late");
}

#[test]
fn counters_that_fall_are_found_by_their_row() {
    struct Row(f64, i64);
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    let columns = || -> Vec<Column<Row>> {
        vec![
            required("timestamp", "", |row: &Row| row.0),
            required("instant_timestamp", "", |row: &Row| row.0),
            required("tx_cnt", "", |row: &Row| row.1),
            required("rx_cnt", "", |_: &Row| 0_i64),
            required("timestamp_unix", "", |row: &Row| 1.7e9 + row.0),
        ]
    };
    // The prototype's mistake: the counter starts anew at every interval.
    write_part(
        &run.quic_logs,
        "network_stat_log_service9_part",
        ".parquet",
        columns(),
        &[Row(1.0, 5), Row(2.0, 9), Row(3.0, 4)],
    );
    let verification = verified(&run);
    let errors = errors(&verification);
    let [finding] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(finding.file.ends_with("network_stat_log_service9_part0.parquet"), "{finding:?}");
    assert_eq!((finding.row, finding.text.contains("tx_cnt falls from 9 to 4")), (Some(2), true));
}

#[test]
fn names_types_and_order_of_columns_are_checked() {
    struct Row;
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    let part = |service: u16| format!("network_stat_log_service{service}_part");
    let float = |name: &str| required(name.to_owned(), "", |_: &Row| 1.7e9_f64);
    let count = |name: &str| required(name.to_owned(), "", |_: &Row| 1_i64);
    let (time, since, unix) = ("timestamp", "instant_timestamp", "timestamp_unix");
    let swapped = vec![float(since), float(time), count("tx_cnt"), count("rx_cnt"), float(unix)];
    write_part(&run.quic_logs, &part(11), ".parquet", swapped, &[Row]);
    let wrong_type = vec![float(time), float(since), float("tx_cnt"), count("rx_cnt"), float(unix)];
    write_part(&run.quic_logs, &part(12), ".parquet", wrong_type, &[Row]);
    let lacking = vec![float(time), float(since), count("tx_cnt"), float(unix)];
    write_part(&run.quic_logs, &part(13), ".parquet", lacking, &[Row]);
    let extra = vec![float(time), float(since), count("tx_cnt"), count("rx_cnt"), float(unix), count("mood")];
    write_part(&run.quic_logs, &part(14), ".parquet", extra, &[Row]);
    let older = vec![float(time), float(since), count("tx_cnt"), count("rx_cnt")];
    write_part(&run.quic_logs, &part(15), ".parquet", older, &[Row]);
    let verification = verified(&run);
    let said = |service: u16, words: &str| {
        let file = format!("{}0.parquet", part(service));
        let found =
            verification.findings.iter().find(|finding| finding.file.ends_with(&file) && finding.text.contains(words));
        found.unwrap_or_else(|| panic!("{file}: {words}: {:?}", verification.findings)).severity
    };
    assert_eq!(said(11, "column 0 is \"instant_timestamp\"; it has to be \"timestamp\""), Severity::Error);
    assert_eq!(said(12, "column \"tx_cnt\" is of type f64; it has to be i64"), Severity::Error);
    assert_eq!(said(13, "has no column \"rx_cnt\""), Severity::Error);
    assert_eq!(said(14, "column \"mood\" is in no version"), Severity::Error);
    assert_eq!(said(15, "older version: no column timestamp_unix"), Severity::Warning);
    assert_eq!(verification.errors, 4, "{:?}", verification.findings);
}

#[test]
fn begins_without_end_and_ends_without_outcome_are_found() {
    struct Row(i32, Option<f64>, Option<f64>, &'static str, &'static str);
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    let columns: Vec<Column<Row>> = vec![
        required("image_context", "", |row: &Row| row.0),
        required("begin_time_secs", "", |row: &Row| row.1.unwrap_or(f64::NAN)),
        required("end_time_secs", "", |row: &Row| row.2.unwrap_or(f64::NAN)),
        required("end_time_secs_normalized", "", |row: &Row| row.2.unwrap_or(f64::NAN)),
        required("begin_time_epoch_secs", "", |row: &Row| row.1.unwrap_or(f64::NAN)),
        required("end_time_epoch_secs", "", |row: &Row| row.2.unwrap_or(f64::NAN)),
        required("ack_delay_secs", "", |row: &Row| row.2.map_or(f64::NAN, |_| 0.0)),
        required("image_size_bytes", "", |row: &Row| row.1.map_or(-1, |_| 5)),
        required("record_type", "", |row: &Row| row.3),
        required("outcome", "", |row: &Row| row.4),
    ];
    let rows = [
        Row(0, Some(1.0), None, "IMAGE", ""),
        Row(0, Some(1.0), None, "FLUSH", ""),
        Row(0, None, Some(2.0), "IMAGE", ""),
        Row(1, None, Some(2.5), "TX_RX", ""),
        Row(2, Some(3.0), None, "TX_RX", ""),
        Row(2, None, Some(2.9), "TX_RX", ""),
        Row(3, Some(3.0), Some(4.0), "NAP", ""),
    ];
    write_part(&run.quic_logs, "image_context_log_outgoing_service7_part", "", columns, &rows);
    let verification = verified(&run);
    let found: Vec<(Option<u64>, &str)> =
        errors(&verification).iter().map(|finding| (finding.row, finding.text.as_str())).collect();
    for (row, words) in [
        (1, "FLUSH of image 0 begins and has no end"),
        (2, "image 0 ends without an outcome"),
        (3, "TX_RX of image 1 ends without having begun"),
        (5, "before its begin"),
        (6, "record_type is \"NAP\""),
        (6, "a row is a begin or an end"),
    ] {
        assert!(found.iter().any(|(at, text)| *at == Some(row) && text.contains(words)), "{row} {words}: {found:?}");
    }
}

#[test]
fn a_delivered_frame_without_its_image_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    std::fs::remove_file(run.quic_logs.join("image_context_log_outgoing_service2_part0")).unwrap();
    let verification = verified(&run);
    let errors = errors(&verification);
    let text = "has a result of the cloud, but no matched begin and end of IMAGE here";
    assert!(errors.iter().any(|finding| finding.text.contains(text)), "{errors:?}");
}

#[test]
fn parts_that_no_max_entries_explains_and_frames_in_two_parts_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let run = made(folder.path());
    // The last part, partial, takes the place of an earlier one: parts are no longer of one size.
    let logs = &run.quic_logs;
    let names: Vec<_> = (0..)
        .map(|part| logs.join(format!("bandwidth_stat_log_allservices_part{part}.parquet")))
        .take_while(|path| path.is_file())
        .collect();
    let last = names.last().unwrap();
    std::fs::copy(last, &names[0]).unwrap();
    // A part a second time, under the next number.
    let queries: Vec<_> = (0..)
        .map(|part| run.client_logs.join(format!("client_queries_service1_temp{part}.csv")))
        .take_while(|path| path.is_file())
        .collect();
    let next = run.client_logs.join(format!("client_queries_service1_temp{}.csv", queries.len()));
    std::fs::copy(queries.last().unwrap(), next).unwrap();
    let verification = verified(&run);
    let errors = errors(&verification);
    for words in ["no max_entries explains both", "has rows in the part before too", "comes a second time"] {
        assert!(errors.iter().any(|finding| finding.text.contains(words)), "{words}: {errors:?}");
    }
}
