use std::time::Duration;

use super::conformance::{Backend, conforms};
use super::*;
use crate::clock::Monotonic;

struct Threads;

impl Backend for Threads {
    const CONTEXT: Context = Context::Thread;
    const EVICTS: bool = true;
    const MANY: bool = true;

    fn open(spec: &ChannelSpec) -> (Vec<Producer<u64>>, Vec<Consumer<u64>>) {
        let mut channel = Channels::default().open(spec).expect("a channel that threads serve");
        let producers = std::iter::from_fn(|| channel.producer().ok()).collect();
        (producers, std::iter::from_fn(|| channel.consumer().ok()).collect())
    }
}

mod threads {
    use super::*;
    conforms!(Threads);
}

/// Both ends in one process, each through its own mapping; that they may be two is for `process`'s own tests.
struct Processes;

impl Backend for Processes {
    const CONTEXT: Context = Context::Process;
    const EVICTS: bool = false;
    const MANY: bool = false;

    fn open(spec: &ChannelSpec) -> (Vec<Producer<u64>>, Vec<Consumer<u64>>) {
        let ours = ProcessChannel::<u64>::create(spec).expect("a channel that processes serve");
        let memory = ours.descriptor().try_clone_to_owned().expect("a second descriptor");
        let theirs = ProcessChannel::<u64>::attach(spec, memory).expect("the same channel");
        (vec![ours.producer().expect("the first")], vec![theirs.consumer().expect("the first")])
    }
}

#[cfg(not(miri))]
mod processes {
    use super::*;
    conforms!(Processes);
}

fn spec(name: &str, topology: Topology, when_full: WhenFull) -> ChannelSpec {
    ChannelSpec { name: name.into(), context: Context::Thread, capacity: 1, topology, when_full }
}

fn never() -> Monotonic {
    Monotonic::now().plus(Duration::from_secs(3600))
}

/// Each refusal names the value and what would be right.
#[test]
fn what_cannot_be_is_refused_when_it_is_opened() {
    let good = spec("a", Topology::OneToOne, WhenFull::Reject);
    let refusals = [
        (ChannelSpec { name: String::new(), ..good.clone() }, "without a name"),
        (ChannelSpec { capacity: 0, ..good.clone() }, "capacity 0"),
        (ChannelSpec { capacity: usize::MAX, ..good.clone() }, "bytes available"),
        (ChannelSpec { topology: Topology::ManyToOne { producers: 0 }, ..good.clone() }, "many-to-one (0 to 1)"),
        (
            ChannelSpec { when_full: WhenFull::KeepLatest, capacity: 2, ..good.clone() },
            "capacity 2 with keep the latest",
        ),
        (
            spec("a", Topology::OneToMany { consumers: 2 }, WhenFull::KeepLatest),
            "thread, one-to-many (1 to 2), keep the latest; for copies of the newest to every consumer use open_snapshot",
        ),
        (ChannelSpec { context: Context::Process, ..good.clone() }, "plain bytes"),
        (ChannelSpec { context: Context::Remote, ..good.clone() }, "no backend serves remote, one-to-one, reject"),
    ];
    let mut channels = Channels::default();
    for (wrong, said) in refusals {
        let error = channels.open::<u64>(&wrong).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(said), "{wrong:?}: {error}");
    }
    assert!(channels.open::<u64>(&good).is_ok(), "what was refused takes no name");
    let twice = channels.open::<u64>(&good).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(twice.contains("channel a is open already"), "{twice}");
}

#[test]
fn one_to_one_has_one_producer_and_one_consumer() {
    let mut channel =
        Channels::default().open::<u64>(&spec("up", Topology::OneToOne, WhenFull::Reject)).expect("opens");
    let _ends = (channel.producer().expect("the first"), channel.consumer().expect("the first"));
    let second = channel.producer().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(second.contains("channel up is one-to-one: a further producer"), "{second}");
    assert!(channel.consumer().is_err());
}

#[test]
fn keep_latest_gives_the_overtaken_back() {
    let mut channel = Channels::default().open(&spec("a", Topology::OneToOne, WhenFull::KeepLatest)).expect("opens");
    let (mut producer, mut consumer) = (channel.producer().expect("one"), channel.consumer().expect("one"));
    assert_eq!((producer.send(1), producer.send(2)), (Ok(None), Ok(Some(1))));
    assert_eq!((consumer.receive(), consumer.receive()), (Ok(2), Err(ReceiveError::Empty)));
}

