//! The names of run directories: role and timestamp.

use telemetry::run_dir::Role;

use crate::logs::Place;

/// A run directory's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DirName {
    pub(super) place: Place,
    /// `%Y-%m-%d_%H-%M-%S`.
    pub(super) stamp: String,
    /// The same as a number of seconds that rises with time.
    pub(super) secs: i64,
}

impl DirName {
    /// `None` where a run directory is called otherwise.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Role::ALL.into_iter().find_map(|role| {
            let stamp = name.strip_prefix(role.prefix())?.strip_prefix('_')?;
            let place = match role {
                Role::Client | Role::QuicClient => Place::Car,
                Role::Server | Role::QuicServer => Place::Cloud,
            };
            Some(Self { place, stamp: stamp.to_owned(), secs: seconds(stamp)? })
        })
    }
}

/// Seconds since a year zero without leap days lost: good for differences.
fn seconds(stamp: &str) -> Option<i64> {
    let numbers: Option<Vec<i64>> = stamp.split(['-', '_']).map(|word| word.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = numbers?.try_into().ok()?;
    if stamp.len() != 19 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from the civil calendar, years beginning in March so that the leap day is the last (Howard Hinnant).
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_hold_over_leap_days_and_years() {
        let between = |a: &str, b: &str| seconds(b).zip(seconds(a)).map(|(b, a)| b - a);
        assert_eq!(between("2024-02-28_23-59-59", "2024-03-01_00-00-00"), Some(86_401));
        assert_eq!(between("2025-12-31_23-59-59", "2026-01-01_00-00-00"), Some(1));
    }

    #[test]
    fn other_names_are_not_taken_for_runs() {
        for name in ["client_main", "client_main_", "client_main_today", "client_main_2026-13-01_00-00-00", "x_2026"] {
            assert_eq!(DirName::parse(name), None, "{name}");
        }
        assert_eq!(DirName::parse("quic_server_2026-01-02_03-04-05").map(|name| name.place), Some(Place::Cloud));
    }
}
