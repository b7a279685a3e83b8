//! What the kernel granted a thread, and each wish that it did not grant.

use super::{Lacking, Policy};

/// What the kernel granted, read back from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The thread's name.
    pub name: String,
    /// The kernel's thread id.
    pub tid: i32,
    /// Cores of the thread's mask.
    pub cores: Vec<usize>,
    /// The policy in force.
    pub policy: Policy,
    /// How much of its stack was touched at the start, bytes.
    pub stack_bytes: usize,
    /// Each wish that was not granted, and why.
    pub differences: Vec<Difference>,
}

impl std::fmt::Display for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<15} cores {:?} {}", self.name, self.cores, self.policy)?;
        if !self.differences.is_empty() {
            write!(f, "  (not granted: {})", join(&self.differences))?;
        }
        Ok(())
    }
}

/// One wish that was not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Cores that the process may not use; the thread runs on those of its wish that it may, if there are any.
    #[error(
        "cores {wanted:?}: the inherited mask has only {inherited:?}; take the process out of its cpuset or taskset, or name those"
    )]
    OutsideMask {
        /// Cores asked for.
        wanted: Vec<usize>,
        /// Cores that the starting thread may use.
        inherited: Vec<usize>,
    },
    /// The kernel refused a mask inside the inherited one.
    #[error("cores {wanted:?}: {reason}")]
    Cores {
        /// Cores asked for.
        wanted: Vec<usize>,
        /// The kernel's answer.
        reason: String,
    },
    /// The kernel refused the policy.
    #[error("{wanted}: {reason}; {lacking}")]
    Policy {
        /// The policy asked for.
        wanted: Policy,
        /// The kernel's answer.
        reason: String,
        /// What it needs and the thread has not.
        lacking: Lacking,
    },
    /// Nothing was refused, and yet something else is in force.
    #[error("asked for {wanted}, the kernel says {found}")]
    ReadBack {
        /// The policy asked for.
        wanted: Policy,
        /// The policy in force.
        found: Policy,
    },
    /// The stack could not be locked.
    #[error("locking {bytes} bytes of stack: {reason}; {lacking}")]
    StackLock {
        /// Size of the stack.
        bytes: usize,
        /// The kernel's answer.
        reason: String,
        /// What it needs and the thread has not.
        lacking: Lacking,
    },
}

/// All of them on one line.
pub(super) fn join(differences: &[Difference]) -> String {
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    texts.join("; ")
}
