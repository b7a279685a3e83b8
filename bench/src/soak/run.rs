//! Starts the threads, watches memory, stops them in order, and judges.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use rt_core::clock::Monotonic;
use rt_core::stop::StopToken;

use super::books::Violation;
use super::camera::{Camera, Ended, Shared, close};
use super::link::Link;
use super::memory::{Sample, flat};
use super::report::SoakReport;
use super::stages::{FaultCounts, Faults};

/// Samples of memory over a run, where that is not more than ten a second.
const SAMPLES: u32 = 400;
const LEAST_BETWEEN_SAMPLES: Duration = Duration::from_millis(100);
/// A soak of at least this long that saw no fault of some kind proves less than it says.
const ALL_FAULTS_AFTER: Duration = Duration::from_secs(30);

/// What is soaked.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long.
    pub run_for: Duration,
    /// Cameras.
    pub cameras: u64,
    /// Seed of all chance.
    pub seed: u64,
}

type Stage<T> = JoinHandle<Result<T, Violation>>;

/// Soaks; the report says whether it passed.
///
/// # Errors
/// A [`Violation`] where it could not even start.
pub fn run(options: &Options) -> Result<SoakReport, Violation> {
    let start = Monotonic::now();
    let shared = Shared { stop: StopToken::default(), faults: Arc::new(Faults::default()) };
    let mut cameras = Vec::new();
    for source in 1..=options.cameras {
        let Camera { capture, encode, send } = Camera::new(source, options.seed, &shared)?;
        // The last first, so that nobody hands over to a thread that is not there.
        let send = stage(&format!("send-{source}"), &shared.stop, move || send.run())?;
        let encode = stage(&format!("encode-{source}"), &shared.stop, move || encode.run())?;
        let capture = stage(&format!("capture-{source}"), &shared.stop, move || capture.run())?;
        cameras.push([capture, encode, send]);
    }
    let link = Link::new(options.seed, &shared.faults)?;
    let stop = shared.stop.clone();
    let link = stage("link", &shared.stop, move || link.run(&stop))?;

    let samples = watch(options.run_for, &shared.stop);
    shared.stop.set();

    let mut violations = Vec::new();
    let mut hops = Vec::new();
    for stages in cameras {
        let ended: Vec<Ended> = stages.into_iter().filter_map(|stage| end(stage, &mut violations)).collect();
        // Where a stage has failed, the books cannot balance, and its own violation says why.
        if let Ok([capture, encode, send]) = <[Ended; 3]>::try_from(ended) {
            match close(capture, encode, send) {
                Ok(camera) => hops.extend(camera),
                Err(violation) => violations.push(violation),
            }
        }
    }
    let mut kills = 0;
    if let Some((hop, killed)) = end(link, &mut violations) {
        hops.push(hop);
        kills = killed;
    }
    let memory = flat(&samples).map_err(|violation| violations.push(violation)).unwrap_or_default();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let faults = FaultCounts {
        stalls: count(&shared.faults.stalls),
        hoards: count(&shared.faults.hoards),
        dry: count(&shared.faults.dry),
        kills,
    };
    if violations.is_empty() {
        violations.extend(idle(options, &hops.iter().map(|hop| hop.received).collect::<Vec<_>>(), &faults));
    }
    Ok(SoakReport {
        seconds: Monotonic::now().saturating_since(start).as_secs_f64(),
        seed: options.seed,
        hops,
        faults,
        memory,
        violations: violations.iter().map(ToString::to_string).collect(),
    })
}

/// A thread whose failure ends the soak at once.
fn stage<T, F>(name: &str, stop: &StopToken, body: F) -> Result<Stage<T>, Violation>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Violation> + Send + 'static,
{
    let stop = stop.clone();
    let body = move || body().inspect_err(|_| stop.set());
    let failed = |error: std::io::Error| Violation::Part { part: name.to_owned(), reason: error.to_string() };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(failed)
}

fn end<T>(stage: Stage<T>, violations: &mut Vec<Violation>) -> Option<T> {
    let part = stage.thread().name().unwrap_or("a thread").to_owned();
    let ended = stage.join().unwrap_or_else(|_| Err(Violation::Part { part, reason: "it panicked".into() }));
    ended.map_err(|violation| violations.push(violation)).ok()
}

/// Samples memory until the time is over or somebody has failed.
fn watch(run_for: Duration, stop: &StopToken) -> Vec<Sample> {
    let start = Monotonic::now();
    let end = start.plus(run_for);
    let period = (run_for / SAMPLES).max(LEAST_BETWEEN_SAMPLES);
    // Room for all, so that watching does not make memory grow.
    let mut samples = Vec::with_capacity(2 * SAMPLES as usize);
    while Monotonic::now() < end && !stop.is_set() {
        std::thread::sleep(period.min(end.saturating_since(Monotonic::now())));
        samples.extend(Sample::take());
    }
    samples
}

/// A soak in which nothing happened proves nothing.
fn idle(options: &Options, received: &[u64], faults: &FaultCounts) -> Option<Violation> {
    if received.is_empty() || received.contains(&0) {
        return Some(Violation::Idle(format!("some hop carried nothing: {received:?}")));
    }
    let all = [faults.stalls, faults.hoards, faults.dry, faults.kills];
    (options.run_for >= ALL_FAULTS_AFTER && all.contains(&0))
        .then(|| Violation::Idle(format!("some fault was never injected: {faults:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_in_which_nothing_happened_does_not_pass() {
        let options = |seconds| Options { run_for: Duration::from_secs(seconds), cameras: 1, seed: 1 };
        let faults = FaultCounts { stalls: 1, hoards: 1, dry: 1, kills: 1 };
        assert_eq!(idle(&options(60), &[5, 5], &faults), None);
        assert!(idle(&options(60), &[5, 0], &faults).is_some());
        assert!(idle(&options(60), &[], &faults).is_some());
        assert!(idle(&options(60), &[5, 5], &FaultCounts { kills: 0, ..faults }).is_some());
        assert_eq!(idle(&options(2), &[5, 5], &FaultCounts::default()), None, "too short for chance to have come");
    }

    #[test]
    fn a_thread_that_fails_ends_the_soak_and_is_heard() {
        let stop = StopToken::default();
        let violation = Violation::Idle("on purpose".into());
        let failing = violation.clone();
        let failed = stage::<(), _>("failing", &stop, move || Err(failing)).expect("a thread");
        let mut violations = Vec::new();
        assert!(end(failed, &mut violations).is_none());
        assert!(stop.is_set());
        assert_eq!(violations, [violation]);
    }
}