#[test]
fn every_consumer_of_a_snapshot_sees_the_newest_once() {
    let latest = spec("allocation", Topology::OneToMany { consumers: 2 }, WhenFull::KeepLatest);
    let mut channel = Channels::default().open_snapshot::<String>(&latest).expect("opens");
    let mut producer = channel.producer().expect("one");
    let (mut first, mut second) = (channel.consumer().expect("two"), channel.consumer().expect("two"));
    assert_eq!(first.receive(), Err(ReceiveError::Empty));
    for value in ["old", "new"] {
        assert_eq!(producer.send(value.to_owned()), Ok(None));
    }
    assert_eq!(first.receive().as_deref(), Ok("new"));
    assert_eq!(first.receive(), Err(ReceiveError::Empty), "seen once");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || first.receive_until(never()));
        assert_eq!(producer.send("newest".to_owned()), Ok(None));
        assert_eq!(waiting.join().expect("it ends").as_deref(), Ok("newest"));
        drop(producer);
    });
    assert_eq!(second.receive().as_deref(), Ok("newest"), "written before the end");
    assert_eq!(second.receive_until(never()), Err(ReceiveError::Closed));
}

#[test]
fn a_snapshot_without_consumers_is_closed() {
    let latest = spec("allocation", Topology::OneToMany { consumers: 1 }, WhenFull::KeepLatest);
    let mut channel = Channels::default().open_snapshot::<u64>(&latest).expect("opens");
    let mut producer = channel.producer().expect("one");
    drop(channel);
    assert_eq!(producer.send(1), Err(SendError::Closed(1)));
}

#[test]
fn every_client_gets_its_own_replies() {
    let (clients, calls) = (3, crate::testing::rounds(1_000));
    let service =
        ChannelSpec { capacity: 2, ..spec("add", Topology::ManyToOne { producers: clients }, WhenFull::Reject) };
    let mut service = Channels::default().open_service::<u64, u64>(&service).expect("opens");
    let mut server = service.server().expect("one server");
    std::thread::scope(|scope| {
        for number in 0..clients as u64 {
            let mut client = service.client().expect("three clients");
            scope.spawn(move || {
                for request in (number * calls)..((number + 1) * calls) {
                    assert_eq!(client.call(request, never()), Ok(request + 1));
                }
            });
        }
        assert!(service.client().is_err(), "all are handed out");
        let mut served = 0;
        let end = loop {
            match server.serve_until(never(), |request| request + 1) {
                Ok(()) => served += 1,
                Err(end) => break end,
            }
        };
        assert_eq!((end, served), (ReceiveError::Closed, clients as u64 * calls));
    });
}

#[test]
fn a_late_reply_is_never_taken_for_the_next_one() {
    for (when_full, patient) in
        [(WhenFull::Reject, false), (WhenFull::Block { at_most: Duration::from_secs(3600) }, true)]
    {
        let service = ChannelSpec { capacity: 2, ..spec("slow", Topology::OneToOne, when_full) };
        let mut service = Channels::default().open_service::<u64, u64>(&service).expect("opens");
        let (mut client, mut server) = (service.client().expect("one"), service.server().expect("one"));
        assert_eq!(client.call(1, Monotonic::ZERO), Err(CallError::TimedOut));
        assert_eq!(client.call(2, Monotonic::ZERO), Err(CallError::TimedOut));
        assert_eq!(client.call(3, Monotonic::ZERO), Err(CallError::Full { unanswered: 2 }), "as many as it holds");
        if !patient {
            assert_eq!(server.serve_until(never(), |request| request * 10), Ok(()));
        }
        std::thread::scope(|scope| {
            let serving = scope.spawn(move || while server.serve_until(never(), |request| request * 10).is_ok() {});
            assert_eq!(client.call(4, never()), Ok(40));
            drop(client);
            serving.join().expect("it ends when its client left");
        });
    }
}

#[test]
fn a_client_learns_that_the_server_left() {
    let mut service = Channels::default().open_service::<u64, u64>(&spec("a", Topology::OneToOne, WhenFull::Reject));
    let service = service.as_mut().expect("opens");
    let (mut client, server) = (service.client().expect("one"), service.server().expect("one"));
    std::thread::scope(|scope| {
        let calling = scope.spawn(move || client.call(1, never()));
        drop(server);
        assert_eq!(calling.join().expect("it ends"), Err(CallError::Gone(ReceiveError::Closed)));
    });
}

