//! The machine that a measurement was made on.

use std::fs::read_to_string;
use std::path::Path;

use rt_core::clock::Monotonic;
use serde::Serialize;

use crate::seat::{scheduling, usable_cores};

/// Readings of the clock that its cost is taken from: the quickest of so many batches, of so many readings each.
const CLOCK_BATCHES: u32 = 50;
const CLOCK_READINGS: u32 = 2_000;

/// What is known of the machine; empty or "unknown" where it does not tell.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Host {
    /// Model name of the processor.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: Vec<usize>,
    /// Kernel release and version.
    pub kernel: String,
    /// Frequency governor of the first core.
    pub governor: String,
    /// Whether a hypervisor runs it.
    pub virtualised: String,
    /// What measuring threads were granted.
    pub scheduling: String,
    /// The kernel's bound on real-time threads, microseconds in a million; -1 for none.
    pub rt_runtime_us: String,
    /// Where the kernel takes the time from.
    pub clock_source: String,
    /// One reading of the clock; two are in every latency, about one of them between its stamps.
    pub clock_ns: f64,
    /// Runnable threads averaged over the last minute, before the run: what else the machine was doing.
    pub load_before: String,
    /// This program's version.
    pub version: &'static str,
}

impl Host {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |key: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(key));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let hypervisor = field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
        Self {
            cpu: field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: usable_cores(),
            kernel: format!("{} {}", line("/proc/sys/kernel/osrelease"), line("/proc/sys/kernel/version")),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            virtualised: if hypervisor { "hypervisor" } else { "none seen" }.to_owned(),
            scheduling: scheduling(),
            rt_runtime_us: line("/proc/sys/kernel/sched_rt_runtime_us"),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            clock_ns: clock_ns(),
            load_before: line("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "host: {}, cores {:?}, {}, load {}", self.cpu, self.cores, self.virtualised, self.load_before)?;
        writeln!(
            f,
            "      kernel {}, governor {}, clock {} ({:.0} ns)",
            self.kernel, self.governor, self.clock_source, self.clock_ns
        )?;
        writeln!(f, "      scheduling {}, real-time bound {} us/s", self.scheduling, self.rt_runtime_us)
    }
}

fn line(path: impl AsRef<Path>) -> String {
    read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn clock_ns() -> f64 {
    let batch = || {
        let start = Monotonic::now();
        for _ in 1..CLOCK_READINGS {
            std::hint::black_box(Monotonic::now());
        }
        Monotonic::now().saturating_since(start).as_nanos() as f64 / f64::from(CLOCK_READINGS)
    };
    (0..CLOCK_BATCHES).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_named() {
        let host = Host::look();
        assert!(!host.cpu.is_empty() && !host.cores.is_empty() && host.clock_ns > 0.0, "{host:?}");
        assert!(host.scheduling.starts_with("fifo") || host.scheduling.starts_with("other"), "{}", host.scheduling);
    }
}
