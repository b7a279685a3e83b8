//! Which capability or limit a refused wish needs, and what the thread has of it now.

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

/// `CAP_IPC_LOCK` and `CAP_SYS_NICE` of the kernel's `uapi/linux/capability.h`.
const CAP_IPC_LOCK: u32 = 14;
const CAP_SYS_NICE: u32 = 23;

/// Why the kernel refused: what it asks for, and what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// A capability that the thread has not; a limit that is high enough would do instead.
    Privilege {
        /// The capability.
        capability: &'static str,
        /// The limit that would do instead; `None` where nothing but the capability does.
        limit: Option<Limit>,
    },
    /// Privileges suffice; something else stands in the way.
    Other(&'static str),
}

/// A resource limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub name: &'static str,
    /// Its value now; `None` for unlimited.
    pub now: Option<u64>,
    /// The least that would do.
    pub needed: u64,
}

impl std::fmt::Display for Lacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Privilege { capability, limit: None } => {
                write!(f, "it needs {capability}, which this thread has not")
            }
            Self::Privilege { capability, limit: Some(Limit { name, now, needed }) } => {
                let now = now.map_or_else(|| "unlimited".to_owned(), |now| now.to_string());
                write!(f, "it needs {capability}, which this thread has not, or {name} of {needed}, which is {now}")
            }
            Self::Other(hint) => f.write_str(hint),
        }
    }
}

/// For a refused real-time priority.
pub(super) fn for_priority(priority: i32) -> Lacking {
    let needed = u64::try_from(priority).unwrap_or(0);
    let hint = "privileges suffice: look at the control group's cpu.rt_runtime_us and at seccomp";
    judge(CAP_SYS_NICE, "CAP_SYS_NICE", Some(limit("RLIMIT_RTPRIO", Resource::RLIMIT_RTPRIO, needed)), hint)
}

/// For a refused niceness: the limit counts 20 - nice.
pub(super) fn for_nice(nice: i32) -> Lacking {
    let needed = u64::try_from(20 - nice).unwrap_or(0);
    let hint = "privileges suffice: look at seccomp";
    judge(CAP_SYS_NICE, "CAP_SYS_NICE", Some(limit("RLIMIT_NICE", Resource::RLIMIT_NICE, needed)), hint)
}

/// For a refused deadline policy, which no limit allows.
pub(super) fn for_deadline(error: &std::io::Error) -> Lacking {
    let hint = match error.raw_os_error() {
        Some(libc::EBUSY) => "the running times of all deadline threads together exceed what the kernel gives away",
        Some(libc::EINVAL) => {
            "expected a period within sched_deadline_period_min_us and sched_deadline_period_max_us of /proc/sys/kernel"
        }
        _ => {
            "privileges suffice: a deadline thread may not be pinned to fewer cores than its root domain has; leave \
             its cores empty, and start the process on all cores"
        }
    };
    judge(CAP_SYS_NICE, "CAP_SYS_NICE", None, hint)
}

/// For refused memory locking.
pub(super) fn for_locking(bytes: usize) -> Lacking {
    let hint = "privileges suffice: look at the machine's free memory and at seccomp";
    let needed = u64::try_from(bytes).unwrap_or(u64::MAX);
    judge(CAP_IPC_LOCK, "CAP_IPC_LOCK", Some(limit("RLIMIT_MEMLOCK", Resource::RLIMIT_MEMLOCK, needed)), hint)
}

fn judge(bit: u32, capability: &'static str, limit: Option<Limit>, hint: &'static str) -> Lacking {
    // An unreadable status says nothing; the capability is the likelier cause then.
    let held = effective_capabilities().is_some_and(|effective| effective >> bit & 1 == 1);
    if held { Lacking::Other(hint) } else { Lacking::Privilege { capability, limit } }
}

fn limit(name: &'static str, resource: Resource, needed: u64) -> Limit {
    let now = getrlimit(resource).map_or(Some(0), |(soft, _)| (soft != RLIM_INFINITY).then_some(soft));
    Limit { name, now, needed }
}

/// The calling thread's effective capabilities: each thread has its own.
fn effective_capabilities() -> Option<u64> {
    parse_effective(&std::fs::read_to_string("/proc/thread-self/status").ok()?)
}

/// From the text of a `status` file.
pub(super) fn parse_effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}
