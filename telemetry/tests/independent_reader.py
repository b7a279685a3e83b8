"""Checks a run's experiment logs with a reader that shares no code with their writer.

Usage: independent_reader.py OUTPUT_DIR [--whole]. The columns below were written down from the logs' specification, not
from the program. pyarrow reads every part, DuckDB reads it again and runs the pairings. With --whole the directory is
that of a real run of one car and its cloud, and the logs have to agree with one another. Prints one JSON object with
the rows found per log; exits with 1 and a message at the first deviation.
"""

import json
import math
import re
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

DTYPES = {
    "bool": pa.bool_(), "i8": pa.int8(), "u16": pa.uint16(), "i32": pa.int32(), "u32": pa.uint32(),
    "i64": pa.int64(), "u64": pa.uint64(), "f64": pa.float64(), "str": pa.string(),
}

CLIENT_QUERIES = """
service_id:i32 context_id:i32 start_time_unix:f64 start_time:f64
camera_recv_latency:f64 camera_ack_latency:f64 preprocessing_delay:f64 request_start_time:f64
request_serialization_delay:f64 request_ack_latency:f64 response_listen_start_time:f64
good_response_listen_delay:f64? good_response_deserialization_latency:f64? response_listen_end_time:f64
response_overall_recv_delay:f64 end_time:f64 total_latency:f64 allocated_model:str remote_request_received:bool
[CameraBoxComponent].box.center.x:f64? [CameraBoxComponent].box.center.y:f64? [CameraBoxComponent].box.size.x:f64?
[CameraBoxComponent].box.size.y:f64? [CameraBoxComponent].type:i8? score:f64?
frame_seq:u64 capture_timestamp_ns:u64 image_age:f64 deadline_ns:u64 source:str outcome:str uplink_bytes:u32
stale_results_drained:u32
"""

SERVER_RESULTS = """
service_id:str context_id:str timestamp_secs:f64 deserialization_latency:f64 deserialization_polling_latency:f64
preprocessing_latency:f64 inference_latency:f64 serialization_latency:f64 ack_latency:f64
overall_response_latency_without_ack:f64 start_time_counter:f64 end_time_counter:f64 requested_processing:str
car_id:str worker_id:str batch_size:u16 host_to_device:f64 device:f64 device_to_host:f64 expired_before_inference:u32
"""

BANDWIDTH_STAT = """
timestamp:f64 instant_timestamp:f64 rtt:f64 cwnd:u32 timestamp_unix:f64 delivery_rate:f64 app_limited:bool
estimate:f64
"""

CAMERA_CONTEXTS = """
context_id:str camera_id:str spawn_timestamp_secs:f64 camera_image_path:str image_age:f64
frame_seq:u64 dropped_before:u32
"""

PING_LOOP = "spawn_timestamp_secs:f64 ping_duration:f64 received:bool"

NETWORK_STAT = "timestamp:f64 instant_timestamp:f64 tx_cnt:i64 rx_cnt:i64 timestamp_unix:f64"

IMAGE_CONTEXT = """
image_context:i32 begin_time_secs:f64 end_time_secs:f64 end_time_secs_normalized:f64 begin_time_epoch_secs:f64
end_time_epoch_secs:f64 ack_delay_secs:f64 image_size_bytes:i32 record_type:str outcome:str
"""
RECORD_TYPES = {"IMAGE", "SHM_COPY", "ENQUEUE_MSG", "FLUSH", "TX_RX", "INTERMEDIATE"}


def allocation_stat(names):
    """The columns depend on the services of the run, which the file's own columns name."""
    services = [int(name.removeprefix("allocation_service")) for name in names if name.startswith("allocation_service")]
    per_service = " ".join(f"allocation_service{n}:f64 model_config_service{n}:str" for n in services)
    weights = " ".join(f"weight_service{n}:f64" for n in services)
    return f"""timestamp:f64 instant_timestamp:f64 {per_service} expected_utility:f64
    timestamp_unix:f64 available:f64 rtt:f64 on_vehicle_utility:f64 solve_time:f64 policy:str {weights}"""


