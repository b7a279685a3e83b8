//! A row of the runs in real time.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use transport::simulation::cases::Case;
use transport::simulation::scenario::Outcome;

use super::{Costs, PLAIN};
use crate::transport::{Row, row};

/// One carrier on one case, over all seeds, in real time.
#[derive(Clone, Debug, Serialize)]
pub struct RealRow {
    /// As in virtual time.
    #[serde(flatten)]
    pub row: Row,
    /// The same share in virtual time, with the same seeds and for as long; of turbo's own carriers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_on_time: Option<f64>,
    /// Processor time of the car's thread for each frame that was captured, microseconds.
    pub car_us_per_frame: f64,
    /// The gateway's.
    pub gateway_us_per_frame: f64,
    /// Processor time of the car's thread for each Mbit of frames on time, milliseconds; none where none was.
    pub car_ms_per_mbit: Option<f64>,
    /// The gateway's.
    pub gateway_ms_per_mbit: Option<f64>,
    /// Processor time of car and gateway together for each Mbit, as part of the plain client's in the same case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_plain: Option<f64>,
}

impl RealRow {
    pub(super) fn of(case: &Case, carrier: &str, real: &[Outcome], simulated: &[Outcome], costs: &[Costs]) -> Self {
        let row = Row { claimed: None, ..row(case, carrier, real) };
        let frames = real.iter().map(|outcome| outcome.frames.len()).sum::<usize>().max(1) as f64;
        let on_time = real.iter().flat_map(|outcome| &outcome.frames).filter(|frame| frame.on_time());
        let mbit = on_time.map(|frame| frame.bytes).sum::<usize>() as f64 * 8e-6;
        let car = costs.iter().map(|cost| cost.car).sum::<Duration>().as_secs_f64();
        let gateway = costs.iter().map(|cost| cost.gateway).sum::<Duration>().as_secs_f64();
        let shares = simulated.iter().map(Outcome::on_time).sum::<f64>();
        Self {
            row,
            virtual_on_time: (!simulated.is_empty()).then(|| shares / simulated.len() as f64),
            car_us_per_frame: car * 1e6 / frames,
            gateway_us_per_frame: gateway * 1e6 / frames,
            car_ms_per_mbit: (mbit > 0.0).then(|| car * 1e3 / mbit),
            gateway_ms_per_mbit: (mbit > 0.0).then(|| gateway * 1e3 / mbit),
            of_plain: None,
        }
    }

    fn ms_per_mbit(&self) -> Option<f64> {
        Some(self.car_ms_per_mbit? + self.gateway_ms_per_mbit?)
    }
}

/// Holds each row against the plain client's of the same case.
pub(super) fn compare(rows: &mut [RealRow]) {
    let plain = rows.iter().filter(|row| row.row.carrier == PLAIN);
    let cost = |row: &RealRow| Some((row.row.scenario.clone(), row.ms_per_mbit()?));
    let plain: Vec<(String, f64)> = plain.filter_map(cost).collect();
    for row in rows.iter_mut().filter(|row| row.row.carrier != PLAIN) {
        let same = plain.iter().find(|(scenario, _)| *scenario == row.row.scenario);
        row.of_plain = same.and_then(|(_, cost)| Some(row.ms_per_mbit()? / cost));
    }
}

impl fmt::Display for RealRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.row)?;
        if let Some(share) = self.virtual_on_time {
            write!(f, "; in virtual time {:.1} %", share * 100.0)?;
        }
        write!(f, "; car {:.0} us/frame, gateway {:.0} us/frame", self.car_us_per_frame, self.gateway_us_per_frame)?;
        if let (Some(car), Some(gateway)) = (self.car_ms_per_mbit, self.gateway_ms_per_mbit) {
            write!(f, "; car {car:.2} ms/Mbit, gateway {gateway:.2} ms/Mbit")?;
        }
        if let Some(part) = self.of_plain {
            write!(f, "; {part:.2} x the plain client's")?;
        }
        Ok(())
    }
}
