//! Subsystems that note down what is done to them, and what the supervisor does to them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::lifecycle::{Cause, Heartbeat, Loss, OnLoss, Refusal, Report, State, Subsystem, Supervisor, Watch, Why};
use crate::threads::ThreadEnd;

pub(super) const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn at(ms: u64) -> Monotonic {
    Monotonic::from_ns(ms * 1_000_000)
}

/// What a scripted subsystem does, and what was done to all of them.
#[derive(Default)]
pub(super) struct Script {
    pub(super) start_fails: Cell<bool>,
    pub(super) stop_fails: Cell<bool>,
    pub(super) up: Cell<bool>,
    pub(super) ends: RefCell<VecDeque<ThreadEnd>>,
    pub(super) heartbeat: RefCell<Heartbeat>,
}

pub(super) struct Scripted {
    pub(super) name: &'static str,
    pub(super) on_loss: OnLoss,
    pub(super) script: Rc<Script>,
    pub(super) journal: Rc<RefCell<Vec<String>>>,
}

impl Subsystem for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn start(&mut self, watch: &mut Watch, now: Monotonic) -> Result<(), String> {
        if self.script.start_fails.get() {
            return Err("no device".into());
        }
        assert!(!self.script.up.replace(true), "{} is started twice", self.name);
        self.journal.borrow_mut().push(format!("+{}", self.name));
        *self.script.heartbeat.borrow_mut() = watch.add(self.name, LIMIT, self.on_loss, now);
        Ok(())
    }

    fn stop(&mut self, watch: &mut Watch) -> Result<(), String> {
        assert!(self.script.up.replace(false), "{} is stopped twice", self.name);
        self.journal.borrow_mut().push(format!("-{}", self.name));
        self.script.ends.borrow_mut().clear();
        watch.remove(self.name);
        if self.script.stop_fails.get() { Err("stuck".into()) } else { Ok(()) }
    }

    fn take_ended(&mut self) -> Option<(String, ThreadEnd)> {
        self.script.ends.borrow_mut().pop_front().map(|end| (self.name.to_owned(), end))
    }
}

/// A supervisor of three scripted subsystems: two that it can do without, and `core`.
pub(super) struct Stage {
    pub(super) supervisor: Supervisor,
    pub(super) scripts: Vec<Rc<Script>>,
    pub(super) journal: Rc<RefCell<Vec<String>>>,
    pub(super) reports: Rc<RefCell<Vec<Report>>>,
}

pub(super) const NAMES: [(&str, OnLoss); 3] =
    [("camera", OnLoss::Degrade), ("detector", OnLoss::Degrade), ("core", OnLoss::Fault)];

impl Stage {
    pub(super) fn new() -> Self {
        let (journal, reports) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
        let scripts: Vec<Rc<Script>> = NAMES.iter().map(|_| Rc::default()).collect();
        let subsystems = NAMES.iter().zip(&scripts).map(|(&(name, on_loss), script)| {
            let (script, journal) = (Rc::clone(script), Rc::clone(&journal));
            Box::new(Scripted { name, on_loss, script, journal }) as Box<dyn Subsystem>
        });
        let heard = Rc::clone(&reports);
        let supervisor = Supervisor::new(subsystems.collect(), move |report| heard.borrow_mut().push(report.clone()));
        Self { supervisor: supervisor.expect("distinct names"), scripts, journal, reports }
    }

    pub(super) fn running() -> Self {
        let mut stage = Self::new();
        stage.supervisor.initialise(at(0)).expect("starts");
        stage.supervisor.run(at(0)).expect("runs");
        stage
    }

    /// Rounds every 100 ms up to `until_ms`, in which all but `silent` beat.
    pub(super) fn live(&mut self, from_ms: u64, until_ms: u64, silent: &[usize]) {
        for ms in (from_ms..=until_ms).step_by(100) {
            for (_, script) in self.scripts.iter().enumerate().filter(|(index, _)| !silent.contains(index)) {
                script.heartbeat.borrow().beat(at(ms));
            }
            self.supervisor.observe(at(ms));
        }
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.reports.borrow_mut().drain(..).map(|report| report.to_string()).collect()
    }

