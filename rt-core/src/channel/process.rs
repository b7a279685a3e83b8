//! The process backend: one-to-one channels whose messages are plain bytes in memory that two processes share.
//!
//! One process creates the channel and hands its descriptor over (inherited, or by
//! [`pass`](crate::process::pass)); the other attaches. Each end is taken once; the end of a process that died can be
//! taken by another, and the channel goes on.

use std::marker::PhantomData;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::client_server::{self, Client, Server};
use super::ends::{ReceiveEnd, SendEnd};
use super::registry::unsupported;
use super::{ChannelSpec, Consumer, Context, OpenError, Producer, ReceiveError, SendError, Topology, WhenFull};
use crate::clock::Monotonic;
use crate::memory::arena::HugePages;
use crate::process::Message;
use crate::process::ring::{self, PushError, WaitError};
use crate::process::segment::{Access, Part, Segment, SegmentError};

/// A producer/consumer channel between two processes.
///
/// ```
/// use rt_core::channel::{ChannelSpec, Context, ProcessChannel, Topology, WhenFull};
/// let spec = ChannelSpec {
///     name: "detections".into(),
///     context: Context::Process,
///     capacity: 8,
///     topology: Topology::OneToOne,
///     when_full: WhenFull::Reject,
/// };
/// let ours = ProcessChannel::<u64>::create(&spec)?;
/// // In the other process:
/// let theirs = ProcessChannel::<u64>::attach(&spec, ours.descriptor().try_clone_to_owned()?)?;
/// let (mut car, mut planner) = (ours.producer()?, theirs.consumer()?);
/// assert!(theirs.producer().is_err(), "one-to-one has one producer, wherever it runs");
/// car.send(7)?;
/// assert_eq!(planner.receive()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ProcessChannel<T> {
    spec: ChannelSpec,
    segment: Segment,
    carries: PhantomData<fn(T) -> T>,
}

/// A client/server channel between two processes: one client, one server.
#[derive(Debug)]
pub struct ProcessService<Q, R> {
    spec: ChannelSpec,
    segment: Segment,
    carries: PhantomData<fn(Q) -> R>,
}

/// The ring that carries a service's replies; its requests, and the messages of other channels, are under the channel's
/// own name.
fn replies(spec: &ChannelSpec) -> String {
    format!("{}/re", spec.name)
}

impl<T: Message> ProcessChannel<T> {
    /// Makes the channel's memory.
    ///
    /// # Errors
    /// [`OpenError`]: what is wrong with `spec`, that nothing serves it, or that the memory cannot be had.
    pub fn create(spec: &ChannelSpec) -> Result<Self, OpenError> {
        check(spec)?;
        let segment = create(spec, vec![ring::part::<T>(&spec.name, spec.capacity)])?;
        Ok(Self { spec: spec.clone(), segment, carries: PhantomData })
    }

    /// Opens the channel that another process has created; nothing in its memory is believed before it was checked.
    ///
    /// # Errors
    /// [`OpenError`]: what is wrong with `spec`, or why the memory is not this channel's.
    pub fn attach(spec: &ChannelSpec, memory: OwnedFd) -> Result<Self, OpenError> {
        check(spec)?;
        let segment = open(spec, memory)?;
        Ok(Self { spec: spec.clone(), segment, carries: PhantomData })
    }

    /// What the other process needs to attach.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.segment.descriptor()
    }

    /// Takes the producer's end.
    ///
    /// # Errors
    /// [`OpenError::Attach`], naming the process that has it.
    pub fn producer(&self) -> Result<Producer<T>, OpenError> {
        let end: ring::Producer<T> = end(&self.spec, ring::Producer::attach(&self.segment, &self.spec.name))?;
        Ok(Producer::new(end, self.spec.when_full))
    }

    /// Takes the consumer's end.
    ///
    /// # Errors
    /// [`OpenError::Attach`], naming the process that has it.
    pub fn consumer(&self) -> Result<Consumer<T>, OpenError> {
        let end: ring::Consumer<T> = end(&self.spec, ring::Consumer::attach(&self.segment, &self.spec.name))?;
        Ok(Consumer::new(end))
    }
}

impl<Q: Message, R: Message> ProcessService<Q, R> {
    /// Makes the channel's memory.
    ///
    /// # Errors
    /// As [`ProcessChannel::create`].
    pub fn create(spec: &ChannelSpec) -> Result<Self, OpenError> {
        client_server::check(spec)?;
        check(spec)?;
        let parts = vec![ring::part::<Q>(&spec.name, spec.capacity), ring::part::<R>(&replies(spec), spec.capacity)];
        Ok(Self { spec: spec.clone(), segment: create(spec, parts)?, carries: PhantomData })
    }

    /// Opens the channel that another process has created.
    ///
    /// # Errors
    /// As [`ProcessChannel::attach`].
    pub fn attach(spec: &ChannelSpec, memory: OwnedFd) -> Result<Self, OpenError> {
        client_server::check(spec)?;
        check(spec)?;
        Ok(Self { spec: spec.clone(), segment: open(spec, memory)?, carries: PhantomData })
    }

