//! Real threads under a supervisor: one that stops beating, one that panics, one that does not end.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::lifecycle::{Body, Member, OnLoss, State, Subsystem, Supervisor, ThreadGroup};
use crate::threads::{CoreMap, Strictness, ThreadSpec};

/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(60);

type Told = Rc<RefCell<Vec<String>>>;

/// A supervisor of one group with these threads, at work, and the bell that its threads ring when they end.
fn at_work(limit: Duration, patience: Duration, members: Vec<(&str, OnLoss, Body)>) -> (Supervisor, Doorbell, Told) {
    let specs = members.iter().map(|(name, ..)| ThreadSpec::named(*name)).collect();
    let map = Rc::new(CoreMap::new(Strictness::BestEffort, specs).expect("a map"));
    let (bell, told) = (Doorbell::futex(), Told::default());
    let mut group = ThreadGroup::new("group", &map, &bell, patience);
    for (name, on_loss, body) in members {
        group = group.with(Member { thread: name.to_owned(), limit, on_loss, body });
    }
    let heard = Rc::clone(&told);
    let mut supervisor =
        Supervisor::new(vec![Box::new(group)], move |report| heard.borrow_mut().push(report.to_string())).expect("one");
    supervisor.initialise(Monotonic::now()).expect("starts");
    supervisor.run(Monotonic::now()).expect("runs");
    told.borrow_mut().clear();
    (supervisor, bell, told)
}

/// Rounds as a car's main thread makes them, until the state is `wanted`.
fn observe_until(supervisor: &mut Supervisor, bell: &Doorbell, wanted: State) {
    let until = Monotonic::now().plus(PATIENCE);
    while supervisor.state() != wanted {
        let (seen, now) = (bell.count(), Monotonic::now());
        assert!(now < until, "still {}", supervisor.state());
        if supervisor.observe(now) != wanted {
            let period = supervisor.watch().period().unwrap_or(PATIENCE);
            bell.wait_until(seen, now.plus(period));
        }
    }
}

fn well() -> Body {
    Box::new(|waiter, stop| {
        let bell = Doorbell::futex();
        stop.wakes(&bell);
        loop {
            let seen = bell.count();
            if stop.is_set() {
                return Ok(());
            }
            waiter.wait(&bell, seen, Monotonic::now().plus(Duration::from_secs(3600)));
        }
    })
}

/// Works on without a sign of life until `go_on` is set, and is well from then on.
fn stuck(go_on: &Arc<AtomicBool>) -> Body {
    let go_on = Arc::clone(go_on);
    Box::new(move |waiter, stop| {
        while !go_on.load(Ordering::Relaxed) && !stop.is_set() {
            std::thread::sleep(Duration::from_millis(1));
        }
        well()(waiter, stop)
    })
}

#[test]
fn a_thread_that_stops_beating_degrades_the_system_until_it_beats_again() {
    let go_on = Arc::new(AtomicBool::new(false));
    // A second, so that a crowded machine does not keep the well one or this one from it.
    let limit = Duration::from_secs(1);
    let members = vec![("well", OnLoss::Fault, well()), ("stuck", OnLoss::Degrade, stuck(&go_on))];
    let (mut supervisor, bell, told) = at_work(limit, PATIENCE, members);
    observe_until(&mut supervisor, &bell, State::Degraded);
    go_on.store(true, Ordering::Relaxed);
    observe_until(&mut supervisor, &bell, State::Running);
    assert_eq!(supervisor.drain("enough"), State::Off);
    let told = told.borrow();
    assert!(told.iter().any(|line| line.starts_with("running → degraded: stuck missed its heartbeat (")), "{told:?}");
    assert!(told.iter().any(|line| line == "degraded → running: stuck beats again"), "{told:?}");
}

#[test]
fn a_thread_that_stops_beating_is_a_fault_where_it_says_so_and_everything_stops() {
    let members = vec![("well", OnLoss::Degrade, well()), ("stuck", OnLoss::Fault, stuck(&Arc::default()))];
    let (mut supervisor, bell, told) = at_work(Duration::from_secs(1), PATIENCE, members);
    assert_eq!(supervisor.threads().count(), 2);
    observe_until(&mut supervisor, &bell, State::Fault);
    assert_eq!(supervisor.threads().count(), 0, "joined");
    let told = told.borrow();
    let fault = told.iter().any(|line| line.contains(" → fault: stuck missed its heartbeat ("));
    assert!(fault, "{told:?}");
}

#[test]
fn a_panic_is_seen_in_the_round_that_its_bell_begins() {
    let panics: Body = Box::new(|_, _| panic!("no such frame"));
    let members = vec![("well", OnLoss::Fault, well()), ("worker", OnLoss::Degrade, panics)];
    // The heartbeat would take an hour to be missed.
    let (mut supervisor, bell, told) = at_work(Duration::from_secs(3600), PATIENCE, members);
    observe_until(&mut supervisor, &bell, State::Degraded);
    assert_eq!(*told.borrow(), ["running → degraded: worker panicked: no such frame"]);
    assert_eq!(supervisor.drain("enough"), State::Off, "a loss that was told is no failure of the stop");
}

#[test]
fn a_failure_that_shows_only_at_the_end_is_a_fault() {
    let fails: Body = Box::new(|waiter, stop| well()(waiter, stop).and(Err("the last part was not written".into())));
    let (mut supervisor, _, told) =
        at_work(Duration::from_secs(3600), PATIENCE, vec![("writer", OnLoss::Degrade, fails)]);
    assert_eq!(supervisor.drain("enough"), State::Fault);
    let last = told.borrow().last().cloned();
    let expected = "draining → fault: group did not stop as it should: writer: the last part was not written";
    assert_eq!(last.as_deref(), Some(expected));
}

#[test]
fn a_thread_that_does_not_end_is_left_behind_and_told() {
    let release = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&release);
    let deaf: Body = Box::new(move |_, _| {
        while !held.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    let members = vec![("deaf", OnLoss::Degrade, deaf), ("well", OnLoss::Degrade, well())];
    let (mut supervisor, _, told) = at_work(Duration::from_secs(3600), Duration::from_millis(100), members);
    assert_eq!(supervisor.drain("enough"), State::Fault);
    release.store(true, Ordering::Relaxed);
    assert!(told.borrow().iter().any(|line| line.contains("deaf has not ended within 0.1 s")), "{:?}", told.borrow());
}

#[test]
fn a_group_that_cannot_start_leaves_none_of_its_threads() {
    let map = CoreMap::new(Strictness::BestEffort, vec![ThreadSpec::named("known")]).expect("a map");
    let (bell, mut watch) = (Doorbell::futex(), crate::lifecycle::Watch::default());
    let member =
        |thread: &str, body| Member { thread: thread.to_owned(), limit: PATIENCE, on_loss: OnLoss::Fault, body };
    let mut group = ThreadGroup::new("group", &Rc::new(map), &bell, PATIENCE)
        .with(member("known", well()))
        .with(member("unknown", well()));
    let refusal = group.start(&mut watch, Monotonic::now()).expect_err("not in the map");
    assert!(refusal.contains("no thread \"unknown\""), "{refusal}");
    assert_eq!((group.threads().len(), watch.period()), (0, None));
    let again = group.start(&mut watch, Monotonic::now()).expect_err("used up");
    assert!(again.contains("can be started once only"), "{again}");
}
