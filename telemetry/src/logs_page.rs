//! The documentation of the logs, made from their declarations: `docs/logs.md`.

use std::fmt::Write;

use rt_core::trace::images::ImageStep;

use crate::events::{EVENT_BYTES, EventKind};
use crate::schema::{
    ColumnInfo, allocation_stat, bandwidth_stat, camera_contexts, client_queries, describe, image_context,
    network_stat, ping_loop, server_results,
};

const HEAD: &str = "\
# The logs

Made from the declarations in `telemetry`; do not edit. `cargo run -p telemetry --example logs_page > docs/logs.md`
makes it anew, and a test says when that is due.

Every process makes its run directories at its start, all named after one second:
`<output_dir>/{client_main|server_main|quic_client|quic_server}_<timestamp>/<subdir>/`. Rows gather in memory and become
part `K` (from 0) at `max_entries` rows, and the rest at the end; rows of one frame stay together, no rows leave no file,
and a part appears whole or not at all. All parts are Parquet, whatever their extension. A column with `?` may be null.

Beside them is `run.yaml`, what it takes to run the same again: version, `git_revision`, command, start on both clocks,
host, core map and memory as granted, configuration. A release build made in the program's own git repository has the
revision, with `-changed` behind it where tracked files were not as committed; one made elsewhere has what
`TURBO_GIT_REVISION` said to the build, or null, and so have builds of other profiles.
";

const EVENTS: &str = "
## The event log: `<first run directory>/events/events_<day>_<K>.bin`

Every record that reaches the collector, as one event, and every note (what the process said of its state, its peers and
what it refused or lost), in the order of time; `event_log_quota_mib` bounds it, and its oldest files make way. A file is
one line, `turbo-events 1 ` and a JSON object (fields with their offsets, kinds, names of the sources, both clocks at two
instants), then events of a fixed size, little-endian: `at_ns` u64 (monotonic), `seq` u64, `value` u64, `service` u16,
`source` u16, `kind` u8, `detail` u8, `flags` u8 (bit 0: came late, out of order; bit 1: a note goes on), one byte unused.
A killed process leaves at most half an event at the end, which readers leave out. In Python:

```python
line = open(path, 'rb').readline()
head = json.loads(line.split(b' ', 2)[2])
fields = head['fields']
dtype = numpy.dtype({'names': [f['name'] for f in fields], 'formats': [f['type'] for f in fields],
                     'offsets': [f['offset'] for f in fields], 'itemsize': head['event_bytes']})
data = open(path, 'rb').read()[len(line):]
events = numpy.frombuffer(data[:len(data) // dtype.itemsize * dtype.itemsize], dtype)
```
";

const NOTES: &str = "
A note is as many events as its words need, one right after the other among those of its source: the 16 bytes of `seq` and
`value` are words (UTF-8), `detail` says how many of them, `service` is the piece's number from 0, and bit 1 of `flags` is
set but in the last. `turbo tail RUN` prints them whole. In Python:

```python
notes, words = [], b''
for event in events[numpy.isin(events['kind'], [k for k, kind in enumerate(head['kinds']) if kind['note']])]:
    words = (words if event['service'] else b'') + (event['seq'].tobytes() + event['value'].tobytes())[:event['detail']]
    if not event['flags'] & 2:
        notes.append((event['at_ns'], head['kinds'][event['kind']]['name'], words.decode(errors='replace')))
```

| kind | subsystem | severity | means |
|---|---|---|---|
";

const FRAMES: &str = "
Raw frames lie beside it as `service{N}_context_{seq}.bytes` (`save_frames: all`, `every: n` or `none`): the camera's
pixels as they were captured, row by row. A path in the log is a path to a whole file.
";

const PINGS: &str = "
ICMP echo over an unprivileged datagram socket. Where the kernel refuses one (`net.ipv4.ping_group_range`) the program
says so and the newest round trip of the car's own QUIC packets is logged instead, at the same interval.
";

const IMAGES: &str = "
Two rows, a begin and an end, for each step of each frame's or result's way, all written when the way is over. The one
end row of `IMAGE` says `delivered` or the reason why not: `expired`, `superseded`, `overload`, `error`, `reset` (given up
once begun), `link_down`; of results on the car also `late` (the frame had been answered) and `no_room`. A frame that is
sent for the estimate's sake while its service is given nothing is a camera's frame like any other, whose result counts,
and so is here; what carries no frame (pings, progress reports, keep-alives, menus) never is. In the cloud a frame begins
when its header is known. Outgoing on the car: frames; in the cloud: results.
";

/// The whole page.
#[must_use]
pub fn logs_page() -> String {
    let mut page = String::from(HEAD);
    // Writing into a `String` cannot fail.
    let _ = sections(&mut page);
    page
}

fn sections(page: &mut String) -> std::fmt::Result {
    let car = "on the car";
    log(page, 1, "client_queries_service{N}_temp{K}.csv", car, &describe(&client_queries()))?;
    log(page, 2, "camera_contexts_service{N}_temp{K}.csv", car, &describe(&camera_contexts()))?;
    page.push_str(FRAMES);
    log(page, 3, "server_results_service{N}_temp{K}", "in the cloud", &describe(&server_results()))?;
    log(page, 4, "ping_loop_allservices_temp{K}.csv", car, &describe(&ping_loop()))?;
    page.push_str(PINGS);
    log(page, 5, "bandwidth_stat_log_allservices_part{K}.parquet", car, &describe(&bandwidth_stat()))?;
    log(page, 6, "allocation_stat_log_allservices_part{K}.parquet", car, &describe(&allocation_stat(&[1])))?;
    page.push_str("\nThe two columns of service 1 stand for those of every service of the car, in order.\n");
    log(page, 7, "network_stat_log_service{N}_part{K}.parquet", "on both sides", &describe(&network_stat()))?;
    let images = "image_context_log_{outgoing|incoming}_service{N}_part{K}";
    log(page, 8, images, "on both sides", &describe(&image_context()))?;
    page.push_str(IMAGES);
    writeln!(page, "\n| `record_type` | what it spans |\n|---|---|")?;
    for step in ImageStep::ALL {
        writeln!(page, "| `{}` | {} |", step.name(), step.meaning())?;
    }
    page.push_str(EVENTS);
    writeln!(page, "\nAn event has {EVENT_BYTES} bytes. Its kinds, in the order of their numbers:\n")?;
    writeln!(
        page,
        "| kind | subsystem | severity | means | `value` | `detail` | `seq` |\n|---|---|---|---|---|---|---|"
    )?;
    let names = |kind: &EventKind| {
        format!("| `{}` | {} | {} | {} |", kind.name(), kind.subsystem(), kind.severity().name(), kind.meaning())
    };
    for kind in EventKind::ALL.iter().filter(|kind| kind.note().is_none()) {
        writeln!(page, "{} {} | {} | {} |", names(kind), kind.value(), kind.detail(), kind.seq())?;
    }
    page.push_str(NOTES);
    for kind in EventKind::ALL.iter().filter(|kind| kind.note().is_some()) {
        writeln!(page, "{}", names(kind))?;
    }
    Ok(())
}

fn log(page: &mut String, number: u32, files: &str, place: &str, columns: &[ColumnInfo]) -> std::fmt::Result {
    writeln!(page, "\n## {number}. `{files}`, {place}\n\n| column | type | holds |\n|---|---|---|")?;
    for ColumnInfo { name, dtype, nullable, meaning } in columns {
        writeln!(page, "| `{name}` | {}{} | {meaning} |", dtype.name(), if *nullable { "?" } else { "" })?;
    }
    Ok(())
}
