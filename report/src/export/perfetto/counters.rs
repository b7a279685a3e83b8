//! The link and its division, as counters beside the frames.

use std::io::{self, Write};

use super::event::Sink;
use crate::export::Window;
use crate::logs::{LogKind, services_of_allocation};
use crate::part::{Wanted, read};
use crate::run::Run;

/// Bytes per second as Mbit/s.
const MBPS: f64 = 8e-6;

pub(super) fn write<W: Write>(run: &Run, window: Window, sink: &mut Sink<W>) -> io::Result<()> {
    for kind in [LogKind::BandwidthStat, LogKind::AllocationStat] {
        for part in run.of(kind).flat_map(|log| &log.parts) {
            let Ok(table) = read(&part.path, Wanted::All) else { continue };
            let at = table.floats("instant_timestamp").unwrap_or_default();
            let mut columns = vec![
                ("estimate".to_owned(), "estimate Mbit/s".to_owned(), MBPS),
                ("rtt".to_owned(), "round trip ms".to_owned(), 1e3),
                ("available".to_owned(), "available Mbit/s".to_owned(), MBPS),
                ("expected_utility".to_owned(), "expected utility".to_owned(), 1.0),
            ];
            // Both logs have it; one counter is enough.
            columns.retain(|(column, _, _)| column != "rtt" || kind == LogKind::BandwidthStat);
            for service in services_of_allocation(table.names()) {
                let name = format!("service {service} allocated Mbit/s");
                columns.push((format!("allocation_service{service}"), name, MBPS));
            }
            for (column, name, scale) in columns {
                for (at, value) in at.iter().zip(table.floats(&column).unwrap_or_default()) {
                    if window.holds(*at) {
                        sink.counter(&name, *at, value * scale)?;
                    }
                }
            }
        }
    }
    Ok(())
}
