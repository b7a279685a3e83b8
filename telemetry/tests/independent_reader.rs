//! The logs, read by pyarrow and DuckDB against a list of columns that was written down apart from the program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use std::path::Path;
use std::process::Command;

use common::*;
use rt_core::trace::images::Direction;
use telemetry::logs::{LogOptions, Logs};
use telemetry::names::Names;
use telemetry::run_clock::RunClock;
use telemetry::run_dir::{Role, RunDirs, Subdirs};

/// The exit code of the script where Python or its packages cannot be had.
const CANNOT_CHECK: i32 = 77;

fn write_a_run(output: &Path) {
    let roles = [Role::Client, Role::Server, Role::QuicClient, Role::QuicServer];
    let dirs = RunDirs::create(output, run_start(), &roles, &Subdirs::default()).unwrap();
    let mut logs = Logs::new(&dirs, &[1, 2], LogOptions::default());
    let (clock, names) = (RunClock::new(run_start()), Names::default());
    let config = names.intern("edd4-imgcomp50-inpcompNone");
    for seq in 0..130 {
        for service in [1, 2] {
            // 0 to 3 boxes, so that parts end within what would be a frame's rows.
            let boxes = (seq as usize + usize::from(service)) % 4;
            let record =
                if seq % 10 == 9 { local_frame(service, seq, config) } else { frame(service, seq, boxes, config) };
            logs.frame(&record, &clock, &names);
            logs.served(&served(service, seq, &names), &clock, &names);
            logs.camera(camera(service, seq));
            logs.network(&network(service, seq, seq > 2), &clock);
            for direction in [Direction::Outgoing, Direction::Incoming] {
                logs.image(&image(service, seq, direction, seq % 7 != 3), &clock);
            }
        }
        logs.settle_cameras(&clock, false);
        logs.ping(&ping(seq, seq % 5 != 0), &clock);
        logs.link(&link(seq), &clock);
        logs.allocation(&allocation(seq, &[1, 2], &names), &clock, &names);
    }
    logs.finish();
    assert_eq!(logs.health().rows_lost, 0);
}

#[test]
fn pyarrow_and_duckdb_find_the_specified_columns_every_row_and_every_pair() {
    let output = tempfile::tempdir().unwrap();
    write_a_run(output.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent_reader.sh");
    let Ok(ran) = Command::new("sh").arg(script).arg(output.path()).output() else {
        eprintln!("SKIPPED: the independent reader needs a shell");
        return;
    };
    let (said, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    if ran.status.code() == Some(CANNOT_CHECK) {
        eprintln!("SKIPPED: the independent reader cannot run here: {complained}");
        return;
    }
    assert!(ran.status.success(), "{said}{complained}");
    let found: serde_json::Value = serde_json::from_str(said.trim()).unwrap();
    let rows_of_type_1: u64 = (0..130_u64)
        .flat_map(|seq| [1, 2].map(|service| if seq % 10 == 9 { 1 } else { ((seq + service) % 4).max(1) }))
        .sum();
    // 130 images: 19 of two steps, the others of six, two rows each.
    let image_rows = 2 * (2 * 19 + 6 * 111) * 2;
    let expected = serde_json::json!({
        "client_queries": rows_of_type_1, "camera_contexts": 260, "server_results": 260, "ping_loop": 130,
        "bandwidth_stat": 130, "allocation_stat": 130, "network_stat.quic_client": 260,
        "image_context_outgoing.quic_client": image_rows, "image_context_incoming.quic_client": image_rows,
        "network_stat.quic_server": 0, "image_context_outgoing.quic_server": 0, "image_context_incoming.quic_server": 0,
    });
    assert_eq!(found, expected);
}
