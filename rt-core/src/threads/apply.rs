//! Applies a thread's wishes to the calling thread and reads back what the kernel made of them.

use nix::unistd::gettid;

use super::affinity::{current_cores, pin};
use super::scheduling::set_policy;
use super::stack::prefault;
use super::{Granted, Policy, ThreadSpec};

/// Applies `spec` to the calling thread.
pub(super) fn apply(spec: &ThreadSpec) -> Granted {
    let mut differences = Vec::new();
    pin(&spec.cores, &mut differences);
    // On its own core, whose memory is nearest, and before it is real-time: touching pages keeps nobody waiting.
    let stack_bytes = prefault(spec.lock_stack, &mut differences);
    set_policy(spec.policy, &mut differences);
    Granted {
        name: spec.name.clone(),
        tid: gettid().as_raw(),
        cores: current_cores(),
        policy: Policy::of_this_thread(),
        stack_bytes,
        differences,
    }
}
