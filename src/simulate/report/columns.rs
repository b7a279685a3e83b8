//! One row per run, for programs: JSON, CSV and Parquet with the same columns.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde::Serialize;

use super::compare::{cells, gain};
use crate::failure::Failure;
use crate::simulate::Run;

/// One run.
#[derive(Serialize)]
struct Row<'a> {
    trace: &'a str,
    policy: String,
    mean_mbps: f64,
    rtt_ms: f64,
    loss: f64,
    slo_ms: f64,
    /// Mean accuracy of the decisions, weighted.
    utility: f64,
    /// Share of the frames for the cloud whose results were in time; 1 where none was sent.
    on_time: f64,
    switches: u64,
    frames: u64,
    sent: u64,
    in_time: u64,
    /// Megabytes given to the link, headers and repeats among them.
    uplink_mb: f64,
    /// Utility of the on-vehicle detector alone.
    on_vehicle_utility: f64,
    /// Share gained over it.
    gain_over_on_vehicle: f64,
    /// Share gained over the best single configuration; nothing where none was run.
    gain_over_best_single: Option<f64>,
    /// Utility short of the oracle's; nothing where that was not run.
    regret: Option<f64>,
}

#[derive(Serialize)]
struct Document<'a> {
    runs: Vec<Row<'a>>,
}

fn rows(runs: &[Run]) -> Vec<Row<'_>> {
    let rows = cells(runs).flat_map(|(cell, beside)| {
        cell.iter().map(move |run| {
            let outcome = &run.outcome;
            Row {
                trace: &run.trace,
                policy: run.policy.to_string(),
                mean_mbps: run.mean_mbps,
                rtt_ms: run.rtt.as_secs_f64() * 1e3,
                loss: run.loss,
                slo_ms: run.slo.as_secs_f64() * 1e3,
                utility: outcome.utility,
                on_time: outcome.on_time(),
                switches: outcome.switches,
                frames: outcome.frames,
                sent: outcome.sent,
                in_time: outcome.in_time,
                uplink_mb: outcome.link_bits as f64 / 8e6,
                on_vehicle_utility: outcome.on_vehicle_utility,
                gain_over_on_vehicle: gain(outcome.utility, outcome.on_vehicle_utility),
                gain_over_best_single: beside.best_single.map(|best| gain(outcome.utility, best)),
                regret: beside.oracle.map(|oracle| oracle - outcome.utility),
            }
        })
    });
    rows.collect()
}

/// `{"runs": […]}`.
///
/// # Errors
/// None that a number or a name can cause.
pub fn json(runs: &[Run]) -> Result<String, Failure> {
    serde_json::to_string(&Document { runs: rows(runs) }).map_err(Failure::run)
}

const HEADER: &str = "trace,policy,mean_mbps,rtt_ms,loss,slo_ms,utility,on_time,switches,frames,sent,in_time,uplink_mb,\
on_vehicle_utility,gain_over_on_vehicle,gain_over_best_single,regret\n";

/// With a header line; a name with a comma or a quote is quoted (RFC 4180).
///
/// # Errors
/// None.
pub fn csv(runs: &[Run]) -> Result<Vec<u8>, Failure> {
    let mut text = HEADER.to_owned();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for row in rows(runs) {
        let fields = [
            quoted(row.trace),
            quoted(&row.policy),
            row.mean_mbps.to_string(),
            row.rtt_ms.to_string(),
            row.loss.to_string(),
            row.slo_ms.to_string(),
            row.utility.to_string(),
            row.on_time.to_string(),
            row.switches.to_string(),
            row.frames.to_string(),
            row.sent.to_string(),
            row.in_time.to_string(),
            row.uplink_mb.to_string(),
            row.on_vehicle_utility.to_string(),
            row.gain_over_on_vehicle.to_string(),
            number(row.gain_over_best_single),
            number(row.regret),
        ];
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    Ok(text.into_bytes())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

const SCHEMA: &str = "message runs {
    required binary trace (UTF8); required binary policy (UTF8);
    required double mean_mbps; required double rtt_ms; required double loss; required double slo_ms;
    required double utility; required double on_time;
    required int64 switches; required int64 frames; required int64 sent; required int64 in_time;
    required double uplink_mb; required double on_vehicle_utility; required double gain_over_on_vehicle;
    optional double gain_over_best_single; optional double regret;
}";

/// One row group, compressed with Zstandard.
///
/// # Errors
/// [`Failure::Run`] where the writer fails.
pub fn parquet(runs: &[Run]) -> Result<Vec<u8>, Failure> {
    write_parquet(&rows(runs)).map_err(Failure::run)
}

/// One column's values.
enum Values {
    Text(Vec<ByteArray>),
    Double(Vec<f64>),
    Whole(Vec<i64>),
    /// With gaps: the values there are, and for every row whether there is one.
    Sparse(Vec<f64>, Vec<i16>),
}

fn write_parquet(rows: &[Row<'_>]) -> Result<Vec<u8>, ParquetError> {
    let double = |of: fn(&Row<'_>) -> f64| Values::Double(rows.iter().map(of).collect());
    let whole = |of: fn(&Row<'_>) -> u64| {
        Values::Whole(rows.iter().map(|row| i64::try_from(of(row)).unwrap_or(i64::MAX)).collect())
    };
    let sparse = |of: fn(&Row<'_>) -> Option<f64>| {
        let levels = rows.iter().map(|row| i16::from(of(row).is_some())).collect();
        Values::Sparse(rows.iter().filter_map(of).collect(), levels)
    };
    let columns = [
        Values::Text(rows.iter().map(|row| ByteArray::from(row.trace)).collect()),
        Values::Text(rows.iter().map(|row| ByteArray::from(row.policy.as_str())).collect()),
        double(|row| row.mean_mbps),
        double(|row| row.rtt_ms),
        double(|row| row.loss),
        double(|row| row.slo_ms),
        double(|row| row.utility),
        double(|row| row.on_time),
        whole(|row| row.switches),
        whole(|row| row.frames),
        whole(|row| row.sent),
        whole(|row| row.in_time),
        double(|row| row.uplink_mb),
        double(|row| row.on_vehicle_utility),
        double(|row| row.gain_over_on_vehicle),
        sparse(|row| row.gain_over_best_single),
        sparse(|row| row.regret),
    ];
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties)?;
    let mut group = file.next_row_group()?;
    for values in columns {
        let Some(mut column) = group.next_column()? else { break };
        match values {
            Values::Text(values) => column.typed::<ByteArrayType>().write_batch(&values, None, None)?,
            Values::Double(values) => column.typed::<DoubleType>().write_batch(&values, None, None)?,
            Values::Whole(values) => column.typed::<Int64Type>().write_batch(&values, None, None)?,
            Values::Sparse(values, levels) => column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?,
        };
        column.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}