    /// What the other process needs to attach.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.segment.descriptor()
    }

    /// Takes the client's end.
    ///
    /// # Errors
    /// [`OpenError::Attach`], naming the process that has it.
    pub fn client(&self) -> Result<Client<Q, R>, OpenError> {
        let requests: ring::Producer<Q> = end(&self.spec, ring::Producer::attach(&self.segment, &self.spec.name))?;
        let replies: ring::Consumer<R> = end(&self.spec, ring::Consumer::attach(&self.segment, &replies(&self.spec)))?;
        Ok(Client::new(Box::new(requests), Box::new(replies), &self.spec))
    }

    /// Takes the server's end.
    ///
    /// # Errors
    /// [`OpenError::Attach`], naming the process that has it.
    pub fn server(&self) -> Result<Server<Q, R>, OpenError> {
        let requests: ring::Consumer<Q> = end(&self.spec, ring::Consumer::attach(&self.segment, &self.spec.name))?;
        let replies: ring::Producer<R> = end(&self.spec, ring::Producer::attach(&self.segment, &replies(&self.spec)))?;
        Ok(Server::new(Box::new(requests), vec![Box::new(replies)]))
    }
}

fn check(spec: &ChannelSpec) -> Result<(), OpenError> {
    spec.check()?;
    match (spec.context, spec.topology, spec.when_full) {
        (Context::Thread, ..) => Err(unsupported(spec, "threads share more than memory: use Channels")),
        (Context::Remote, ..) => Err(unsupported(spec, "remote channels are the transport's")),
        (Context::Process, Topology::OneToOne, WhenFull::Block { .. } | WhenFull::Reject) => Ok(()),
        (Context::Process, Topology::OneToOne, WhenFull::EvictOldest) => {
            Err(unsupported(spec, "a process cannot take back what another may be reading: reject, or block"))
        }
        (Context::Process, Topology::OneToOne, WhenFull::KeepLatest) => {
            Err(unsupported(spec, "the newest value for other processes is process::latest"))
        }
        (Context::Process, ..) => Err(unsupported(spec, "open one channel for each pair of processes")),
    }
}

fn create(spec: &ChannelSpec, parts: Vec<Result<Part, SegmentError>>) -> Result<Segment, OpenError> {
    let parts: Result<Vec<_>, _> = parts.into_iter().collect();
    parts
        .and_then(|parts| Segment::create(&parts, Access::ReadWrite, HugePages::Never, false))
        .map_err(|source| OpenError::Segment { name: spec.name.clone(), source })
}

fn open(spec: &ChannelSpec, memory: OwnedFd) -> Result<Segment, OpenError> {
    let segment = Segment::open(memory).map_err(|source| OpenError::Segment { name: spec.name.clone(), source })?;
    if !segment.parts().any(|part| part.name().as_str() == spec.name) {
        let found = segment.parts().map(|part| part.name().to_string()).collect::<Vec<_>>().join(", ");
        return Err(OpenError::OtherChannel { name: spec.name.clone(), found });
    }
    let other = segment.parts().map(|part| part.capacity() as usize).find(|&found| found != spec.capacity);
    match other {
        Some(found) => Err(OpenError::OtherCapacity { name: spec.name.clone(), found, expected: spec.capacity }),
        None => Ok(segment),
    }
}

fn end<E>(spec: &ChannelSpec, end: Result<E, ring::AttachError>) -> Result<E, OpenError> {
    end.map_err(|source| OpenError::Attach { name: spec.name.clone(), source })
}

impl<T: Message + Send> SendEnd<T> for ring::Producer<T> {
    fn send(&mut self, message: T, until: Option<Monotonic>) -> Result<Option<T>, SendError<T>> {
        match self.push(&message) {
            Ok(()) => return Ok(None),
            Err(PushError::Corrupt(_)) => return Err(SendError::Corrupt(message)),
            Err(PushError::Full { .. }) => {}
        }
        // Only a full ring is a reason to ask how the consumer is: that is a system call.
        match self.push_until(&message, until.unwrap_or(Monotonic::ZERO)) {
            Ok(()) => Ok(None),
            Err(WaitError::TimedOut { .. }) if until.is_none() => Err(SendError::Full(message)),
            Err(WaitError::TimedOut { .. }) => Err(SendError::TimedOut(message)),
            Err(WaitError::PeerLeft { .. }) => Err(SendError::Closed(message)),
            Err(WaitError::PeerDied { pid, .. }) => Err(SendError::PeerDied { message, pid }),
            Err(WaitError::Corrupt(_)) => Err(SendError::Corrupt(message)),
        }
    }
}

impl<T: Message + Send> ReceiveEnd<T> for ring::Consumer<T> {
    fn receive(&mut self, until: Option<Monotonic>) -> Result<(usize, T), ReceiveError> {
        match until {
            None => match self.pop() {
                Ok(Some(message)) => Ok((0, message)),
                Ok(None) => Err(ReceiveError::Empty),
                Err(_) => Err(ReceiveError::Corrupt),
            },
            Some(until) => self.pop_until(until).map(|message| (0, message)).map_err(|error| match error {
                WaitError::TimedOut { .. } => ReceiveError::TimedOut,
                WaitError::PeerLeft { .. } => ReceiveError::Closed,
                WaitError::PeerDied { pid, .. } => ReceiveError::PeerDied { pid },
                WaitError::Corrupt(_) => ReceiveError::Corrupt,
            }),
        }
    }
}
