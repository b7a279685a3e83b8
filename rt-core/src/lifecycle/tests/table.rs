//! The table against one written down independently, from the specification's chain of states.

use crate::lifecycle::{Answer, EVENTS, Event, STATES, State, Why, answer};

/// One row per state, one column per event: the next state, `no` for refused, `-` for ignored.
const TABLE: &str = "
                Initialise   Initialised Run      Degrade   Recover  Fail   Drain     Drained  Reset
    Off         Initialising no          no       -         -        Fault  -         -        -
    Initialising -           Ready       no       -         -        Fault  Draining  no       -
    Ready       -            -           Running  -         -        Fault  Draining  no       -
    Running     -            -           -        Degraded  -        Fault  Draining  no       -
    Degraded    -            -           no       -         Running  Fault  Draining  no       -
    Draining    no           no          no       -         -        Fault  -         Off      -
    Fault       no           no          no       -         -        -      -         -        Off
";

fn cells() -> impl Iterator<Item = (State, Event, &'static str)> {
    let mut lines = TABLE.lines().filter(|line| !line.trim().is_empty()).map(str::split_whitespace);
    let events: Vec<Event> = lines.next().expect("a head").map(|name| named(&EVENTS, name)).collect();
    lines.flat_map(move |mut row| {
        let state = named(&STATES, row.next().expect("a state"));
        row.zip(events.clone()).map(move |(cell, event)| (state, event, cell)).collect::<Vec<_>>()
    })
}

fn named<T: Copy + std::fmt::Debug>(all: &[T], name: &str) -> T {
    *all.iter().find(|one| format!("{one:?}") == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn every_pair_has_the_answer_of_the_table() {
    let mut pairs = std::collections::HashSet::new();
    for (state, event, cell) in cells() {
        let expected = match cell {
            "no" => matches!(answer(state, event), Answer::Refused(_)),
            "-" => matches!(answer(state, event), Answer::Ignored(_)),
            next => answer(state, event) == Answer::Next(named(&STATES, next)),
        };
        assert!(expected, "{state:?}, {event:?}: {cell} expected, {:?} found", answer(state, event));
        pairs.insert((state, event));
    }
    assert_eq!(pairs.len(), STATES.len() * EVENTS.len(), "the table leaves a pair out");
}

#[test]
fn every_reason_is_one_that_holds_in_its_state() {
    for (state, event) in STATES.into_iter().flat_map(|state| EVENTS.map(|event| (state, event))) {
        let (Answer::Refused(why) | Answer::Ignored(why)) = answer(state, event) else { continue };
        let holds = match why {
            Why::IsOff => state == State::Off,
            Why::StillStarting => state == State::Initialising,
            Why::NotStarting => matches!(state, State::Off | State::Draining),
            Why::AlreadyUp => matches!(state, State::Ready | State::Running | State::Degraded),
            Why::NotAtWork => matches!(state, State::Initialising | State::Ready),
            Why::AlreadyRunning => state == State::Running,
            Why::IsDegraded | Why::AlreadyDegraded => state == State::Degraded,
            Why::NotDegraded => matches!(state, State::Initialising | State::Ready | State::Running),
            Why::StillDraining => state == State::Draining,
            Why::NotDraining => !matches!(state, State::Draining | State::Off | State::Fault),
            Why::InFault => state == State::Fault,
            Why::NoFault => state != State::Fault,
        };
        assert!(holds, "{state}, {event:?}: {why}");
    }
}

#[test]
fn the_chain_of_the_specification_leads_from_off_to_off() {
    let chain = [
        (Event::Initialise, State::Initialising),
        (Event::Initialised, State::Ready),
        (Event::Run, State::Running),
        (Event::Degrade, State::Degraded),
        (Event::Recover, State::Running),
        (Event::Degrade, State::Degraded),
        (Event::Drain, State::Draining),
        (Event::Drained, State::Off),
    ];
    let mut state = State::Off;
    for (event, next) in chain {
        assert_eq!(answer(state, event), Answer::Next(next), "{state}, {event:?}");
        state = next;
    }
}
