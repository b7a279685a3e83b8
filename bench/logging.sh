#!/usr/bin/env bash
# What logging costs a car: the demo with all eight logs and the event log, and with none, in turns.
#
#   bench/logging.sh [SECONDS [ROUNDS [FLAGS OF turbo demo...]]]     (default: 60 s, 2 rounds, --services 3 --fps 30)
#
# A line of JSON for each run: the share of frames with a result on time, and the processor time of the threads that
# logging needs (collector, journal-sync, frames) as a share of one core. The collector also keeps histograms and live
# lines, which stay without logs: what logging costs is the difference.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
rounds=${2:-2}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- --services 3 --fps 30
turbo=${CARGO_TARGET_DIR:-target}/release/turbo
[ -x "$turbo" ] || cargo build --release --locked --quiet
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Processor time of the car's threads that log, in clock ticks, as of the last look.
watch() {
  local demo=$1 car='' task name ticks
  while kill -0 "$demo" 2>/dev/null; do
    [ -n "$car" ] || car=$(pgrep -P "$demo" -f "$turbo car" | head -n 1 || true)
    ticks=0
    for task in /proc/"${car:-none}"/task/*/; do
      name=$(cat "$task/comm" 2>/dev/null) || continue
      case $name in
        collector | journal-sync | frames)
          # After the name, which may hold anything: utime and stime are fields 14 and 15 of the line.
          ticks=$((ticks + $(sed 's/.*) //' "$task/stat" 2>/dev/null | awk '{print $12 + $13}' || echo 0)))
          ;;
      esac
    done
    [ "$ticks" -eq 0 ] || echo "$ticks" >"$out/ticks"
    sleep 0.5
  done
}

run() {
  local logs=$1 flag=() runs
  shift
  [ "$logs" = on ] || flag=(--no-logs)
  echo 0 >"$out/ticks"
  # Kept until the end: some file systems make files slowly for minutes after others were removed.
  runs=$(mktemp -d "$out/runs.XXXXXX")
  "$turbo" demo --for "${seconds}s" --seed 1 --json --output-dir "$runs" "${flag[@]}" "$@" >"$out/summary" 2>"$out/words" &
  local demo=$!
  watch "$demo" &
  wait "$demo" || { cat "$out/words" >&2; exit 1; }
  wait
  local bytes
  bytes=$(du -sb "$runs" | cut -f 1)
  number() { grep -oE "\"$1\":[0-9]+" "$out/summary" | head -n 1 | cut -d : -f 2; }
  awk -v logs="$logs" -v seconds="$seconds" -v ticks="$(cat "$out/ticks")" -v hz="$(getconf CLK_TCK)" -v bytes="$bytes" \
    -v frames="$(number frames)" -v late="$(number decisions_late)" -v none="$(number none)" 'BEGIN {
      printf "{\"logs\":\"%s\",\"frames\":%d,\"on_time\":%.4f,\"cpu_share\":%.4f,\"written_mb\":%.1f}\n",
        logs, frames, (frames - late - none) / frames, ticks / hz / seconds, bytes / 1e6 }'
}

for _ in $(seq "$rounds"); do
  run on "$@"
  run off "$@"
done
