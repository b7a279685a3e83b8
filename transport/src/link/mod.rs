//! Link emulator: a UDP relay in user space that makes a loopback or a local network behave like a cellular uplink.
//!
//! It sits between the car and the cloud as a NAT would: each client gets a socket of its own towards the server. What
//! goes up is shaped by a recorded or generated [`Trace`], a drop-tail queue, delay and loss; what comes down usually
//! by delay and loss alone. It needs no privileges and no kernel module, so a run on any machine meets the same link.

mod command;
mod config;
mod control;
mod duplex;
mod error;
mod flows;
mod path;
mod receive;
mod relay;
pub(crate) mod rng;
mod script;
mod self_test;
mod slots;
mod stats;
mod trace;
mod wait;

pub use command::{Command, CommandError, CommandProblem, Rebind, VOCABULARY, Ways};
pub use config::LinkConfig;
pub use control::LinkHandle;
pub use duplex::Duplex;
pub use error::LinkError;
pub use path::{BurstLoss, Change, Damage, Delivery, Effects, Path, PathConfig, PathConfigError, Refusal, Reorder};
pub use relay::{Link, run_link};
pub use script::{Player, Script, ScriptError, ScriptProblem, TimedCommand};
pub use self_test::{RateFound, RoundTripsFound, SelfTest, SelfTestError, SelfTestFound};
pub use stats::{DirectionSnapshot, LinkSnapshot};
pub use trace::{OPPORTUNITY_BYTES, Trace, TraceError, TraceProblem};
