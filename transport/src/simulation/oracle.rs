//! The most frames that any sender could have on time, were it to know the trace beforehand.
//!
//! Only the bottleneck counts: a frame has to pass it whole between its capture and its deadline less the way there and
//! back. Time is measured in bits that the link could have carried by then, in which the bottleneck is a machine of
//! constant speed. Frames are taken in order of their deadlines, and one that would make the taken ones infeasible
//! (preemptive, earliest deadline first) is left out; for frames of equal size and equal budgets, as they are here, a
//! larger set can exist only by the rounding at its edges.

use std::time::Duration;

use crate::link::Trace;

/// A frame as the oracle sees it.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// When it is there, after the trace's beginning.
    pub release: Duration,
    /// When its last bit has to be through.
    pub due: Duration,
    /// Bits on the wire.
    pub bits: u64,
}

/// How many of `jobs`, in any order, pass a link of `trace` in time.
///
/// ```
/// use std::time::Duration;
/// use transport::link::Trace;
/// use transport::simulation::oracle::{Job, most_on_time};
/// let second = Duration::from_secs(1);
/// let job = Job { release: Duration::ZERO, due: second, bits: 600_000 };
/// assert_eq!(most_on_time(&Trace::fixed(1_000_000), &[job, job]), 1);
/// assert_eq!(most_on_time(&Trace::fixed(1_200_000), &[job, job]), 2);
/// ```
#[must_use]
pub fn most_on_time(trace: &Trace, jobs: &[Job]) -> usize {
    let bits_by = |at: Duration| trace.bits_by(at);
    // (release, due, bits), on the axis of bits.
    let mut jobs: Vec<(u64, u64, u64)> =
        jobs.iter().map(|job| (bits_by(job.release), bits_by(job.due), job.bits)).collect();
    jobs.sort_unstable_by_key(|job| (job.1, job.0));
    let mut taken: Vec<(u64, u64, u64)> = Vec::new();
    let mut settled = 0;
    for job in jobs {
        // What was over before anything still open was released cannot be changed by later jobs.
        while taken.len() > WINDOW && taken.first().is_some_and(|first| first.1 < job.0) {
            taken.remove(0);
            settled += 1;
        }
        taken.push(job);
        if !feasible(&taken) {
            taken.pop();
        }
    }
    settled + taken.len()
}

/// More jobs than can be open at a time.
const WINDOW: usize = 256;

/// Whether earliest deadline first serves all of `jobs`, which are sorted by deadline.
fn feasible(jobs: &[(u64, u64, u64)]) -> bool {
    let mut left: Vec<u64> = jobs.iter().map(|job| job.2).collect();
    let mut releases: Vec<u64> = jobs.iter().map(|job| job.0).collect();
    releases.sort_unstable();
    let mut next_release = releases.into_iter().peekable();
    let Some(mut now) = next_release.peek().copied() else { return true };
    loop {
        while next_release.next_if(|release| *release <= now).is_some() {}
        let until = next_release.peek().copied().unwrap_or(u64::MAX);
        let ready = jobs.iter().zip(&mut left).find(|(job, left)| job.0 <= now && **left > 0);
        match ready {
            Some((job, left)) => {
                let work = (*left).min(until - now);
                now += work;
                *left -= work;
                if now > job.1 {
                    return false;
                }
            }
            None if until == u64::MAX => return true,
            None => now = until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every subset, tried.
    fn by_force(jobs: &[(u64, u64, u64)]) -> usize {
        (0_u32..1 << jobs.len())
            .filter_map(|mask| {
                let mut chosen: Vec<_> =
                    jobs.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1).map(|(_, job)| *job).collect();
                chosen.sort_unstable_by_key(|job| (job.1, job.0));
                feasible(&chosen).then_some(chosen.len())
            })
            .max()
            .unwrap_or(0)
    }

    proptest! {
        /// Cameras in turn, equal frames, equal budgets, a link of any speed.
        #[test]
        fn for_equal_frames_no_subset_is_larger(
            gaps in prop::collection::vec(0..80_u64, 1..10),
            bits in 1..200_u64,
            budget in 1..400_u64,
        ) {
            let mut at = 0;
            let jobs: Vec<(u64, u64, u64)> = gaps
                .iter()
                .map(|gap| {
                    at += gap;
                    (at, at + budget, bits)
                })
                .collect();
            let millis = |bits: u64| Duration::from_millis(bits);
            let listed: Vec<Job> =
                jobs.iter().map(|job| Job { release: millis(job.0), due: millis(job.1), bits: job.2 }).collect();
            // A kilobit a second is a bit a millisecond.
            prop_assert_eq!(most_on_time(&Trace::fixed(1_000), &listed), by_force(&jobs));
        }
    }
}
