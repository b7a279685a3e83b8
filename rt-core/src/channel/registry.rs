//! The channels of a process, each name once.

use std::collections::BTreeSet;

use super::client_server::Service;
use super::latest::SnapshotChannel;
use super::thread::{self, ThreadConsumer, ThreadProducer};
use super::{ChannelSpec, Consumer, Context, OpenError, Producer, WhenFull};
use crate::memory::available_memory_bytes;

/// Opens channels; a name stands for one channel of the registry.
///
/// ```
/// use rt_core::channel::{ChannelSpec, Channels, Context, Topology, WhenFull};
/// let spec = ChannelSpec {
///     name: "service1/down".into(),
///     context: Context::Thread,
///     capacity: 8,
///     topology: Topology::OneToOne,
///     when_full: WhenFull::Reject,
/// };
/// let mut channels = Channels::default();
/// let mut down = channels.open::<u32>(&spec)?;
/// let (mut transport, mut service) = (down.producer()?, down.consumer()?);
/// assert!(down.producer().is_err(), "one-to-one has one producer");
/// assert!(channels.open::<u32>(&spec).is_err(), "the name is taken");
/// transport.send(7)?;
/// assert_eq!(service.receive()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Channels {
    names: BTreeSet<String>,
}

/// A channel whose ends wait to be handed out.
pub struct Channel<T: Send> {
    spec: ChannelSpec,
    producers: Vec<ThreadProducer<T>>,
    consumers: Vec<ThreadConsumer<T>>,
}

impl Channels {
    /// Opens a producer/consumer channel between threads.
    ///
    /// # Errors
    /// [`OpenError`]: what is wrong with `spec`, or that nothing serves it.
    pub fn open<T: Send + 'static>(&mut self, spec: &ChannelSpec) -> Result<Channel<T>, OpenError> {
        self.check::<T>(spec)?;
        if spec.when_full == WhenFull::KeepLatest && spec.topology.consumers() > 1 {
            return Err(unsupported(spec, "for copies of the newest to every consumer use open_snapshot"));
        }
        let (producers, consumers) = thread::ends(spec)?;
        self.names.insert(spec.name.clone());
        Ok(Channel { spec: spec.clone(), producers, consumers })
    }

    /// Opens a keep-latest channel between threads whose consumers all see the newest value, as copies; before the first
    /// is sent, none is there.
    ///
    /// # Errors
    /// [`OpenError`]: what is wrong with `spec`, or that nothing serves it.
    pub fn open_snapshot<T>(&mut self, spec: &ChannelSpec) -> Result<SnapshotChannel<T>, OpenError>
    where
        T: Clone + Send + Sync + 'static,
    {
        self.check::<T>(spec)?;
        if spec.when_full != WhenFull::KeepLatest || spec.topology.producers() != 1 {
            return Err(unsupported(spec, "a snapshot keeps the latest of one producer"));
        }
        let channel = SnapshotChannel::open(spec)?;
        self.names.insert(spec.name.clone());
        Ok(channel)
    }

    /// Opens a client/server channel between threads: `Q` goes to the server, `R` comes back to the client that asked.
    ///
    /// # Errors
    /// [`OpenError`]: what is wrong with `spec`, or that nothing serves it.
    pub fn open_service<Q, R>(&mut self, spec: &ChannelSpec) -> Result<Service<Q, R>, OpenError>
    where
        Q: Send + 'static,
        R: Send + 'static,
    {
        self.check::<(Q, R)>(spec)?;
        let service = Service::open(spec)?;
        self.names.insert(spec.name.clone());
        Ok(service)
    }

    fn check<T>(&self, spec: &ChannelSpec) -> Result<(), OpenError> {
        spec.check()?;
        match spec.context {
            Context::Thread => {}
            Context::Process => {
                return Err(unsupported(spec, "its messages must be plain bytes: use ProcessChannel"));
            }
            Context::Remote => return Err(unsupported(spec, "remote channels are the transport's")),
        }
        if self.names.contains(&spec.name) {
            return Err(OpenError::NameTaken { name: spec.name.clone() });
        }
        let rings = spec.topology.producers().saturating_mul(spec.topology.consumers());
        let (messages, message_bytes) = (rings.saturating_mul(spec.capacity), size_of::<T>());
        // Even a ring of nothing keeps an index for each place.
        let bytes = messages.saturating_mul(message_bytes.max(size_of::<usize>()));
        match available_memory_bytes() {
            Some(available_bytes) if bytes > available_bytes => {
                Err(OpenError::LargerThanMemory { name: spec.name.clone(), messages, message_bytes, available_bytes })
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn unsupported(spec: &ChannelSpec, instead: &'static str) -> OpenError {
    OpenError::Unsupported {
        name: spec.name.clone(),
        context: spec.context,
        topology: spec.topology,
        when_full: spec.when_full,
        client_server: false,
        instead,
    }
}

/// The next of the ends that are left.
pub(super) fn hand_out<E>(left: &mut Vec<E>, spec: &ChannelSpec, end: &'static str) -> Result<E, OpenError> {
    left.pop().ok_or_else(|| OpenError::EndTaken { name: spec.name.clone(), topology: spec.topology, end })
}

impl<T: Send + 'static> Channel<T> {
    /// Hands out the next producer.
    ///
    /// # Errors
    /// [`OpenError::EndTaken`], where the topology has no further one.
    pub fn producer(&mut self) -> Result<Producer<T>, OpenError> {
        let end = hand_out(&mut self.producers, &self.spec, "producer")?;
        Ok(Producer::new(end, self.spec.when_full))
    }

    /// Hands out the next consumer.
    ///
    /// # Errors
    /// [`OpenError::EndTaken`], where the topology has no further one.
    pub fn consumer(&mut self) -> Result<Consumer<T>, OpenError> {
        hand_out(&mut self.consumers, &self.spec, "consumer").map(Consumer::new)
    }
}
