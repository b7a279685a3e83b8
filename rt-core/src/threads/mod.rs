//! Named threads on chosen cores: what the core map asks for, what the kernel granted, and the difference, said aloud.

mod apply;
mod spawn;

pub use spawn::{Thread, ThreadEnd, spawn};

/// Scheduling policy of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The normal time-sharing policy; `nice` from -20 (favoured) to 19.
    Other {
        /// Niceness.
        nice: i32,
    },
    /// Real-time, runs until it blocks; priority 1 to 99.
    Fifo {
        /// Real-time priority.
        priority: i32,
    },
    /// Real-time with time slices among equals; priority 1 to 99.
    RoundRobin {
        /// Real-time priority.
        priority: i32,
    },
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other { nice: 0 } => f.write_str("other"),
            Self::Other { nice } => write!(f, "other nice {nice}"),
            Self::Fifo { priority } => write!(f, "fifo {priority}"),
            Self::RoundRobin { priority } => write!(f, "rr {priority}"),
        }
    }
}

/// What to do where the kernel grants less than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Run with what there is and report the difference.
    BestEffort,
    /// Refuse to start.
    Strict,
}

/// What is asked for one thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSpec {
    /// The thread's name as `top -H` shows it; the kernel keeps 15 bytes.
    pub name: String,
    /// Cores it may run on; empty for "any that the process may use".
    pub cores: Vec<usize>,
    /// Scheduling policy.
    pub policy: Policy,
}

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
    /// Each wish that was not granted, and why.
    pub differences: Vec<String>,
}

impl std::fmt::Display for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<15} cores {:?} {}", self.name, self.cores, self.policy)?;
        if !self.differences.is_empty() {
            write!(f, "  (not granted: {})", self.differences.join("; "))?;
        }
        Ok(())
    }
}

/// Why a thread could not be started as asked.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The operating system has no thread to give.
    #[error("thread {name} could not be started: {source}")]
    Spawn {
        /// The thread's name.
        name: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// In strict mode: something was not granted.
    #[error("thread {name} was not granted what the core map asks for: {}; grant it, or set mode: best_effort", differences.join("; "))]
    NotGranted {
        /// The thread's name.
        name: String,
        /// Each wish that was not granted, and why.
        differences: Vec<String>,
    },
    /// The thread ended before it could report.
    #[error("thread {name} ended before it reported what it was granted")]
    NoReport {
        /// The thread's name.
        name: String,
    },
}
