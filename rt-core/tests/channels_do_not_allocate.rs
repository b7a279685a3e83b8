//! Sending and receiving through the channel API, counted: after opening, no rule but blocking's sleep costs more than
//! the ring itself.

use rt_core::channel::{ChannelSpec, Channels, Context, Topology, WhenFull};
use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

#[test]
fn messages_go_through_every_rule_without_the_heap() {
    let mut channels = Channels::default();
    for (name, when_full, topology) in [
        ("reject", WhenFull::Reject, Topology::OneToOne),
        ("block", WhenFull::Block { at_most: std::time::Duration::ZERO }, Topology::ManyToOne { producers: 2 }),
        ("evict", WhenFull::EvictOldest, Topology::OneToMany { consumers: 2 }),
        ("latest", WhenFull::KeepLatest, Topology::OneToOne),
    ] {
        let spec = ChannelSpec { name: name.into(), context: Context::Thread, capacity: 1, topology, when_full };
        let mut channel = channels.open::<[u64; 8]>(&spec).expect("opens");
        let mut producers: Vec<_> = std::iter::from_fn(|| channel.producer().ok()).collect();
        let mut consumers: Vec<_> = std::iter::from_fn(|| channel.consumer().ok()).collect();
        let mut received = 0;
        let calls = count(|| {
            for number in 0..1_000 {
                for producer in &mut producers {
                    // Every third round finds the channel full.
                    let _ = producer.send([number; 8]);
                }
                if number % 3 != 0 {
                    received += consumers.iter_mut().filter_map(|consumer| consumer.receive().ok()).count();
                }
            }
        });
        assert_eq!(calls, HeapCalls::NONE, "{spec:?}");
        assert!(received >= 600, "{spec:?}: {received} messages");
    }
}

#[test]
fn a_call_and_its_reply_need_no_heap() {
    let spec = ChannelSpec {
        name: "service".into(),
        context: Context::Thread,
        capacity: 2,
        topology: Topology::OneToOne,
        when_full: WhenFull::Reject,
    };
    let mut service = Channels::default().open_service::<u64, u64>(&spec).expect("opens");
    let (mut client, mut server) = (service.client().expect("one"), service.server().expect("one"));
    let never = rt_core::clock::Monotonic::now().plus(std::time::Duration::from_secs(3600));
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || count(|| while server.serve_until(never, |request| request + 1).is_ok() {}));
        let calls = count(|| (0..1_000).for_each(|request| assert_eq!(client.call(request, never), Ok(request + 1))));
        drop(client);
        assert_eq!((calls, serving.join().expect("it ends")), (HeapCalls::NONE, HeapCalls::NONE));
    });
}
