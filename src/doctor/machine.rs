//! What the machine grants.

use config::threads::{Mode, Role, ThreadEntry};
use rt_core::memory::pool::FramePool;

use super::{Check, Verdict};
use crate::any_file::AnyFile;
use crate::car::huge_pages;
use crate::core_map::Crew;
use crate::failure::Failure;

/// Where the kernel says what it reads the time from.
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// Clock sources that are read without a system call.
const FAST_CLOCKS: [&str; 4] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];
/// Memory that is asked for, to see what kind comes.
const TRIED_BYTES: usize = 2 << 20;

/// Everything that can be checked of the machine; of threads and memory what the profile asks for.
///
/// # Errors
/// [`Failure::Config`] for a core map that no kernel could grant.
pub fn checks(profile: Option<&AnyFile>) -> Result<Vec<Check>, Failure> {
    let mut checks = vec![clock(std::fs::read_to_string(CLOCK_SOURCE).ok().as_deref())];
    match profile {
        None | Some(AnyFile::Table(_)) => {}
        Some(AnyFile::Car(car)) => {
            checks.push(memory(car.memory.huge_pages, car.memory.lock));
            checks.extend(threads(car.threads.mode, car.memory.lock, &car.threads.entries())?);
        }
        Some(AnyFile::Cloud(cloud)) => {
            checks.extend(threads(cloud.threads.mode, false, &cloud.threads.entries())?);
        }
    }
    Ok(checks)
}

fn clock(source: Option<&str>) -> Check {
    match source.map(str::trim) {
        None => Check::new("clock", Verdict::Skipped, format!("{CLOCK_SOURCE} cannot be read")),
        Some(source) if FAST_CLOCKS.contains(&source) => {
            Check::new("clock", Verdict::Ok, format!("{source}, read without a system call"))
        }
        Some(source) => {
            let says = format!("{source}: each look at it is slow; one of {} is better", FAST_CLOCKS.join(", "));
            Check::new("clock", Verdict::Warning, says)
        }
    }
}

fn memory(wanted: config::car::HugePages, lock: bool) -> Check {
    match FramePool::new(1, TRIED_BYTES, huge_pages(wanted), lock) {
        Err(error) => Check::new("memory", Verdict::Failure, error.to_string()),
        Ok(pool) => {
            let report = pool.arena().report();
            let verdict = if report.shortfalls.is_empty() { Verdict::Ok } else { Verdict::Warning };
            Check::new("memory", verdict, report.to_string())
        }
    }
}

/// Starts a thread of every role as the core map wants it, and reads back what it was granted.
fn threads(mode: Mode, lock: bool, entries: &[(&'static str, &ThreadEntry, Role)]) -> Result<Vec<Check>, Failure> {
    let mut crew = Crew::new(mode, lock);
    for (name, entry, role) in entries {
        let _ = crew.enter(entry, *role, *name);
    }
    let granted = crew.granted()?;
    let refused = if mode == Mode::Strict { Verdict::Failure } else { Verdict::Warning };
    Ok(granted
        .into_iter()
        .map(|granted| {
            let verdict = if granted.differences.is_empty() { Verdict::Ok } else { refused };
            Check::new(format!("thread {}", granted.name), verdict, granted.to_string())
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_needs_the_kernel_is_a_warning() {
        assert_eq!(clock(Some("tsc\n")).verdict, Verdict::Ok);
        assert_eq!(clock(Some("hpet\n")).verdict, Verdict::Warning);
        assert_eq!(clock(None).verdict, Verdict::Skipped);
    }

    #[test]
    fn every_role_of_a_core_map_is_tried() {
        use config::{Profile, car::CarProfile};
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo-car.yaml");
        let car = AnyFile::Car(Box::new(CarProfile::load(&path).expect("shipped")));
        let checks = checks(Some(&car)).expect("a core map");
        let names: Vec<&str> = checks.iter().map(|check| check.check.as_str()).collect();
        assert_eq!(names.iter().filter(|name| name.starts_with("thread ")).count(), 7, "{names:?}");
        assert!(checks.iter().all(|check| check.verdict != Verdict::Failure), "the demo is best_effort: {checks:?}");
    }
}
