//! Trace events as JSON, written as they come.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::tracks::Track;

/// Writes `{"traceEvents": [...]}`.
pub(super) struct Sink<W> {
    out: W,
    zero_secs: f64,
    first: bool,
}

impl<W: Write> Sink<W> {
    /// `zero_secs` is the moment that the trace calls zero.
    pub(super) fn new(mut out: W, zero_secs: f64) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[")?;
        Ok(Self { out, zero_secs, first: true })
    }

    /// Microseconds, to the nanosecond.
    fn micros(&self, secs: f64) -> f64 {
        ((secs - self.zero_secs) * 1e9).round() / 1e3
    }

    pub(super) fn event(&mut self, event: &Value) -> io::Result<()> {
        self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        serde_json::to_writer(&mut self.out, event)?;
        Ok(())
    }

    pub(super) fn slice(&mut self, track: Track, name: &str, from: f64, to: f64, arguments: &Value) -> io::Result<()> {
        let (ts, end) = (self.micros(from), self.micros(to));
        let duration = ((end - ts) * 1e3).round() / 1e3;
        self.event(&json!({
            "ph": "X", "name": name, "cat": "frame", "pid": track.process, "tid": track.thread,
            "ts": ts, "dur": duration.max(0.0), "args": arguments,
        }))
    }

    /// A flow's start (`s`), step (`t`) or end (`f`), bound to the slice that is there at that moment.
    pub(super) fn flow(&mut self, phase: &str, track: Track, at: f64, id: u64) -> io::Result<()> {
        let ts = self.micros(at);
        self.event(&json!({
            "ph": phase, "bp": "e", "name": "frame", "cat": "frame", "id": id,
            "pid": track.process, "tid": track.thread, "ts": ts,
        }))
    }

    /// A counter's new value; `at` is seconds from zero.
    pub(super) fn counter(&mut self, name: &str, at: f64, value: f64) -> io::Result<()> {
        if !(at.is_finite() && value.is_finite()) {
            return Ok(());
        }
        let ts = (at * 1e9).round() / 1e3;
        self.event(&json!({ "ph": "C", "name": name, "pid": 1, "ts": ts, "args": { "value": value } }))
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}
