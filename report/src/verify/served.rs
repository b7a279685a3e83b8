//! Log type 3: whose rows, spans that add up.

use super::{Check, Rows};
use crate::part::Table;
use crate::run::Log;

/// Rounding of instants in seconds as f64.
const ROUNDING_SECS: f64 = 1e-6;

pub(super) struct Served {
    service: u16,
}

impl Served {
    pub(super) const fn new(log: &Log) -> Self {
        Self {
            service: match log.id.service {
                Some(service) => service,
                None => 0,
            },
        }
    }
}

impl Rows for Served {
    fn part(&mut self, table: &Table, check: &mut Check<'_>) {
        check.owner("service_id", table.integers("service_id"), self.service);
        check.unix("timestamp_secs", table.floats("timestamp_secs"));
        for column in ["preprocessing_latency", "inference_latency", "serialization_latency", "ack_latency"] {
            let say = |secs| format!("{column} is {secs} s");
            check.each("negative times", table.floats(column), |secs| secs >= 0.0, say);
        }
        let [start, end, ack, total] =
            ["start_time_counter", "end_time_counter", "ack_latency", "overall_response_latency_without_ack"]
                .map(|column| table.floats(column).unwrap_or_default());
        let differ = start.iter().zip(&end).zip(ack.iter().zip(&total)).position(|((start, end), (ack, total))| {
            let without = (end - start - ack).max(0.0);
            end < start || (without - total).abs() > ROUNDING_SECS
        });
        if let Some(row) = differ {
            let text = "overall_response_latency_without_ack is not end - start - ack_latency".to_owned();
            check.error("spans that do not add up", Some(row), text);
        }
    }
}
