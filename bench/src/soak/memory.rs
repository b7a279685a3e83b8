//! Whether memory and open descriptors stay flat.
//!
//! The rule: after warm-up (the first tenth of the run), the median of the last quarter of the samples is at most that
//! of the first quarter plus an allowance: 1 MiB of resident memory, 2 open descriptors.

use serde::Serialize;

use super::books::Violation;

/// What resident memory may differ by: the allocator's own rhythm, not a leak.
pub const ALLOWED_BYTES: u64 = 1 << 20;
/// What open descriptors may differ by: a sample may fall into the moment in which a peer is replaced.
pub const ALLOWED_DESCRIPTORS: u64 = 2;

/// One look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Resident memory, bytes.
    pub resident_bytes: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl Sample {
    /// Looks at this process; `None` where `/proc` does not tell.
    #[must_use]
    pub fn take() -> Option<Self> {
        let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        // SAFETY: a plain call without pointers.
        let page_bytes = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
        let descriptors = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        Some(Self { resident_bytes: pages * page_bytes, descriptors })
    }
}

/// What the samples say.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Memory {
    /// Samples after warm-up.
    pub samples: usize,
    /// Median resident memory of their first quarter.
    pub first_bytes: u64,
    /// Median resident memory of their last quarter.
    pub last_bytes: u64,
    /// Median open descriptors of their first quarter.
    pub first_descriptors: u64,
    /// Median open descriptors of their last quarter.
    pub last_descriptors: u64,
}

/// Judges the samples of a run, in order, by the rule above.
///
/// # Errors
/// [`Violation::Grew`], and [`Violation::Idle`] where there are too few to tell.
pub fn flat(samples: &[Sample]) -> Result<Memory, Violation> {
    let warm = samples.get(samples.len() / 10..).unwrap_or_default();
    let quarter = warm.len() / 4;
    let (Some(first), Some(last)) = (warm.get(..quarter), warm.get(warm.len() - quarter..)) else {
        return Err(Violation::Idle("no memory samples".into()));
    };
    let medians = |of: fn(&Sample) -> u64| Some((median(first, of)?, median(last, of)?));
    let (Some(bytes), Some(descriptors)) =
        (medians(|sample| sample.resident_bytes), medians(|sample| sample.descriptors))
    else {
        return Err(Violation::Idle(format!("{} memory samples are too few to tell whether it grows", samples.len())));
    };
    grew("resident memory (bytes)", bytes, ALLOWED_BYTES)?;
    grew("the number of open descriptors", descriptors, ALLOWED_DESCRIPTORS)?;
    Ok(Memory {
        samples: warm.len(),
        first_bytes: bytes.0,
        last_bytes: bytes.1,
        first_descriptors: descriptors.0,
        last_descriptors: descriptors.1,
    })
}

const fn grew(what: &'static str, (first, last): (u64, u64), allowed: u64) -> Result<(), Violation> {
    if last > first + allowed { Err(Violation::Grew { what, first, last, allowed }) } else { Ok(()) }
}

fn median(samples: &[Sample], of: fn(&Sample) -> u64) -> Option<u64> {
    let mut values: Vec<u64> = samples.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(resident_bytes: impl Fn(u64) -> u64, descriptors: impl Fn(u64) -> u64) -> Vec<Sample> {
        let sample = |at| Sample { resident_bytes: resident_bytes(at), descriptors: descriptors(at) };
        (0..200).map(sample).collect()
    }

    #[test]
    fn a_start_that_grows_and_a_single_peak_are_no_leak() {
        let noisy = samples(|at| if at < 15 { at << 24 } else { 400 << 20 } + ((at == 180) as u64) * (90 << 20), |_| 9);
        assert_eq!(flat(&noisy).expect("flat").samples, 180);
    }

    #[test]
    fn a_slow_leak_is_found() {
        let leak = samples(|at| (400 << 20) + at * 16_384, |_| 9);
        assert!(matches!(flat(&leak), Err(Violation::Grew { what, .. }) if what.contains("memory")));
        let descriptors = samples(|_| 400 << 20, |at| 9 + at / 20);
        assert!(matches!(flat(&descriptors), Err(Violation::Grew { what, .. }) if what.contains("descriptors")));
    }

    #[test]
    fn too_few_samples_prove_nothing() {
        assert!(matches!(flat(&[]), Err(Violation::Idle(_))));
        assert!(matches!(flat(&samples(|_| 1, |_| 1)[..3]), Err(Violation::Idle(_))));
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let before = Sample::take().expect("/proc tells");
        let held: Vec<std::fs::File> =
            (0..10).map(|_| std::fs::File::open("/proc/self/statm").expect("open")).collect();
        let memory = vec![1_u8; 64 << 20];
        let after = Sample::take().expect("/proc tells");
        assert!(after.resident_bytes >= before.resident_bytes + (32 << 20), "{before:?} {after:?}");
        assert!(after.descriptors >= before.descriptors + 5, "{before:?} {after:?}");
        drop((held, memory));
    }
}
