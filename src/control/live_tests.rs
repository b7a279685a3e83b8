//! Subscribers over the socket of a process whose collector is real: whatever they do, the collector and each other
//! subscriber go on.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};
use rt_core::frame::FrameId;
use rt_core::stop::StopToken;
use rt_core::trace::{Hop, Stamper, Tracer};
use serde_json::Value;
use telemetry::collector::{Collector, CollectorReport};
use telemetry::logs::Logs;
use telemetry::names::Names;
use telemetry::subscribe::{Hub, MOST_SUBSCRIBERS};

use super::*;
use crate::live::NoCommands;

/// Whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

struct Live(Hub);

impl Controlled for Live {
    fn obey(&self, command: &str) -> Result<String, String> {
        NoCommands.obey(command)
    }

    fn live(&self) -> Option<&Hub> {
        Some(&self.0)
    }
}

/// Runs `body` beside a collector and its socket; `finish` ends the collector.
fn with_collector(body: impl FnOnce(&Path, &Hub, Stamper, &mut dyn FnMut() -> CollectorReport)) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("live");
    let hub = Hub::new("car", "0", ClockAnchor::now());
    let mut tracer = Tracer::default();
    let stamper = tracer.stamper("camera", 1 << 14);
    let mut collector = Collector::new(ClockAnchor::now(), Names::default(), Logs::none(), &[]);
    collector.trace(tracer);
    collector.publish_events(hub.publisher());
    let stop = StopToken::default();
    let mut collecting = Some(std::thread::spawn({
        let stop = stop.clone();
        move || collector.run(&stop)
    }));
    let _socket = ControlSocket::listen(&path, Live(hub.clone())).expect("a socket");
    body(&path, &hub, stamper, &mut || {
        stop.set();
        collecting.take().expect("once").join().expect("no panic")
    });
}

struct Subscriber(BufReader<UnixStream>);

impl Subscriber {
    /// Subscribes, and waits until that is in force.
    fn join(path: &Path, request: &str) -> Self {
        let mut subscriber = Self::ask(path, request);
        assert_eq!(subscriber.line().as_deref(), Some("ok"));
        let begin: Value = serde_json::from_str(&subscriber.line().expect("a line")).expect("JSON");
        assert_eq!(begin["type"], "begin");
        subscriber
    }

    fn ask(path: &Path, request: &str) -> Self {
        let mut stream = UnixStream::connect(path).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // Whoever is turned away at once may find the other end closed.
        let _ = stream.write_all(format!("{request}\n").as_bytes());
        Self(BufReader::new(stream))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.0.read_line(&mut line).ok()?;
        (count > 0).then(|| line.trim_end().to_owned())
    }

    /// Hops and losses until the end, which has to be told.
    fn hops_and_losses(mut self) -> (u64, u64) {
        let (mut hops, mut lost, mut ended) = (0, 0, false);
        while let Some(line) = self.line() {
            let line: Value = serde_json::from_str(&line).expect("JSON");
            assert!(!ended, "nothing follows the end: {line}");
            match line["type"].as_str().expect("a type") {
                "event" => hops += u64::from(line["topic"] == "hop"),
                "lost" => lost += line["count"].as_u64().expect("a count"),
                "end" => ended = true,
                // Such as that the stamper's own ring was full.
                "note" => {}
                other => panic!("{other}: {line}"),
            }
        }
        assert!(ended);
        (hops, lost)
    }
}

const EVERYTHING: &str = "subscribe events severity=debug";

#[test]
fn subscribers_that_stop_go_or_talk_rubbish_cost_nobody_but_themselves() {
    const HOPS: u64 = 60_000;
    with_collector(|path, hub, mut stamper, finish| {
        let never_reads = Subscriber::join(path, EVERYTHING);
        let goes = Subscriber::join(path, EVERYTHING);
        let mut talks = Subscriber::join(path, EVERYTHING);
        let reads = Subscriber::join(path, EVERYTHING);
        let reading = std::thread::spawn(|| reads.hops_and_losses());
        // More than the kernel keeps for somebody who does not read it, so that its writer may not wait.
        talks.0.get_mut().set_nonblocking(true).expect("a socket");
        while talks.0.get_mut().write(&[0xff; 4096]).is_ok() {}
        talks.0.get_mut().set_nonblocking(false).expect("a socket");
        let talking = std::thread::spawn(|| talks.hops_and_losses());
        let mut goes = Some(goes);
        for seq in 0..HOPS {
            let now = Monotonic::now();
            while !stamper.stamp(Hop::Capture, FrameId { service: 1, seq }, now, now) {
                std::thread::yield_now();
            }
            if seq == HOPS / 2 {
                goes = None;
            }
        }
        drop((stamper, goes));
        let report = finish();
        assert_eq!(report.hops.count(Hop::Capture), HOPS, "the collector has taken everything");
        assert!(!report.cut_short);
        // Losses of the stamper's own ring are events of the collector's, not of these hops.
        for (who, (hops, lost)) in [
            ("reads", reading.join().expect("no panic")),
            ("talks", talking.join().expect("no panic")),
            ("never reads until now", never_reads.hops_and_losses()),
        ] {
            assert!(hops + lost >= HOPS && hops <= HOPS, "{who}: {hops} heard, {lost} told as lost, of {HOPS}");
        }
        hub.wait_for_ends(PATIENCE);
        assert_eq!(hub.subscribers().0, 0);
    });
}

