//! iceoryx2: publish and subscribe over its own shared memory, polled as in its own latency benchmark, or woken by its
//! event service.

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;

use crate::error::{BenchError, Result};
use crate::hop::{About, End, Inheritance, PATIENCE, Pair, Processes, Threads, Wait, Waiter, serve};

/// Row of the polled publisher between processes.
pub const SPIN: &str = "iceoryx2, processes, spin";
/// Row of the polled publisher between threads.
pub const THREADS_SPIN: &str = "iceoryx2, threads, spin";

/// The child's name.
pub const ANSWERS: &str = "iceoryx2";

/// How an end waits, as a word of the child's command line.
const POLLED: &str = "spin";
const WOKEN: &str = "event";

struct Bells<S: Service> {
    own: Listener<S>,
    other: Notifier<S>,
}

struct IceoryxEnd<S: Service> {
    out: Publisher<S, u64, ()>,
    inbox: Subscriber<S, u64, ()>,
    /// `None`: polled.
    bells: Option<Bells<S>>,
    spin: Waiter,
    /// The services end with their node.
    _node: Node<S>,
}

impl<S: Service> IceoryxEnd<S> {
    /// The end that publishes `<base>/<out>` and subscribes to `<base>/<inbox>`.
    fn open(base: &str, out: &str, inbox: &str, woken: bool) -> Result<Self> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new()
            // The program's own signal handling stays as it is.
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<S>()
            .map_err(BenchError::library("an iceoryx2 node"))?;
        let name = |direction: &str| {
            ServiceName::new(&format!("{base}/{direction}")).map_err(BenchError::library("an iceoryx2 service name"))
        };
        let service = |direction: &str| {
            node.service_builder(&name(direction)?)
                .publish_subscribe::<u64>()
                .open_or_create()
                .map_err(BenchError::library("an iceoryx2 service"))
        };
        let event = |direction: &str| {
            node.service_builder(&name(direction)?)
                .event()
                .open_or_create()
                .map_err(BenchError::library("an iceoryx2 event service"))
        };
        let publisher = service(out)?.publisher_builder().create();
        let subscriber = service(inbox)?.subscriber_builder().create();
        let bells = if woken {
            let own = event(inbox)?.listener_builder().create().map_err(BenchError::library("an iceoryx2 listener"))?;
            let other = event(out)?.notifier_builder().create().map_err(BenchError::library("an iceoryx2 notifier"))?;
            Some(Bells { own, other })
        } else {
            None
        };
        Ok(Self {
            out: publisher.map_err(BenchError::library("an iceoryx2 publisher"))?,
            inbox: subscriber.map_err(BenchError::library("an iceoryx2 subscriber"))?,
            bells,
            spin: Waiter { wait: Wait::Spin, bell: Doorbell::futex() },
            _node: node,
        })
    }

    fn look(&self) -> Result<Option<u64>> {
        let sample = self.inbox.receive().map_err(BenchError::library("an iceoryx2 sample"))?;
        Ok(sample.map(|sample| *sample))
    }
}

impl<S: Service> End for IceoryxEnd<S> {
    fn send(&mut self, message: u64) -> Result<()> {
        let sample = self.out.loan_uninit().map_err(BenchError::library("an iceoryx2 loan"))?;
        sample.write_payload(message).send().map_err(BenchError::library("an iceoryx2 send"))?;
        if let Some(bells) = &self.bells {
            bells.other.notify().map_err(BenchError::library("an iceoryx2 notification"))?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<u64> {
        let Some(bells) = &self.bells else { return self.spin.receive(|| self.look().transpose())? };
        let until = Monotonic::now().plus(PATIENCE);
        loop {
            if let Some(message) = self.look()? {
                return Ok(message);
            }
            if Monotonic::now() >= until {
                return Err(BenchError::Silent(PATIENCE));
            }
            // It also returns early, with no event, where an earlier wait took the event before its wake-up came.
            bells.own.timed_wait(|_| {}, PATIENCE).map_err(BenchError::library("an iceoryx2 wait"))?;
        }
    }
}

/// A name that no other run uses.
fn base() -> String {
    format!("turbo-bench/{}/{}", std::process::id(), Monotonic::now().as_ns())
}

/// Between threads (its process-local variant) and between processes.
pub fn pairs() -> Vec<Box<dyn Pair>> {
    let threads = || {
        let base = base();
        let far = base.clone();
        Ok((
            move || IceoryxEnd::<local::Service>::open(&base, "there", "back", false),
            move || IceoryxEnd::<local::Service>::open(&far, "back", "there", false),
        ))
    };
    let processes = |about: About, woken: bool| {
        let make = move || {
            let base = base();
            let words = vec![base.clone(), if woken { WOKEN } else { POLLED }.to_owned()];
            let near = move || IceoryxEnd::<ipc::Service>::open(&base, "there", "back", woken);
            Ok((near, Inheritance { words, descriptors: Vec::new() }))
        };
        Box::new(Processes { about, answers: ANSWERS, make }) as Box<dyn Pair>
    };
    vec![
        Box::new(Threads { about: About::threads(THREADS_SPIN, "spin (poll)").never_yielding(), make: threads }),
        processes(About::processes(SPIN, "spin (poll)").never_yielding(), false),
        processes(About::processes("iceoryx2, processes, event", "block in its event service"), true),
    ]
}

/// In the child.
///
/// # Errors
/// iceoryx2's.
pub fn answer(words: &[String]) -> Result<()> {
    let [base, wait] = words else {
        return Err(BenchError::Usage(format!("{words:?}: wanted a service name and {POLLED} or {WOKEN}")));
    };
    serve(IceoryxEnd::<ipc::Service>::open(base, "back", "there", wait == WOKEN)?)
}