# Log, run directory and subdirectory, file name with K, columns.
LOGS = [
    ("client_queries", "client_main", "client", r"client_queries_service(\d+)_temp(\d+)\.csv", CLIENT_QUERIES),
    ("camera_contexts", "client_main", "client", r"camera_contexts_service(\d+)_temp(\d+)\.csv", CAMERA_CONTEXTS),
    ("server_results", "server_main", "server", r"server_results_service(\d+)_temp(\d+)", SERVER_RESULTS),
    ("ping_loop", "client_main", "client", r"ping_loop_(allservices)_temp(\d+)\.csv", PING_LOOP),
    ("bandwidth_stat", "quic_client", "quic-client-out", r"bandwidth_stat_log_(allservices)_part(\d+)\.parquet", BANDWIDTH_STAT),
    ("allocation_stat", "quic_client", "quic-client-out", r"allocation_stat_log_(allservices)_part(\d+)\.parquet", None),
]
for side, subdir in [("quic_client", "quic-client-out"), ("quic_server", "quic-server-out")]:
    LOGS.append((f"network_stat.{side}", side, subdir, r"network_stat_log_service(\d+)_part(\d+)\.parquet", NETWORK_STAT))
    for way in ["outgoing", "incoming"]:
        pattern = rf"image_context_log_{way}_service(\d+)_part(\d+)"
        LOGS.append((f"image_context_{way}.{side}", side, subdir, pattern, IMAGE_CONTEXT))
TIMESTAMP = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d"


def check(condition, message):
    if not condition:
        sys.exit(f"independent_reader: {message}")


def expected_schema(spec):
    fields = []
    for word in spec.split():
        name, _, dtype = word.rpartition(":")
        fields.append(pa.field(name, DTYPES[dtype.rstrip("?")], nullable=dtype.endswith("?")))
    return pa.schema(fields)


def read_parts(log, pattern, spec, directory):
    """Every part by (service, K), its schema compared with the specification field by field."""
    parts = {}
    for path in sorted(directory.iterdir()):
        match = re.fullmatch(pattern, path.name)
        if not match:
            continue
        # Without threads: pyarrow's pools sometimes abort when a short-lived interpreter ends.
        table = pq.ParquetFile(pa.BufferReader(path.read_bytes()), pre_buffer=False).read(use_threads=False)
        expected = expected_schema(spec if spec else allocation_stat(table.schema.names))
        check(table.schema.names == expected.names, f"{path}: columns {table.schema.names}, expected {expected.names}")
        for found, wanted in zip(table.schema, expected):
            check(found.equals(wanted), f"{path}: {found} nullable={found.nullable}, expected {wanted} nullable={wanted.nullable}")
        check(table.num_rows > 0, f"{path}: a part without rows")
        check_duckdb(path, table)
        parts[(match[1], int(match[2]))] = table
    for service in {service for service, _ in parts}:
        numbers = sorted(k for s, k in parts if s == service)
        check(numbers == list(range(len(numbers))), f"{log} of {service}: parts {numbers} are not 0, 1, 2 …")
    return parts


def check_queries(parts):
    """A row per box, whole frames per part, and nulls exactly where there is no box or no result."""
    box = [word.rpartition(":")[0] for word in CLIENT_QUERIES.split() if word.startswith("[") or word.startswith("score")]
    last = {}
    for (service, k), table in sorted(parts.items(), key=lambda part: (part[0][0], part[0][1])):
        rows = table.to_pylist()
        frames = [row["frame_seq"] for row in rows]
        check(frames == sorted(frames), f"service {service} part {k}: frames are not in order")
        check(frames[0] > last.get(service, -1), f"service {service} part {k}: a frame straddles two parts")
        last[service] = frames[-1]
        for row in rows:
            where = f"service {service} frame {row['frame_seq']}"
            check(str(row["service_id"]) == service and row["context_id"] == row["frame_seq"] % 2**31, f"{where}: wrong ids")
            check(len({row[name] is None for name in box}) == 1, f"{where}: half a box")
            if row[box[0]] is None:
                check(frames.count(row["frame_seq"]) == 1, f"{where}: a row without a box beside others")
            received = row["good_response_listen_delay"] is not None
            check(received == row["remote_request_received"], f"{where}: a listen delay without a result, or the reverse")
            check(abs(row["end_time"] - row["start_time"] - row["total_latency"]) < 1e-6, f"{where}: total_latency")
            check(row["source"] in {"cloud", "vehicle", "none"}, f"{where}: source {row['source']}")
            check(
                row["outcome"] in {"on_time", "late", "superseded", "expired", "link_down", "rejected", "local_only"},
                f"{where}: outcome {row['outcome']}",
            )
            check(row["start_time_unix"] > 1_500_000_000, f"{where}: start_time_unix is not Unix time")


