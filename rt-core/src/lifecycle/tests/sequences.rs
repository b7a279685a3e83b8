//! What holds after every step of any sequence: of events against the table, of orders and mishaps against the
//! supervisor.

use proptest::prelude::*;

use super::order::{NAMES, Stage, at};
use crate::lifecycle::{Answer, EVENTS, Event, Hand, OnLoss, Report, State, answer};
use crate::threads::ThreadEnd;

/// One thing that is done to a system, or happens to it.
#[derive(Clone, Debug)]
enum Step {
    Initialise,
    Run,
    Drain,
    Reset,
    Engineering(bool),
    Drive(usize, bool),
    /// A thread ends by itself; how.
    End(usize, u8),
    /// Rounds for this many times 100 ms, in which these are silent.
    Live(u64, [bool; 3]),
    /// No rounds for this many milliseconds.
    Sleep(u64),
    StartFails(usize, bool),
    StopFails(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Initialise),
        4 => Just(Step::Run),
        1 => Just(Step::Drain),
        2 => Just(Step::Reset),
        1 => any::<bool>().prop_map(Step::Engineering),
        1 => (0..4_usize, any::<bool>()).prop_map(|(which, up)| Step::Drive(which, up)),
        1 => (0..3_usize, 0..3_u8).prop_map(|(which, how)| Step::End(which, how)),
        6 => (1..80_u64, any::<[bool; 3]>()).prop_map(|(rounds, silent)| Step::Live(rounds, silent)),
        1 => (0..20_000_u64).prop_map(Step::Sleep),
        1 => (0..3_usize, any::<bool>()).prop_map(|(which, fails)| Step::StartFails(which, fails)),
        1 => (0..3_usize, any::<bool>()).prop_map(|(which, fails)| Step::StopFails(which, fails)),
    ]
}

fn take(stage: &mut Stage, step: &Step, now_ms: &mut u64) {
    match *step {
        Step::Initialise => drop(stage.supervisor.initialise(at(*now_ms))),
        Step::Run => drop(stage.supervisor.run(at(*now_ms))),
        Step::Drain => drop(stage.supervisor.drain("a step")),
        Step::Reset => drop(stage.supervisor.reset("a step")),
        Step::Engineering(on) => drop(stage.supervisor.set_engineering(on)),
        Step::Drive(which, up) => {
            let name = NAMES.get(which).map_or("stranger", |(name, _)| name);
            let hand = if up { Hand::Start } else { Hand::Stop };
            drop(stage.supervisor.drive(name, hand, at(*now_ms)));
        }
        Step::End(which, how) => {
            let script = &stage.scripts[which];
            if script.up.get() {
                let ends = [ThreadEnd::Done, ThreadEnd::Failed("a".into()), ThreadEnd::Panicked("b".into())];
                script.ends.borrow_mut().push_back(ends[usize::from(how)].clone());
            }
        }
        Step::Live(rounds, silent) => {
            let silent: Vec<usize> = (0..3).filter(|&which| silent[which]).collect();
            let until = *now_ms + 100 * rounds;
            stage.live(*now_ms, until, &silent);
            *now_ms = until;
        }
        Step::Sleep(ms) => *now_ms += ms,
        Step::StartFails(which, fails) => stage.scripts[which].start_fails.set(fails),
        Step::StopFails(which, fails) => stage.scripts[which].stop_fails.set(fails),
    }
}

proptest! {
    #[test]
    fn the_table_keeps_its_promises(events in prop::collection::vec(prop::sample::select(&EVENTS[..]), 0..200)) {
        let (mut state, mut started) = (State::Off, false);
        for event in events {
            let before = state;
            if let Answer::Next(next) = answer(state, event) {
                prop_assert_ne!(next, before, "a change changes something");
                state = next;
            }
            match state {
                State::Off | State::Initialising => started = false,
                State::Ready => started = true,
                State::Running | State::Degraded => prop_assert!(started, "work begins when everything has started"),
                State::Draining | State::Fault => {}
            }
            if before == State::Fault {
                prop_assert_eq!(state != State::Fault, event == Event::Reset);
            }
            if event == Event::Fail {
                prop_assert_eq!(state, State::Fault, "a failure is never passed over");
            }
            if before == State::Draining && state != before {
                prop_assert!(matches!(state, State::Off | State::Fault));
            }
        }
    }

    #[test]
    fn the_supervisor_keeps_its_promises(steps in prop::collection::vec(step(), 0..60)) {
        let (mut stage, mut now_ms) = (Stage::new(), 0);
        for step in &steps {
            let before = stage.supervisor.state();
            take(&mut stage, step, &mut now_ms);
            // In the round after a mishap at the latest, the state tells of it.
            let state = stage.supervisor.observe(at(now_ms));
            let up = |which: usize| stage.scripts[which].up.get();
            let lost: Vec<String> = stage.supervisor.watch().lost().map(|(name, _)| name.to_owned()).collect();
            match state {
                State::Running => {
                    prop_assert!((0..3).all(up), "running, and not everything is up, after {:?}", step);
                    prop_assert!(lost.is_empty(), "running, and {:?} lost, after {:?}", lost, step);
                }
                State::Degraded => {
                    prop_assert!((0..3).all(up) && !lost.is_empty(), "degraded by nothing, after {:?}", step);
                    let vital = |name: &String| NAMES.contains(&(name.as_str(), OnLoss::Fault));
                    prop_assert!(!lost.iter().any(vital), "{:?} lost, and no fault", lost);
                }
                State::Ready => prop_assert!((0..3).all(up) || stage.supervisor.state() == before || stage.supervisor.is_engineering()),
                State::Off | State::Fault => {
                    prop_assert!(stage.supervisor.is_engineering() || !(0..3).any(up), "{} with something up", state);
                }
                State::Initialising | State::Draining => prop_assert!(false, "left half way in {}", state),
            }
            if before == State::Fault && state != State::Fault {
                prop_assert!(matches!(step, Step::Reset), "out of the fault by {:?}", step);
            }
            // The reports are the whole history: each begins where the one before ended.
            let mut told = before;
            for report in stage.reports.borrow_mut().drain(..) {
                match report {
                    Report::Changed { from, to, .. } => {
                        prop_assert_eq!(from, told);
                        told = to;
                    }
                    Report::Stays { state, .. } => prop_assert_eq!(state, told),
                }
            }
            prop_assert_eq!(told, state, "a change that was not told, by {:?}", step);
        }
    }
}