#[test]
fn services_that_could_lose_a_request_are_refused() {
    let mut channels = Channels::default();
    for (topology, when_full) in [
        (Topology::OneToOne, WhenFull::EvictOldest),
        (Topology::OneToOne, WhenFull::KeepLatest),
        (Topology::OneToMany { consumers: 2 }, WhenFull::Reject),
    ] {
        let refused = channels.open_service::<u64, u64>(&spec("a", topology, when_full)).err();
        let said = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("client/server") && said.contains(&topology.to_string()), "{said}");
    }
}

#[cfg(not(miri))]
#[test]
fn a_process_channel_is_opened_by_its_own_name_size_and_capacity_alone() {
    let good = ChannelSpec { context: Context::Process, ..spec("up", Topology::OneToOne, WhenFull::Reject) };
    let ours = ProcessChannel::<u64>::create(&good).expect("opens");
    let attach = |spec: &ChannelSpec| {
        let memory = ours.descriptor().try_clone_to_owned().expect("a second descriptor");
        ProcessChannel::<u64>::attach(spec, memory).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(attach(&good), Ok(()));
    let said = attach(&ChannelSpec { name: "down".into(), ..good.clone() }).expect_err("another name");
    assert!(said.contains("channel down") && said.contains("up"), "{said}");
    let said = attach(&ChannelSpec { capacity: 9, ..good.clone() }).expect_err("another capacity");
    assert!(said.contains("room for 1") && said.contains('9'), "{said}");
    let memory = ours.descriptor().try_clone_to_owned().expect("a second descriptor");
    let smaller = ProcessChannel::<u32>::attach(&good, memory).and_then(|channel| channel.producer().map(drop));
    assert!(smaller.is_err_and(|error| error.to_string().contains("4 bytes")));
    let _first = ours.producer().expect("the first");
    let second = ours.producer().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(second.contains(&std::process::id().to_string()), "{second}");
}

#[cfg(not(miri))]
#[test]
fn combinations_that_processes_do_not_serve_are_refused_with_what_would_be() {
    let good = ChannelSpec { context: Context::Process, ..spec("a", Topology::OneToOne, WhenFull::Reject) };
    for (wrong, said) in [
        (ChannelSpec { context: Context::Thread, ..good.clone() }, "use Channels"),
        (ChannelSpec { context: Context::Remote, ..good.clone() }, "transport"),
        (ChannelSpec { when_full: WhenFull::EvictOldest, ..good.clone() }, "reject, or block"),
        (ChannelSpec { when_full: WhenFull::KeepLatest, ..good.clone() }, "process::latest"),
        (ChannelSpec { topology: Topology::ManyToOne { producers: 2 }, ..good.clone() }, "each pair"),
        (ChannelSpec { name: "a name of more than thirty-two bytes".into(), ..good.clone() }, "thirty-two"),
        (ChannelSpec { capacity: usize::MAX, ..good }, "18446744073709551615"),
    ] {
        let error = ProcessChannel::<u64>::create(&wrong).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(said), "{wrong:?}: {error}");
    }
}

#[cfg(not(miri))]
#[test]
fn a_service_between_processes_answers() {
    let spec = ChannelSpec {
        context: Context::Process,
        capacity: 2,
        ..spec("allocation", Topology::OneToOne, WhenFull::Reject)
    };
    let ours = ProcessService::<u64, [u64; 2]>::create(&spec).expect("opens");
    let memory = ours.descriptor().try_clone_to_owned().expect("a second descriptor");
    let theirs = ProcessService::<u64, [u64; 2]>::attach(&spec, memory).expect("the same channel");
    let (mut client, mut server) = (ours.client().expect("one"), theirs.server().expect("one"));
    assert_eq!(client.call(1, Monotonic::ZERO), Err(CallError::TimedOut));
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || while server.serve_until(never(), |n| [n, n + 1]).is_ok() {});
        for request in 0..100 {
            assert_eq!(client.call(request, never()), Ok([request, request + 1]));
        }
        drop(client);
        serving.join().expect("it ends when its client left");
    });
}