def check_duckdb(path, table):
    """DuckDB finds the same names, rows and values, whatever the file is called."""
    found = duckdb.sql("SELECT * FROM read_parquet($path)", params={"path": str(path)}).fetchall()
    rows = [tuple(row.values()) for row in table.to_pylist()]
    same = lambda a, b: a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))
    check(len(found) == len(rows), f"{path}: DuckDB finds {len(found)} rows, pyarrow {len(rows)}")
    for number, (one, other) in enumerate(zip(found, rows)):
        check(all(map(same, one, other)), f"{path} row {number}: DuckDB reads {one}, pyarrow {other}")


def in_order(parts):
    """The parts of each service as one table, in the order of K."""
    services = {service for service, _ in parts}
    number = lambda service: sorted(k for s, k in parts if s == service)
    return {service: pa.concat_tables([parts[service, k] for k in number(service)]) for service in services}


def check_cameras(parts):
    """One row per frame, in the camera's order without gaps; a path leads to a whole file."""
    for service, table in in_order(parts).items():
        rows = table.to_pylist()
        check([row["frame_seq"] for row in rows] == list(range(len(rows))), f"camera {service}: not one row per frame")
        for row in rows:
            where = f"camera {service} frame {row['frame_seq']}"
            check((row["context_id"], row["camera_id"]) == (str(row["frame_seq"]), service), f"{where}: wrong ids")
            check(row["spawn_timestamp_secs"] > 1_500_000_000, f"{where}: spawn_timestamp_secs is not Unix time")
            path = Path(row["camera_image_path"])
            if row["camera_image_path"]:
                check(path.name == f"service{service}_context_{row['frame_seq']}.bytes", f"{where}: {path.name}")
                check(path.is_file() and path.stat().st_size > 0, f"{where}: {path} is not there")


def check_pings(parts):
    for _, table in in_order(parts).items():
        times = table["spawn_timestamp_secs"].to_pylist()
        check(times == sorted(times) and times[0] > 1_500_000_000, "pings are not in the order of Unix time")
        for row in table.to_pylist():
            good = 0 < row["ping_duration"] < 10 if row["received"] else row["ping_duration"] == 1.0
            check(good, f"ping {row}")


def check_network(parts):
    """Counters are cumulative: they never fall."""
    for service, logged in in_order(parts).items():
        bad = duckdb.sql("""
            WITH steps AS (
                SELECT tx_cnt - lag(tx_cnt) OVER t AS tx, rx_cnt - lag(rx_cnt) OVER t AS rx,
                       instant_timestamp - lag(instant_timestamp) OVER t AS since
                FROM (SELECT *, row_number() OVER () AS place FROM logged) WINDOW t AS (ORDER BY place))
            SELECT count(*) FROM steps WHERE tx < 0 OR rx < 0 OR since < 0""").fetchone()[0]
        check(bad == 0, f"network_stat of service {service}: {bad} counters fell")


def check_images(log, parts):
    """Each step of each image begins once and ends once, within its image; an image ends once, with its outcome."""
    last = {}
    for (service, k), table in sorted(parts.items(), key=lambda part: (part[0][0], part[0][1])):
        images = set(table["image_context"].to_pylist())
        check(not images & last.get(service, set()), f"{log} service {service} part {k}: an image straddles two parts")
        last.setdefault(service, set()).update(images)
        kinds = set(table["record_type"].to_pylist())
        check(kinds <= RECORD_TYPES, f"{log} service {service} part {k}: record types {kinds}")
    for service, logged in in_order(parts).items():
        unpaired = duckdb.sql("""
            SELECT image_context, record_type, count(*) FILTER (NOT isnan(begin_time_secs)) AS begins,
                   count(*) FILTER (NOT isnan(end_time_secs)) AS ends,
                   max(begin_time_secs) FILTER (NOT isnan(begin_time_secs)) AS begin_at,
                   max(end_time_secs) FILTER (NOT isnan(end_time_secs)) AS end_at
            FROM logged GROUP BY ALL
            HAVING begins <> 1 OR ends <> 1 OR begin_at > end_at""").fetchall()
        check(not unpaired, f"{log} service {service}: not in pairs: {unpaired[:3]}")
        outcomes = duckdb.sql("""
            SELECT image_context, count(*) FILTER (record_type = 'IMAGE' AND outcome <> '') AS told,
                   count(*) FILTER (outcome <> '') AS said, count(DISTINCT record_type) AS steps,
                   max(outcome) = 'delivered' AS delivered
            FROM logged GROUP BY ALL HAVING told <> 1 OR said <> 1 OR (delivered AND steps <> 6)""").fetchall()
        check(not outcomes, f"{log} service {service}: not one end: {outcomes[:3]}")
        rows = duckdb.sql("""
            SELECT count(*) FROM logged WHERE
                isnan(begin_time_secs) = isnan(end_time_secs) OR isnan(begin_time_epoch_secs) <> isnan(begin_time_secs)
                OR isnan(end_time_epoch_secs) <> isnan(end_time_secs) OR isnan(ack_delay_secs) <> isnan(end_time_secs)
                OR isnan(end_time_secs_normalized) <> isnan(end_time_secs)
                OR (image_size_bytes = -1) <> isnan(begin_time_secs)
                -- NaN is greater than any number to DuckDB.
                OR (NOT isnan(end_time_secs)
                    AND abs(end_time_secs - ack_delay_secs - end_time_secs_normalized) > 1e-6)""").fetchone()[0]
        check(rows == 0, f"{log} service {service}: {rows} rows that are neither a begin nor an end")


