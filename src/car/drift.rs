//! Watches live sizes and times beside what the utility table says of them.

use std::time::Duration;

use allocation::drift::{Drift, Quantity, Watch};
use telemetry::names::{NameId, Names};

use super::messages::EncodeCost;
use super::plan::Plan;

/// One watch for each number that can be measured while the car drives.
pub struct DriftWatch {
    entries: Vec<Row>,
    /// The cloud's models, in the plan's order, with the mean of what the table says of their configurations.
    models: Vec<(NameId, String, Watch)>,
    vehicle: (NameId, Watch),
    drifts: u64,
}

struct Row {
    name: NameId,
    payload: Watch,
    encode: Watch,
}

/// Something out of its bounds, or within them again, and what it is of.
pub type Told = (NameId, Drift);

impl DriftWatch {
    /// Watches what `plan` has from a table; of models that no table knows there is nothing to watch.
    pub fn new(plan: &Plan, vehicle_execution_ms: f64, names: &Names) -> Self {
        let row = |entry: &super::plan::Entry| {
            let costs = entry.choice.costs();
            Row {
                name: entry.name,
                payload: Watch::new(Quantity::PayloadMegabit, costs.mean_bits / 1e6),
                encode: Watch::new(Quantity::EncodeMs, costs.encode_s * 1e3),
            }
        };
        let model = |(number, name): (usize, &String)| {
            let of_it = plan.entries.iter().filter(|entry| usize::from(entry.model) == number);
            let ms = of_it.map(|entry| entry.choice.costs().execution_s * 1e3);
            let (count, sum) = ms.fold((0_u32, 0.0), |(count, sum), ms| (count + 1, sum + ms));
            (names.intern(name), name.clone(), Watch::new(Quantity::ExecutionMs, sum / f64::from(count.max(1))))
        };
        let known = plan.from_table;
        Self {
            entries: plan.entries.iter().filter(|_| known).map(row).collect(),
            models: plan.models.iter().enumerate().filter(|_| known).map(model).collect(),
            vehicle: (plan.on_vehicle, Watch::new(Quantity::ExecutionMs, vehicle_execution_ms)),
            drifts: 0,
        }
    }

    /// Takes what an encoding cost.
    pub fn encoded(&mut self, cost: &EncodeCost, mut tell: impl FnMut(Told)) {
        let Some(row) = self.entries.get_mut(cost.entry) else { return };
        let payload = row.payload.add(cost.bytes as f64 * 8.0 / 1e6);
        let encode = row.encode.add(cost.elapsed.as_secs_f64() * 1e3);
        for drift in payload.into_iter().chain(encode) {
            self.drifts += u64::from(drift.out);
            tell((row.name, drift));
        }
    }

    /// Takes the cloud's 95th percentile of a model's execution time, in microseconds.
    pub fn executed(&mut self, model: &str, p95_us: u32, mut tell: impl FnMut(Told)) {
        let Some((name, _, watch)) = self.models.iter_mut().find(|(_, known, _)| known == model) else { return };
        if let Some(drift) = watch.judge(f64::from(p95_us) / 1e3) {
            self.drifts += u64::from(drift.out);
            tell((*name, drift));
        }
    }

    /// Takes a time of the on-vehicle detector.
    pub fn detected(&mut self, took: Duration) -> Option<Told> {
        let drift = self.vehicle.1.add(took.as_secs_f64() * 1e3)?;
        self.drifts += u64::from(drift.out);
        Some((self.vehicle.0, drift))
    }

    /// How many quantities are out of their bounds now, and how often one has left them.
    pub fn counts(&self) -> (u32, u64) {
        let rows = self.entries.iter().flat_map(|row| [&row.payload, &row.encode]);
        let all = rows.chain(self.models.iter().map(|(_, _, watch)| watch)).chain([&self.vehicle.1]);
        (u32::try_from(all.filter(|watch| watch.is_out()).count()).unwrap_or(u32::MAX), self.drifts)
    }
}
