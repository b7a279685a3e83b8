use std::time::Duration;

use rt_core::clock::{ClockAnchor, Monotonic};
use serde_json::Value;

use super::*;
use crate::events::{Event, EventKind, EventSink};

fn hub() -> Hub {
    Hub::new("car", "0", ClockAnchor::now())
}

fn all() -> Wants {
    Wants::Events("severity=debug".parse().expect("a filter"))
}

fn at(ns: u64) -> Monotonic {
    Monotonic::from_ns(ns)
}

fn decided(ns: u64) -> Event {
    Event { seq: ns, service: 1, ..Event::new(EventKind::Decided, at(ns)) }
}

/// What has come by now; waits for nothing.
fn lines(subscription: &mut Subscription) -> Vec<Value> {
    let mut text = String::new();
    subscription.read(Monotonic::ZERO, &mut text);
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

fn topics(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["topic"].as_str().expect("a topic")).collect()
}

/// Gives out `events` and everything that was said.
fn tell(publisher: &mut Publisher, events: impl IntoIterator<Item = Event>) {
    drop(publisher.gather());
    let events: Vec<Event> = events.into_iter().collect();
    publisher.events(&events);
    publisher.settle(Monotonic::from_ns(u64::MAX / 2));
}

#[test]
fn events_and_notes_come_in_the_order_of_time_and_who_comes_later_hears_the_last_notes() {
    let hub = hub();
    let mut publisher = hub.publisher();
    publisher.begin(&["decisions-1".to_owned()]);
    let mut first = hub.subscribe(all()).expect("a place");
    hub.note(NoteKind::Peer, "car/a joined");
    let now = Monotonic::now().as_ns();
    drop(publisher.gather());
    publisher.events(&[decided(5)]);
    publisher.events(&[decided(now + 1)]);
    publisher.settle(at(now + 1));
    let heard = lines(&mut first);
    assert_eq!(topics(&heard), ["begin", "decided", "peer", "decided"]);
    assert!(heard.windows(2).skip(1).all(|pair| pair[0]["at_ns"].as_u64() <= pair[1]["at_ns"].as_u64()), "{heard:?}");
    assert_eq!(
        (&heard[1]["source"], &heard[1]["seq"], &heard[2]["text"]),
        (&"decisions-1".into(), &5.into(), &"car/a joined".into())
    );
    let mut later = hub.subscribe(all()).expect("a place");
    tell(&mut publisher, []);
    let heard = lines(&mut later);
    assert_eq!(topics(&heard), ["begin", "peer"]);
    assert_eq!(heard[0]["after_ns"].as_u64(), Some(now + 1), "what came before is in the log's files");
    assert!(lines(&mut first).is_empty());
}

#[test]
fn each_hears_what_it_asked_for() {
    let hub = hub();
    let mut publisher = hub.publisher();
    let wants = |words: &str| Wants::Events(words.parse().expect("a filter"));
    let mut warnings = hub.subscribe(wants("severity=warning")).expect("a place");
    let mut gateway = hub.subscribe(wants("subsystem=gate*")).expect("a place");
    let mut pictures = hub.subscribe(Wants::Pictures).expect("a place");
    hub.note(NoteKind::Peer, "joined");
    hub.note(NoteKind::Loss, "three rows");
    tell(&mut publisher, [decided(1), Event::new(EventKind::Dropped, at(2))]);
    assert_eq!(topics(&lines(&mut warnings)), ["begin", "dropped", "loss"]);
    assert_eq!(topics(&lines(&mut gateway)), ["begin", "peer"]);
    assert_eq!(topics(&lines(&mut pictures)), ["begin"]);
}