def check_whole(logs):
    """What the logs of one run say of the same frames agrees."""
    frames = lambda log, service: in_order(logs[log])[service].to_pylist() if service in in_order(logs[log]) else []

    def images(log, service):
        return {row["image_context"]: row["outcome"] for row in frames(log, service) if row["outcome"]}

    delivered = 0
    for service in sorted({service for service, _ in logs["client_queries"]}):
        queries = {row["frame_seq"]: row for row in frames("client_queries", service)}
        cameras = [row["frame_seq"] for row in frames("camera_contexts", service)]
        check(sorted(queries) == cameras, f"service {service}: {len(queries)} decisions of {len(cameras)} frames")
        out, back = images("image_context_outgoing.quic_client", service), images("image_context_incoming.quic_client", service)
        arrived = images("image_context_incoming.quic_server", service)
        answered = images("image_context_outgoing.quic_server", service)
        check(set(out) <= set(queries), f"service {service}: images {set(out) - set(queries)} are no frames")
        for seq, query in queries.items():
            where = f"service {service} frame {seq}"
            if query["uplink_bytes"] > 0:
                check(seq in out, f"{where}: went up and is in no log")
            if query["remote_request_received"]:
                delivered += 1
                for name, log in [("car out", out), ("car in", back), ("cloud in", arrived), ("cloud out", answered)]:
                    check(log.get(seq) == "delivered", f"{where}: delivered, but {name} says {log.get(seq)}")
            elif query["outcome"] in {"superseded", "expired", "link_down"} and seq in out:
                check(out[seq] != "delivered", f"{where}: {query['outcome']}, but delivered")
        for row in frames("server_results", service):
            check(arrived.get(int(row["context_id"])) == "delivered", f"service {service}: {row['context_id']} was served")
        sent = sum(query["uplink_bytes"] for query in queries.values())
        counted = frames("network_stat.quic_client", service)
        if sent:
            check(counted[-1]["tx_cnt"] >= sent, f"service {service}: {sent} bytes sent, {counted[-1]['tx_cnt']} counted")
        if back:
            check(counted[-1]["rx_cnt"] > 0, f"service {service}: results came, and no byte of them was counted")
    return delivered


def main():
    output, whole = Path(sys.argv[1]), "--whole" in sys.argv[2:]
    found, logs = {}, {}
    for log, role, subdir, pattern, spec in LOGS:
        for run in sorted(output.iterdir()):
            if not run.name.startswith(role + "_"):
                continue
            check(re.fullmatch(f"{role}_{TIMESTAMP}", run.name), f"{run}: not <role>_<timestamp>")
            check((run / subdir).is_dir(), f"{run}: no {subdir}")
            parts = read_parts(log, pattern, spec, run / subdir)
            kind = log.partition(".")[0]
            if kind == "client_queries":
                check_queries(parts)
            elif kind == "camera_contexts":
                check_cameras(parts)
            elif kind == "ping_loop":
                check_pings(parts)
            elif kind == "network_stat":
                check_network(parts)
            elif kind.startswith("image_context"):
                check_images(log, parts)
            logs[log] = parts
            found[log] = found.get(log, 0) + sum(table.num_rows for table in parts.values())
    if whole:
        found["frames_delivered_by_the_cloud"] = check_whole(logs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
