//! A table measured anew with the times of an earlier one: on a machine that is busy now, accuracies and sizes are what
//! they are, and times are not.

use std::path::Path;

use config::Unique;
use config::table::{MeasuredCosts, MeasuredModel, TableEntry, UtilityTable};

use crate::failure::Failure;

/// Whether the table `old` at `path` is of these models, in whatever order.
///
/// # Errors
/// [`Failure::Config`] where it is not.
pub fn check_models(new: &[MeasuredModel], vehicle: &str, old: &UtilityTable, path: &Path) -> Result<(), Failure> {
    let known = old.models.as_deref().unwrap_or_default();
    let same = new.len() == known.len() && new.iter().all(|model| known.contains(model));
    if same && old.vehicle.model == vehicle {
        return Ok(());
    }
    Err(refused(path, "it is not of these models, so its times are not theirs; measure times as well"))
}

fn refused(path: &Path, reason: &str) -> Failure {
    Failure::Config(format!("--keep-times {}: {reason}", path.display()))
}

/// `new` with the times of `old`, the table at `path`, which is of the same models.
///
/// # Errors
/// [`Failure::Config`] where that lacks a configuration.
pub fn keep_times(mut new: UtilityTable, old: &UtilityTable, path: &Path) -> Result<UtilityTable, Failure> {
    new.vehicle.execution_ms_p95 = old.vehicle.execution_ms_p95;
    let entries = new.entries.iter().map(|entry| {
        let known = old.entries.iter().find(|known| known.config == entry.config);
        let known =
            known.ok_or_else(|| refused(path, &format!("it has no {}; measure times as well", entry.config)))?;
        Ok(with_times(entry, known))
    });
    let entries = entries.collect::<Result<_, Failure>>()?;
    new.entries = Unique::new(entries).map_err(|report| refused(path, &report.to_string()))?;
    new.provenance = with_times_of(&new.provenance, &old.provenance);
    Ok(new)
}

fn with_times(entry: &TableEntry, known: &TableEntry) -> TableEntry {
    // Where the earlier table has no detailed times, there are none to keep.
    let costs = entry.costs.as_ref().zip(known.costs.clone()).map(|(new, old)| MeasuredCosts {
        payload_megabit_p99: new.payload_megabit_p99,
        payload_megabit_max: new.payload_megabit_max,
        ..old
    });
    TableEntry {
        encode_ms_p95: known.encode_ms_p95,
        execution_ms_p50: known.execution_ms_p50,
        execution_ms_p95: known.execution_ms_p95,
        costs,
        ..entry.clone()
    }
}

/// The lines of `provenance` with what `earlier` says of its times.
fn with_times_of(provenance: &str, earlier: &str) -> String {
    let (measured, times) = (line_of(earlier, "Measured by"), line_of(earlier, "Times"));
    let on = measured.split(" on ").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or("an earlier day");
    let rest = times.split_once(": ").map_or(times, |(_, rest)| rest);
    let lines = provenance.lines().map(|line| match line.starts_with("Times: ") {
        true if times.starts_with("Times (") => format!("{times}\n"),
        true => format!("Times (kept, of {on}): {rest}\n"),
        false => format!("{line}\n"),
    });
    lines.collect()
}

fn line_of<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Profile;

    fn shipped() -> UtilityTable {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tables/demo.yaml");
        UtilityTable::load(&path).unwrap()
    }

    #[test]
    fn times_are_the_earlier_tables_and_the_rest_is_new() {
        let old = shipped();
        let mut new = shipped();
        new.provenance = "Measured by `x` on 2030-01-02: a.\nTimes: another machine.\nModels: m.\n".to_owned();
        new.vehicle.execution_ms_p95 = 99.0;
        let other = |entry: &TableEntry| TableEntry {
            accuracy: 0.123,
            execution_ms_p95: 999.0,
            encode_ms_p95: 99.0,
            ..entry.clone()
        };
        new.entries = Unique::new(new.entries.iter().map(other).collect()).unwrap();
        let kept = keep_times(new, &old, Path::new("old.yaml")).unwrap();
        assert_eq!(kept.vehicle, old.vehicle);
        for (kept, old) in kept.entries.iter().zip(old.entries.iter()) {
            assert_eq!(kept.accuracy, 0.123);
            assert_eq!((kept.encode_ms_p95, kept.execution_ms_p95), (old.encode_ms_p95, old.execution_ms_p95));
        }
        let lines: Vec<&str> = kept.provenance.lines().collect();
        assert_eq!((lines[0], lines[2]), ("Measured by `x` on 2030-01-02: a.", "Models: m."));
        assert!(lines[1].starts_with("Times (kept, of 2026-") && lines[1].contains("cores of"), "{}", lines[1]);
        let again = with_times_of("Times: t.\n", &kept.provenance);
        assert_eq!(again.trim_end(), lines[1], "kept again, they are still of that day");
    }

    #[test]
    fn the_times_of_other_models_are_not_kept_and_their_order_means_nothing() {
        let (mut old, path) = (shipped(), Path::new("old.yaml"));
        let mut models = old.models.as_deref().unwrap().to_vec();
        models.reverse();
        assert!(check_models(&models, "edd0", &old, path).is_ok());
        assert!(check_models(&models, "edd1", &old, path).is_err());
        assert!(check_models(&models[1..], "edd0", &old, path).is_err());
        old.models = None;
        let refused = check_models(&models, "edd0", &old, path).unwrap_err().to_string();
        assert!(refused.contains("old.yaml") && refused.contains("not of these models"), "{refused}");
    }
}