#[test]
fn who_reads_too_slowly_loses_its_own_and_is_told_how_many() {
    let hub = hub();
    let mut publisher = hub.publisher();
    let mut slow = hub.subscribe(all()).expect("a place");
    let mut quick = hub.subscribe(all()).expect("a place");
    const ALL: u64 = 3 * QUEUE as u64;
    let mut heard_by_quick = 0;
    for seq in 0..ALL {
        tell(&mut publisher, [decided(seq)]);
        if seq % 1_000 == 999 {
            heard_by_quick += lines(&mut quick).iter().filter(|line| line["type"] == "event").count() as u64;
        }
    }
    heard_by_quick += lines(&mut quick).iter().filter(|line| line["type"] == "event").count() as u64;
    assert_eq!((heard_by_quick, quick.lost()), (ALL, 0), "the slow one costs the other nothing");
    let heard = lines(&mut slow);
    let events = heard.iter().filter(|line| line["type"] == "event").count() as u64;
    let last = heard.last().expect("lines");
    assert_eq!((last["type"].as_str(), last["count"].as_u64()), (Some("lost"), Some(ALL - events)));
    assert_eq!(events, QUEUE as u64 - 1, "its queue had room for the beginning and these");
    assert_eq!(hub.subscribers(), (2, ALL - events));
    tell(&mut publisher, [decided(ALL)]);
    assert_eq!(topics(&lines(&mut slow)), ["decided"], "it goes on from there, and a loss is told once");
}

#[test]
fn the_end_is_told_to_all_even_to_those_who_never_heard_the_beginning() {
    let hub = hub();
    let mut publisher = hub.publisher();
    let mut one = hub.subscribe(all()).expect("a place");
    tell(&mut publisher, [decided(1)]);
    let mut other = hub.subscribe(all()).expect("a place");
    hub.note(NoteKind::Loss, "the last words");
    drop(publisher);
    assert_eq!(topics(&lines(&mut one)), ["begin", "decided", "loss", "end"]);
    assert_eq!(topics(&lines(&mut other)), ["end"]);
    assert!(!other.read(Monotonic::ZERO, &mut String::new()), "nothing follows the end");
    assert_eq!(hub.subscribe(all()).err(), Some(NoSubscription::Over));
}

#[test]
fn there_are_so_many_places_and_those_who_go_leave_theirs() {
    let hub = hub();
    let mut publisher = hub.publisher();
    let mut held: Vec<Subscription> = (0..MOST_SUBSCRIBERS).map(|_| hub.subscribe(all()).expect("a place")).collect();
    assert_eq!(hub.subscribe(all()).err(), Some(NoSubscription::Full));
    drop(publisher.gather());
    held.pop();
    assert!(hub.subscribe(all()).is_ok());
    held.clear();
    drop(publisher.gather());
    assert!(!publisher.is_heard(), "nothing is put into queues that nobody reads");
    hub.wait_for_ends(Duration::from_secs(60));
    assert_eq!(hub.subscribers().0, 0);
}

#[test]
fn a_reader_sleeps_until_something_comes() {
    let hub = hub();
    let mut publisher = hub.publisher();
    let mut subscription = hub.subscribe(all()).expect("a place");
    let reader = std::thread::spawn(move || {
        let (mut text, patience) = (String::new(), Monotonic::now().plus(Duration::from_secs(60)));
        while subscription.read(patience, &mut text) && !text.contains("\"decided\"") {}
        text
    });
    tell(&mut publisher, []);
    tell(&mut publisher, [decided(1)]);
    assert!(reader.join().expect("no panic").contains("\"decided\""));
}

#[test]
fn notes_that_nobody_fetches_are_bounded_and_the_rest_is_counted() {
    let hub = hub();
    (0..5_000).for_each(|number| hub.note(NoteKind::Refused, format!("number {number}")));
    let mut publisher = hub.publisher();
    let mut subscription = hub.subscribe(all()).expect("a place");
    tell(&mut publisher, []);
    let heard = lines(&mut subscription);
    let last = heard.last().expect("lines")["text"].as_str().expect("text").to_owned();
    assert_eq!(last, "3976 notes were more than could be told at once");
    assert_eq!(heard.len(), 1 + 1_024 + 1);
}

#[test]
fn names_of_odd_characters_are_still_json() {
    let hub = hub();
    hub.settle(std::path::Path::new("/runs/odd \"dir\"\n\u{1f697}"), vec!["left\u{0}".to_owned()]);
    let mut publisher = hub.publisher();
    publisher.begin(&["odd \"ring\"\n".to_owned()]);
    let mut subscription = hub.subscribe(all()).expect("a place");
    hub.note(NoteKind::Refused, "peer said \"\u{1b}[2J\n\"");
    tell(&mut publisher, [decided(1)]);
    let heard = lines(&mut subscription);
    assert_eq!((heard.len(), &heard[1]["source"]), (3, &"odd \"ring\"\n".into()));
    assert!(hub.who().run_dir.expect("told").ends_with("odd \"dir\"\n\u{1f697}"));
}
