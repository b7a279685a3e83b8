//! What each thread does, counted: its loops, waits and items by itself, switches, faults and processor time by the
//! kernel.
//!
//! The thread holds [`ThreadCounters`] and counts at about a nanosecond each; anybody holds a [`ThreadWatch`] and
//! looks. Each counter is declared once, below: names, documentation and exports follow.

mod kernel;
mod read;
#[cfg(test)]
mod tests;
mod write;

use super::count::Count;
pub use read::{CounterSnapshot, ThreadWatch};
pub use write::ThreadCounters;

macro_rules! counters {
    ($(#[$type_doc:meta])* $type:ident { $($(#[doc = $doc:literal])+ $variant:ident => $name:literal),+ $(,)? }) => {
        $(#[$type_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[doc = $doc])+ $variant),+ }

        impl $type {
            /// Every counter, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name in reports, `snake_case`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it counts, as documented.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_start()),+ }
            }
        }
    };
}

counters! {
    /// What a thread counts itself.
    Counter {
        /// Passes of the thread's main loop.
        Loops => "loops",
        /// Waits begun because there was nothing to do.
        Sleeps => "sleeps",
        /// Waits that ended because somebody rang, not because their time was over.
        Wakeups => "wakeups",
        /// Looks at the bell while busy waiting.
        Spins => "spins",
        /// Frames, results, tasks or whatever else the thread is there for, handled.
        Items => "items",
        /// The same, given up: no slot, no room in a ring, overtaken by a newer one.
        Drops => "drops",
    }
}

counters! {
    /// What the kernel knows of a thread (`getrusage(RUSAGE_THREAD)`), as of the thread's last reading.
    KernelCounter {
        /// Context switches because the thread waited.
        VoluntarySwitches => "voluntary_switches",
        /// Context switches because another thread took the core, or the time slice was over.
        InvoluntarySwitches => "involuntary_switches",
        /// Page faults without reading a disk.
        MinorFaults => "minor_faults",
        /// Page faults that read a disk.
        MajorFaults => "major_faults",
        /// Processor time in the program, nanoseconds.
        CpuUser => "cpu_user_ns",
        /// Processor time in the kernel, nanoseconds.
        CpuSystem => "cpu_system_ns",
    }
}

/// One thread's numbers, on cache lines of their own: 128 bytes, because adjacent lines are fetched in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Cells {
    own: [Count; Counter::COUNT],
    kernel: [Count; KernelCounter::COUNT],
    thread: String,
}
