//! Applies a thread's wishes to the calling thread and reads back what the kernel made of them.

use core_affinity::CoreId;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::{Pid, gettid};

use super::{Granted, Policy, ThreadSpec};

/// Applies `spec` to the calling thread.
pub(super) fn apply(spec: &ThreadSpec) -> Granted {
    let mut differences = Vec::new();
    pin(&spec.cores, &mut differences);
    set_policy(spec.policy, &mut differences);
    let (cores, policy) = (current_cores(), current_policy());
    if policy != spec.policy && differences.is_empty() {
        differences.push(format!("asked for {}, the kernel says {policy}", spec.policy));
    }
    Granted { name: spec.name.clone(), tid: gettid().as_raw(), cores, policy, differences }
}

/// Pins inside the inherited mask. `core_affinity` sets one core; a set of several goes through the mask itself.
fn pin(wanted: &[usize], differences: &mut Vec<String>) {
    if wanted.is_empty() {
        return;
    }
    let inherited = current_cores();
    let usable: Vec<usize> = wanted.iter().copied().filter(|core| inherited.contains(core)).collect();
    if usable.len() < wanted.len() {
        differences.push(format!("cores {wanted:?}: only {inherited:?} may be used by this process"));
    }
    let pinned = match usable.as_slice() {
        [] => return,
        [one] => core_affinity::set_for_current(CoreId { id: *one }),
        several => set_mask(several),
    };
    if !pinned {
        differences.push(format!("cores {usable:?}: refused by the kernel"));
    }
}

fn set_mask(cores: &[usize]) -> bool {
    let mut mask = CpuSet::new();
    cores.iter().all(|&core| mask.set(core).is_ok()) && nix::sched::sched_setaffinity(Pid::from_raw(0), &mask).is_ok()
}

fn current_cores() -> Vec<usize> {
    let Ok(mask) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|&core| mask.is_set(core).unwrap_or(false)).collect()
}

fn set_policy(policy: Policy, differences: &mut Vec<String>) {
    let (number, priority) = match policy {
        Policy::Other { nice } => {
            // On Linux the priority of PRIO_PROCESS 0 is the calling thread's own.
            // SAFETY: a plain system call without pointers.
            if nice != 0 && unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) } != 0 {
                let error = std::io::Error::last_os_error();
                differences.push(format!("nice {nice}: {error} (needs CAP_SYS_NICE or a nice limit)"));
            }
            return;
        }
        Policy::Fifo { priority } => (libc::SCHED_FIFO, priority),
        Policy::RoundRobin { priority } => (libc::SCHED_RR, priority),
    };
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: `parameters` is alive for the call; 0 names the calling thread.
    if unsafe { libc::sched_setscheduler(0, number | libc::SCHED_RESET_ON_FORK, &raw const parameters) } != 0 {
        let error = std::io::Error::last_os_error();
        differences.push(format!("{policy}: {error} (needs CAP_SYS_NICE or an rtprio limit of at least {priority})"));
    }
}

fn current_policy() -> Policy {
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 names the calling thread; `parameters` is writable.
    let number = unsafe {
        libc::sched_getparam(0, &raw mut parameters);
        libc::sched_getscheduler(0)
    };
    match number & !libc::SCHED_RESET_ON_FORK {
        libc::SCHED_FIFO => Policy::Fifo { priority: parameters.sched_priority },
        libc::SCHED_RR => Policy::RoundRobin { priority: parameters.sched_priority },
        // SAFETY: a plain system call without pointers.
        _ => Policy::Other { nice: unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) } },
    }
}