#[test]
fn the_end_of_a_run_waits_for_those_who_read_and_not_for_one_that_is_stopped() {
    with_collector(|path, hub, mut stamper, finish| {
        let stopped = Subscriber::join(path, EVERYTHING);
        let told = std::sync::atomic::AtomicBool::new(false);
        let telling = std::thread::scope(|scope| {
            let (told, stamper) = (&told, &mut stamper);
            scope.spawn(move || {
                let mut seq = 0;
                while !told.load(std::sync::atomic::Ordering::Relaxed) {
                    let now = Monotonic::now();
                    stamper.stamp(Hop::Capture, FrameId { service: 1, seq }, now, now);
                    seq += 1;
                    std::thread::yield_now();
                }
            });
            let begun = Monotonic::now();
            // Over only when nobody is left to wait for: it takes nothing any more.
            hub.wait_for_ends(PATIENCE);
            told.store(true, std::sync::atomic::Ordering::Relaxed);
            begun.elapsed()
        });
        assert!(telling < PATIENCE && hub.subscribers().0 == 1, "it still holds its place");
        let reads = Subscriber::join(path, EVERYTHING);
        drop(stamper);
        finish();
        reads.hops_and_losses();
        hub.wait_for_ends(PATIENCE);
        assert_eq!(hub.subscribers().0, 1, "who reads has heard the end, the other keeps nobody");
        let (hops, lost) = stopped.hops_and_losses();
        assert!(hops > 0 && lost > 0, "and goes on where it was: {hops} heard, {lost} lost");
    });
}

#[test]
fn a_hundred_subscribers_are_turned_away_with_a_word_and_places_come_back() {
    with_collector(|path, hub, _stamper, finish| {
        let mut all: Vec<Subscriber> = (0..100).map(|_| Subscriber::ask(path, EVERYTHING)).collect();
        let answers: Vec<String> = all.iter_mut().filter_map(Subscriber::line).collect();
        let served = answers.iter().filter(|answer| *answer == "ok").count();
        assert_eq!(served, MOST_SUBSCRIBERS, "{answers:?}");
        let told = |what: &str| answers.iter().filter(|answer| answer.contains(what)).count();
        assert!(told("8 subscribers are served already") > 0 && told("too many connections") > 0, "{answers:?}");
        drop(all);
        let give_up = Monotonic::now().plus(PATIENCE);
        while hub.subscribers().0 > 0 {
            assert!(Monotonic::now() < give_up, "places come back");
            std::thread::sleep(Duration::from_millis(5));
        }
        let one = Subscriber::join(path, "subscribe events");
        finish();
        assert_eq!(one.hops_and_losses(), (0, 0));
        assert_eq!(Subscriber::ask(path, EVERYTHING).line().as_deref(), Some("error: the run is over"));
    });
}

#[test]
fn one_socket_answers_commands_and_requests_and_says_what_is_wrong_with_them() {
    with_collector(|path, hub, _stamper, finish| {
        let mut client = Client::connect(path).expect("a client");
        let who = client.send("who").expect("answered").expect("an answer");
        assert_eq!(serde_json::from_str::<telemetry::subscribe::Who>(&who.said).expect("JSON"), hub.who());
        for (request, said) in [
            ("rate up 3", "is no command; expected who, subscribe"),
            ("subscribe", "\"\" is nothing to subscribe to"),
            ("subscribe everything", "\"everything\" is nothing to subscribe to; expected events"),
            ("subscribe events topic=hops", "no topic is called \"hops\""),
            ("subscribe snapshots often", "\"often\" is too much"),
            ("who are you", "\"are you\" is too much"),
        ] {
            let answer = client.send(request).expect("answered").expect("an answer");
            assert!(!answer.ok && answer.said.contains(said), "{request}: {answer:?}");
        }
        // Subscribed all along, it hears of the refusals; what is said to it afterwards is not read.
        let mut stream = UnixStream::connect(path).expect("it listens");
        stream.write_all(b"subscribe events topic=command\n\xff\x00 rubbish\nrate up 3\n").expect("written");
        stream.shutdown(std::net::Shutdown::Write).expect("nothing more");
        let mut reader = BufReader::new(stream);
        let mut said = String::new();
        reader.read_line(&mut said).expect("an answer");
        assert_eq!(said, "ok\n");
        finish();
        reader.read_to_string(&mut said).expect("text");
        assert!(said.contains("refused at the control socket"), "{said}");
        assert!(said.trim_end().lines().last().is_some_and(|line| line.contains("\"end\"")), "{said}");
    });
}

#[test]
fn snapshots_come_at_once_and_have_what_the_collector_knows() {
    with_collector(|path, _, mut stamper, finish| {
        let now = Monotonic::now();
        assert!(stamper.stamp(Hop::Capture, FrameId { service: 1, seq: 1 }, now, now.plus(Duration::from_millis(3))));
        let mut subscriber = Subscriber::join(path, "subscribe snapshots");
        let picture = loop {
            let line = subscriber.line().expect("a line");
            let picture: telemetry::subscribe::Picture = serde_json::from_str(&line).expect("a snapshot");
            if !picture.hops.is_empty() {
                break picture;
            }
        };
        assert_eq!((picture.hops[0].hop.as_str(), picture.hops[0].count), ("capture", 1));
        assert!((picture.hops[0].p50_ms - 3.0).abs() < 0.01);
        assert_eq!((picture.rings[0].ring.as_str(), picture.rings[0].capacity), ("camera", 1 << 14));
        assert!(picture.rings[0].most_waiting >= 1 && !picture.threads.is_empty());
        assert_eq!((picture.subscribers, picture.who.pid), (1, std::process::id()));
        drop(stamper);
        finish();
    });
}
