//! Cores: pinning a thread inside its inherited mask, and reading the mask back.

use core_affinity::CoreId;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::Difference;

/// Pins the calling thread inside the mask it inherited. `core_affinity` sets one core; a set of several goes through
/// the mask itself.
pub(super) fn pin(wanted: &[usize], differences: &mut Vec<Difference>) {
    if wanted.is_empty() {
        return;
    }
    let inherited = current_cores();
    let usable: Vec<usize> = wanted.iter().copied().filter(|core| inherited.contains(core)).collect();
    if usable.len() < wanted.len() {
        differences.push(Difference::OutsideMask { wanted: wanted.to_vec(), inherited });
    }
    let outcome = match usable.as_slice() {
        [] => return,
        [one] if core_affinity::set_for_current(CoreId { id: *one }) => Ok(()),
        [_] => Err(std::io::Error::last_os_error().to_string()),
        several => set_mask(several).map_err(|error| error.to_string()),
    };
    if let Err(reason) = outcome {
        differences.push(Difference::Cores { wanted: usable, reason });
    }
}

fn set_mask(cores: &[usize]) -> nix::Result<()> {
    let mut mask = CpuSet::new();
    cores.iter().try_for_each(|&core| mask.set(core))?;
    sched_setaffinity(Pid::from_raw(0), &mask)
}

/// Cores of the calling thread's mask, ascending.
pub(super) fn current_cores() -> Vec<usize> {
    let Ok(mask) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|&core| mask.is_set(core).unwrap_or(false)).collect()
}