    pub(super) fn journal(&self) -> String {
        self.journal.borrow_mut().drain(..).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_run_goes_up_in_order_and_down_in_the_reverse() {
    let mut stage = Stage::running();
    assert_eq!(stage.supervisor.drain("the time is up"), State::Off);
    assert_eq!(stage.journal(), "+camera +detector +core -core -detector -camera");
    let expected = [
        "off → initialising: asked to start",
        "initialising → ready: done",
        "ready → running: asked to work",
        "running → draining: the time is up",
        "draining → off: done",
    ];
    assert_eq!(stage.told(), expected);
    // And once more, from off.
    stage.supervisor.initialise(at(10)).expect("starts again");
    assert_eq!(stage.supervisor.drain("enough"), State::Off);
}

#[test]
fn the_stop_order_can_be_another_and_has_to_be_whole() {
    let stage = Stage::new();
    let Stage { supervisor, journal, .. } = stage;
    let mut supervisor = supervisor.stopping_in(&["camera", "core", "detector"]).expect("whole");
    supervisor.initialise(at(0)).expect("starts");
    supervisor.drain("enough");
    assert_eq!(journal.borrow()[3..], ["-camera", "-core", "-detector"]);
    for wrong in [&["camera", "core"][..], &["camera", "core", "core"], &["camera", "core", "detector", "engine"]] {
        let refusal = Stage::new().supervisor.stopping_in(wrong).err();
        assert!(matches!(refusal, Some(Refusal::StopOrder { .. })), "{wrong:?}");
    }
    let twice = |name| {
        let (script, journal) = (Rc::default(), Rc::default());
        Box::new(Scripted { name, on_loss: OnLoss::Fault, script, journal }) as Box<dyn Subsystem>
    };
    let refusal = Supervisor::new(vec![twice("camera"), twice("camera")], |_| {}).err();
    assert_eq!(refusal, Some(Refusal::NameTwice { name: "camera".into() }));
}

#[test]
fn a_start_that_fails_takes_down_what_runs_and_is_a_fault_until_reset() {
    let mut stage = Stage::new();
    stage.scripts[2].start_fails.set(true);
    let refusal = stage.supervisor.initialise(at(0));
    assert_eq!(refusal, Err(Refusal::NotStarted { subsystem: "core".into(), reason: "no device".into() }));
    assert_eq!(stage.journal(), "+camera +detector -detector -camera");
    assert_eq!(stage.told()[1..], ["initialising → fault: core did not start: no device"]);
    let again = stage.supervisor.initialise(at(1));
    assert_eq!(again, Err(Refusal::State { state: State::Fault, why: Why::InFault }));
    stage.scripts[2].start_fails.set(false);
    stage.supervisor.reset("looked at").expect("there is a fault");
    stage.supervisor.initialise(at(2)).expect("starts");
    assert_eq!(stage.supervisor.state(), State::Ready);
    let refusal = stage.supervisor.reset("nothing is wrong");
    assert_eq!(refusal, Err(Refusal::State { state: State::Ready, why: Why::NoFault }));
}

#[test]
fn a_stop_that_fails_is_a_fault_and_the_others_are_stopped_all_the_same() {
    let mut stage = Stage::running();
    stage.scripts[1].stop_fails.set(true);
    stage.told();
    assert_eq!(stage.supervisor.drain("the time is up"), State::Fault);
    assert!(stage.journal().ends_with("-core -detector -camera"));
    let expected =
        ["running → draining: the time is up", "draining → fault: detector did not stop as it should: stuck"];
    assert_eq!(stage.told(), expected);
}

#[test]
fn a_missed_heartbeat_degrades_and_its_return_restores() {
    let mut stage = Stage::running();
    stage.told();
    stage.live(0, 5_000, &[1]);
    assert_eq!(stage.supervisor.state(), State::Running, "the limit is not exceeded yet");
    stage.live(5_100, 9_000, &[1]);
    assert_eq!(stage.told(), ["running → degraded: detector missed its heartbeat (5.1 s)"], "told once");
    stage.live(9_100, 9_500, &[]);
    assert_eq!(stage.told(), ["degraded → running: detector beats again"]);
}

#[test]
fn two_losses_are_over_when_both_are() {
    let mut stage = Stage::running();
    stage.told();
    stage.live(0, 5_200, &[1]);
    stage.live(5_300, 10_300, &[0, 1]);
    stage.live(10_400, 10_400, &[0]);
    assert_eq!(stage.supervisor.state(), State::Degraded);
    stage.live(10_500, 10_500, &[]);
    assert_eq!(stage.supervisor.state(), State::Running);
    let expected = [
        "running → degraded: detector missed its heartbeat (5.1 s)",
        "degraded: camera missed its heartbeat (5.1 s) (the system is degraded already)",
        "degraded: detector beats again",
        "degraded → running: camera beats again",
    ];
    assert_eq!(stage.told(), expected);
}

#[test]
fn a_loss_it_cannot_do_without_is_a_fault_with_everything_stopped() {
    let mut stage = Stage::running();
    stage.told();
    stage.live(0, 5_200, &[2]);
    assert_eq!(stage.supervisor.state(), State::Fault);
    assert_eq!(stage.told(), ["running → fault: core missed its heartbeat (5.1 s)"]);
    assert!(stage.journal().ends_with("-core -detector -camera"));
    assert_eq!(stage.supervisor.drain("too late"), State::Fault, "left by a reset only");
}

#[test]
fn a_panic_degrades_for_good_or_is_a_fault() {
    let mut stage = Stage::running();
    stage.told();
    stage.scripts[0].ends.borrow_mut().push_back(ThreadEnd::Panicked("index".into()));
    stage.live(100, 20_000, &[0]);
    assert_eq!(stage.told(), ["running → degraded: camera panicked: index"], "told once, and never back");
    stage.scripts[2].ends.borrow_mut().push_back(ThreadEnd::Done);
    stage.live(20_100, 20_200, &[]);
    assert_eq!(stage.told(), ["degraded → fault: core ended by itself"]);
}

#[test]
fn what_is_lost_before_the_work_begins_is_told_then_and_when_it_does() {
    let mut stage = Stage::new();
    stage.supervisor.initialise(at(0)).expect("starts");
    stage.scripts[1].ends.borrow_mut().push_back(ThreadEnd::Failed("no model".into()));
    stage.supervisor.observe(at(1));
    assert_eq!(stage.supervisor.state(), State::Ready);
    stage.told();
    stage.supervisor.run(at(2)).expect("runs");
    assert_eq!(stage.told(), ["ready → running: asked to work", "running → degraded: detector failed: no model"]);
}

#[test]
fn a_thread_nobody_entered_is_nothing_to_do_without() {
    let cause = Watch::default().ended("stranger", ThreadEnd::Done);
    let loss = Loss::Ended(ThreadEnd::Done);
    assert_eq!(cause, crate::lifecycle::Sign::Lost { thread: "stranger".into(), loss, on_loss: OnLoss::Fault });
}

#[test]
fn a_supervisor_kept_from_its_rounds_says_so_and_blames_nobody() {
    let mut stage = Stage::running();
    stage.live(0, 1_000, &[]);
    stage.told();
    stage.supervisor.observe(at(60_000));
    let blind = Report::Stays { state: State::Running, cause: Cause::Blind(Duration::from_secs(59)), why: None };
    assert_eq!(*stage.reports.borrow(), [blind]);
    stage.live(60_100, 65_000, &[1]);
    assert_eq!(stage.supervisor.state(), State::Running, "everybody has a full limit again");
    stage.live(65_100, 65_200, &[1]);
    assert_eq!(stage.supervisor.state(), State::Degraded, "and no more than that");
}
