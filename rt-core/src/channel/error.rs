//! Why a channel could not be opened, a message not sent, or none received.

use std::fmt;

use super::{Context, Topology, WhenFull};
use crate::evicting_ring::EvictingRingError;
use crate::process::ring::AttachError;
use crate::process::segment::SegmentError;
use crate::snapshot::SnapshotError;

/// Why a channel, or one of its ends, could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No name.
    #[error("a channel without a name was asked for; name it by direction of flow, such as service1/up")]
    NoName,
    /// Capacity 0.
    #[error("channel {name}: capacity 0; a channel holds at least 1 message")]
    NoCapacity {
        /// The channel.
        name: String,
    },
    /// No producers or no consumers.
    #[error("channel {name}: {topology}; each side needs at least 1")]
    NoEnds {
        /// The channel.
        name: String,
        /// What was asked for.
        topology: Topology,
    },
    /// Keep-latest with room for more than the latest.
    #[error("channel {name}: capacity {capacity} with keep the latest, which holds 1; ask for 1, or evict the oldest")]
    LatestIsOne {
        /// The channel.
        name: String,
        /// What was asked for.
        capacity: usize,
    },
    /// The name is taken.
    #[error("channel {name} is open already; each name stands for one channel")]
    NameTaken {
        /// The channel.
        name: String,
    },
    /// No backend serves this combination.
    #[error("channel {name}: no backend serves {context}, {topology}, {when_full}{}; {instead}", if *client_server { ", client/server" } else { "" })]
    Unsupported {
        /// The channel.
        name: String,
        /// Where its sides run.
        context: Context,
        /// How many sides it has.
        topology: Topology,
        /// Its rule.
        when_full: WhenFull,
        /// Whether it was to be a client/server channel.
        client_server: bool,
        /// What would be right.
        instead: &'static str,
    },
    /// The messages would not fit into the machine's memory.
    #[error(
        "channel {name}: {messages} messages of {message_bytes} bytes were asked for, but the machine has {available_bytes} bytes available"
    )]
    LargerThanMemory {
        /// The channel.
        name: String,
        /// Messages in all of its rings together.
        messages: usize,
        /// Bytes of one.
        message_bytes: usize,
        /// `MemAvailable` of `/proc/meminfo`.
        available_bytes: usize,
    },
    /// A ring of it could not be made.
    #[error("channel {name}: {source}")]
    Ring {
        /// The channel.
        name: String,
        /// Why.
        source: EvictingRingError,
    },
    /// The snapshot behind it could not be made.
    #[error("channel {name}: {source}")]
    Snapshot {
        /// The channel.
        name: String,
        /// Why.
        source: SnapshotError,
    },
    /// The memory that the processes share could not be made, or is not this channel's.
    #[error("channel {name}: {source}")]
    Segment {
        /// The channel.
        name: String,
        /// Why.
        source: SegmentError,
    },
    /// The shared memory is another channel's.
    #[error("channel {name}: its memory holds {found}; attach what the process that created {name} gave")]
    OtherChannel {
        /// The channel.
        name: String,
        /// What is there.
        found: String,
    },
    /// The channel in the shared memory has room for another number of messages.
    #[error("channel {name}: its memory has room for {found} messages, but {expected} were asked for")]
    OtherCapacity {
        /// The channel.
        name: String,
        /// What its creator made.
        found: usize,
        /// What was asked for.
        expected: usize,
    },
    /// An end of a channel between processes could not be taken.
    #[error("channel {name}: {source}")]
    Attach {
        /// The channel.
        name: String,
        /// Why: whoever has the end is named.
        source: AttachError,
    },
    /// Every producer (consumer, client, server) of the channel has been handed out.
    #[error("channel {name} is {topology}: a further {end} was asked for, but all are taken")]
    EndTaken {
        /// The channel.
        name: String,
        /// Its topology.
        topology: Topology,
        /// Which end: producer, consumer, client or server.
        end: &'static str,
    },
}

/// Why a message was not sent; it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// No room, and the rule is to reject.
    Full(T),
    /// No room came in time.
    TimedOut(T),
    /// There is nobody left to receive.
    Closed(T),
    /// The process that was to receive has died; another can take its end.
    PeerDied {
        /// The message.
        message: T,
        /// The process that died.
        pid: u32,
    },
    /// The shared memory contradicts itself: the other process is broken or hostile, and the channel cannot be trusted
    /// any more.
    Corrupt(T),
}

impl<T> SendError<T> {
    /// The message.
    pub fn into_message(self) -> T {
        match self {
            Self::Full(message) | Self::TimedOut(message) | Self::Closed(message) | Self::Corrupt(message) => message,
            Self::PeerDied { message, .. } => message,
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the channel is full"),
            Self::TimedOut(_) => f.write_str("the channel had no room in time"),
            Self::Closed(_) => f.write_str("nobody is left to receive"),
            Self::PeerDied { pid, .. } => write!(f, "the receiving process {pid} has died; another can attach"),
            Self::Corrupt(_) => f.write_str("the channel's shared memory is corrupt; make a new one"),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<T> std::error::Error for SendError<T> {}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// Nothing is there now.
    #[error("the channel is empty")]
    Empty,
    /// Nothing came in time.
    #[error("nothing came in time")]
    TimedOut,
    /// Everything was received and nobody is left to send.
    #[error("nobody is left to send")]
    Closed,
    /// The process that was to send has died, and everything it sent was received; another can take its end.
    #[error("the sending process {pid} has died; another can attach")]
    PeerDied {
        /// The process that died.
        pid: u32,
    },
    /// The shared memory contradicts itself: the other process is broken or hostile, and the channel cannot be trusted
    /// any more.
    #[error("the channel's shared memory is corrupt; make a new one")]
    Corrupt,
}

/// Why a call got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// As many calls that timed out as the channel holds are still unanswered.
    #[error("{unanswered} earlier calls are still unanswered, as many as the channel holds")]
    Full {
        /// How many.
        unanswered: usize,
    },
    /// No reply came in time; a late one will be dropped.
    #[error("no reply came in time")]
    TimedOut,
    /// The server is gone, or cannot be trusted any more.
    #[error("the server is gone: {0}")]
    Gone(ReceiveError),
}
