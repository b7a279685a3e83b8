//! Channels: how the parts of a system are joined without knowing one another.
//!
//! A channel has a name, a context, a capacity, a topology and a rule for when it is full ([`ChannelSpec`]); the backend
//! follows from these. Data and synchronisation travel as one: a message is a moved value (a lease of a frame, say), and
//! using it after it was sent does not compile. A combination that no backend serves fails when it is opened.
//!
//! | context | rule | backend |
//! |---|---|---|
//! | thread | block, reject | an SPSC ring (`rtrb`) for each pair of producer and consumer |
//! | thread | evict oldest, keep latest | an [`evicting_ring`](crate::evicting_ring) for each pair |
//! | thread, many consumers | keep latest | a [`snapshot`](crate::snapshot) |
//! | process, one-to-one | block, reject | a [`process::ring`](crate::process::ring) in shared memory |
//!
//! The ends are dynamic, about two nanoseconds a call; a thread that waits for many things at once uses the structures
//! themselves and one [`Doorbell`](crate::doorbell::Doorbell).

mod client_server;
mod edge;
mod ends;
mod error;
mod latest;
mod process;
mod registry;
mod spec;
mod thread;

pub use client_server::{Client, Server, Service};
pub use ends::{Consumer, Producer};
pub use error::{CallError, OpenError, ReceiveError, SendError};
pub use latest::SnapshotChannel;
pub use process::{ProcessChannel, ProcessService};
pub use registry::{Channel, Channels};
pub use spec::{ChannelSpec, Context, Topology, WhenFull};

#[cfg(test)]
#[cfg(not(loom))]
mod conformance;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;
