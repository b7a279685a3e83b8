//! What a channel is asked to be, before anything of it exists.

use std::fmt;
use std::time::Duration;

use super::OpenError;

/// Where the two sides of a channel run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Threads of one process: messages are moved values.
    Thread,
    /// Processes of one machine: messages are plain bytes in shared memory.
    Process,
    /// Another machine, through the transport.
    Remote,
}

/// How many producers and consumers a channel has. Each message goes to exactly one consumer; who has many consumers
/// divides work among them (to tell all of them the newest of something, see [`WhenFull::KeepLatest`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topology {
    /// One producer, one consumer; messages arrive in the order they were sent.
    OneToOne,
    /// One producer, whose messages are divided among the consumers that have room.
    OneToMany {
        /// How many consumers.
        consumers: usize,
    },
    /// Many producers, served in turn; the messages of each arrive in its order.
    ManyToOne {
        /// How many producers.
        producers: usize,
    },
    /// Both.
    ManyToMany {
        /// How many producers.
        producers: usize,
        /// How many consumers.
        consumers: usize,
    },
}

impl Topology {
    /// How many producers it has.
    #[must_use]
    pub const fn producers(self) -> usize {
        match self {
            Self::OneToOne | Self::OneToMany { .. } => 1,
            Self::ManyToOne { producers } | Self::ManyToMany { producers, .. } => producers,
        }
    }

    /// How many consumers it has.
    #[must_use]
    pub const fn consumers(self) -> usize {
        match self {
            Self::OneToOne | Self::ManyToOne { .. } => 1,
            Self::OneToMany { consumers } | Self::ManyToMany { consumers, .. } => consumers,
        }
    }
}

/// What happens to a message that finds its channel full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenFull {
    /// Its producer waits for room, this long at most; not for real-time threads.
    Block {
        /// The longest wait.
        at_most: Duration,
    },
    /// It comes back to its producer.
    Reject,
    /// It goes in, and the oldest comes back to its producer.
    EvictOldest,
    /// Only the newest counts: capacity 1, the value it overtakes comes back to the producer. Several consumers all see
    /// the newest value, as copies ([`Channels::open_snapshot`](super::Channels::open_snapshot)).
    KeepLatest,
}

/// A channel as it is asked for.
///
/// ```
/// use rt_core::channel::{ChannelSpec, Context, Topology, WhenFull};
/// let spec = ChannelSpec {
///     name: "service1/up".into(),
///     context: Context::Thread,
///     capacity: 4,
///     topology: Topology::OneToOne,
///     when_full: WhenFull::EvictOldest,
/// };
/// assert!(spec.check().is_ok());
/// let empty = ChannelSpec { capacity: 0, ..spec };
/// assert!(empty.check().is_err_and(|error| error.to_string().contains("capacity 0")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChannelSpec {
    /// Its name, the same on both sides, by direction of flow: `service1/up`.
    pub name: String,
    /// Where its sides run.
    pub context: Context,
    /// How many messages a producer may run ahead of a consumer, for each pair of them.
    pub capacity: usize,
    /// How many sides it has.
    pub topology: Topology,
    /// What happens when it is full.
    pub when_full: WhenFull,
}

impl ChannelSpec {
    /// Checks what no backend could serve.
    ///
    /// # Errors
    /// [`OpenError`], naming the value and what would be right.
    pub fn check(&self) -> Result<(), OpenError> {
        if self.name.is_empty() {
            return Err(OpenError::NoName);
        }
        if self.capacity == 0 {
            return Err(OpenError::NoCapacity { name: self.name.clone() });
        }
        if self.topology.producers() == 0 || self.topology.consumers() == 0 {
            return Err(OpenError::NoEnds { name: self.name.clone(), topology: self.topology });
        }
        if self.when_full == WhenFull::KeepLatest && self.capacity != 1 {
            return Err(OpenError::LatestIsOne { name: self.name.clone(), capacity: self.capacity });
        }
        Ok(())
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Remote => "remote",
        })
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneToOne => f.write_str("one-to-one"),
            Self::OneToMany { consumers } => write!(f, "one-to-many (1 to {consumers})"),
            Self::ManyToOne { producers } => write!(f, "many-to-one ({producers} to 1)"),
            Self::ManyToMany { producers, consumers } => write!(f, "many-to-many ({producers} to {consumers})"),
        }
    }
}

impl fmt::Display for WhenFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { at_most } => write!(f, "block for at most {at_most:?}"),
            Self::Reject => f.write_str("reject"),
            Self::EvictOldest => f.write_str("evict the oldest"),
            Self::KeepLatest => f.write_str("keep the latest"),
        }
    }
}
