"""Checks a run's experiment logs with a reader that shares no code with their writer.

Usage: independent_reader.py OUTPUT_DIR. The columns below were written down from the logs' specification, not from
the program. Prints one JSON object with the rows found per log; exits with 1 and a message at the first deviation.
"""

import json
import re
import sys
from pathlib import Path

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
    ("server_results", "server_main", "server", r"server_results_service(\d+)_temp(\d+)", SERVER_RESULTS),
    ("bandwidth_stat", "quic_client", "quic-client-out", r"bandwidth_stat_log_(allservices)_part(\d+)\.parquet", BANDWIDTH_STAT),
    ("allocation_stat", "quic_client", "quic-client-out", r"allocation_stat_log_(allservices)_part(\d+)\.parquet", None),
]
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


def main():
    output = Path(sys.argv[1])
    found = {}
    for log, role, subdir, pattern, spec in LOGS:
        for run in sorted(output.iterdir()):
            if not run.name.startswith(role + "_"):
                continue
            check(re.fullmatch(f"{role}_{TIMESTAMP}", run.name), f"{run}: not <role>_<timestamp>")
            check((run / subdir).is_dir(), f"{run}: no {subdir}")
            parts = read_parts(log, pattern, spec, run / subdir)
            if log == "client_queries":
                check_queries(parts)
            found[log] = found.get(log, 0) + sum(table.num_rows for table in parts.values())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
