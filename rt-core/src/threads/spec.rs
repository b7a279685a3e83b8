//! What is asked for one thread, and which of it no kernel could grant.

use super::{Policy, PolicyError};
use crate::wait::WaitStrategy;

/// The longest name the kernel keeps (`TASK_COMM_LEN` less the terminating zero).
pub const NAME_BYTES: usize = 15;
/// Stack of a thread where nothing else is asked for: Rust's own default.
pub const DEFAULT_STACK_BYTES: usize = 2 << 20;
/// The smallest stack: what a panic's message and backtrace need, with room to work.
pub const LEAST_STACK_BYTES: usize = 64 << 10;
/// The largest stack: all of it is touched when the thread starts.
pub const MOST_STACK_BYTES: usize = 1 << 30;
/// `CPU_SETSIZE` of the C library: the most cores an affinity mask of fixed size can name.
pub const MOST_CORES: usize = 1024;

/// What is asked for one thread.
///
/// ```
/// use rt_core::threads::{Policy, ThreadSpec};
/// let spec = ThreadSpec { policy: Policy::Fifo { priority: 50 }, cores: vec![1], ..ThreadSpec::named("camera-1") };
/// assert!(spec.check().is_ok());
/// assert!(ThreadSpec::named("a-name-of-sixteen").check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSpec {
    /// The thread's name as `top -H` shows it; 1 to 15 bytes.
    pub name: String,
    /// Cores it may run on; empty for "any that the process may use".
    pub cores: Vec<usize>,
    /// Scheduling policy.
    pub policy: Policy,
    /// How it waits for its doorbell.
    pub wait: WaitStrategy,
    /// Size of its stack, all of which is touched before its body runs.
    pub stack_bytes: usize,
    /// Whether its stack is locked in memory as well.
    pub lock_stack: bool,
}

impl ThreadSpec {
    /// A time-sharing thread on any core, with the default stack and way of waiting.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cores: Vec::new(),
            policy: Policy::Other { nice: 0 },
            wait: WaitStrategy::default(),
            stack_bytes: DEFAULT_STACK_BYTES,
            lock_stack: false,
        }
    }

    /// Checks everything that can be known to be wrong without asking the kernel.
    ///
    /// # Errors
    /// [`SpecError`], naming the thread and the value.
    pub fn check(&self) -> Result<(), SpecError> {
        let name = || self.name.clone();
        if self.name.is_empty() {
            return Err(SpecError::NoName);
        }
        if self.name.contains('\0') {
            return Err(SpecError::ZeroInName { name: name() });
        }
        if self.name.len() > NAME_BYTES {
            return Err(SpecError::NameTooLong { name: name(), bytes: self.name.len() });
        }
        for (index, &core) in self.cores.iter().enumerate() {
            if core >= MOST_CORES {
                return Err(SpecError::NoSuchCore { name: name(), core });
            }
            if self.cores.iter().take(index).any(|&other| other == core) {
                return Err(SpecError::CoreTwice { name: name(), core });
            }
        }
        if !(LEAST_STACK_BYTES..=MOST_STACK_BYTES).contains(&self.stack_bytes) {
            return Err(SpecError::Stack { name: name(), bytes: self.stack_bytes });
        }
        self.policy.check().map_err(|source| SpecError::Policy { name: name(), source })
    }
}

/// What is wrong with the entry of a thread, before anything is asked of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Empty.
    #[error("a thread has no name; expected 1 to {NAME_BYTES} bytes")]
    NoName,
    /// The kernel would cut it.
    #[error("thread name {name:?} has {bytes} bytes, of which the kernel keeps {NAME_BYTES}; shorten it")]
    NameTooLong {
        /// The name.
        name: String,
        /// Its length.
        bytes: usize,
    },
    /// A name ends at its first zero byte.
    #[error("thread name {name:?} contains a zero byte; leave it out")]
    ZeroInName {
        /// The name.
        name: String,
    },
    /// Two threads of one core map.
    #[error("two threads are named {name:?}; expected a different name for each")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// No entry of that name.
    #[error("the core map has no thread {name:?}; it has {}", known.join(", "))]
    NotInMap {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Beyond what a mask can name.
    #[error("thread {name} names core {core}; expected numbers from 0 to {}", MOST_CORES - 1)]
    NoSuchCore {
        /// The thread's name.
        name: String,
        /// The core.
        core: usize,
    },
    /// Named twice.
    #[error("thread {name} names core {core} twice; expected each core once")]
    CoreTwice {
        /// The thread's name.
        name: String,
        /// The core.
        core: usize,
    },
    /// Too small or too large.
    #[error("thread {name} has a stack of {bytes} bytes; expected {LEAST_STACK_BYTES} to {MOST_STACK_BYTES}")]
    Stack {
        /// The thread's name.
        name: String,
        /// Its size.
        bytes: usize,
    },
    /// The policy's numbers.
    #[error("thread {name}: {source}")]
    Policy {
        /// The thread's name.
        name: String,
        /// What is wrong with them.
        source: PolicyError,
    },
}
