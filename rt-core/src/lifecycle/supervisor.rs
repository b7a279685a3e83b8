//! The one entry for control: starts, watches and stops every subsystem, on one thread, synchronously.

mod by_hand;
mod refusal;

use super::{Answer, Cause, Event, OnLoss, Report, Sign, State, Subsystem, Watch, answer};
use crate::clock::Monotonic;
use crate::threads::Thread;

pub use by_hand::Hand;
pub use refusal::Refusal;

struct Unit {
    subsystem: Box<dyn Subsystem>,
    up: bool,
}

/// Owns the state, the subsystems and the watch over their threads.
///
/// Whoever owns it calls [`Supervisor::observe`] in each round; everything that happens is told to the log it was made
/// with, at the moment it happens.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use rt_core::lifecycle::{State, Supervisor};
/// let mut supervisor = Supervisor::new(vec![], |report| eprintln!("state: {report}"))?;
/// supervisor.initialise(Monotonic::now())?;
/// supervisor.run(Monotonic::now())?;
/// assert_eq!(supervisor.observe(Monotonic::now()), State::Running);
/// assert_eq!(supervisor.drain("the example is over"), State::Off);
/// # Ok::<(), rt_core::lifecycle::Refusal>(())
/// ```
pub struct Supervisor {
    units: Vec<Unit>,
    /// Positions in `units`.
    stop_order: Vec<usize>,
    state: State,
    watch: Watch,
    engineering: bool,
    tell: Box<dyn FnMut(&Report)>,
}

impl Supervisor {
    /// A system that is off. Subsystems are started in the order given and stopped in the reverse; `tell` gets every
    /// report.
    ///
    /// # Errors
    /// [`Refusal::NameTwice`].
    pub fn new(subsystems: Vec<Box<dyn Subsystem>>, tell: impl FnMut(&Report) + 'static) -> Result<Self, Refusal> {
        for (index, subsystem) in subsystems.iter().enumerate() {
            if subsystems.iter().take(index).any(|other| other.name() == subsystem.name()) {
                return Err(Refusal::NameTwice { name: subsystem.name().to_owned() });
            }
        }
        Ok(Self {
            stop_order: (0..subsystems.len()).rev().collect(),
            units: subsystems.into_iter().map(|subsystem| Unit { subsystem, up: false }).collect(),
            state: State::Off,
            watch: Watch::default(),
            engineering: false,
            tell: Box::new(tell),
        })
    }

    /// Has subsystems stop in the order of these names instead.
    ///
    /// # Errors
    /// [`Refusal::StopOrder`], where it does not name each of them once.
    pub fn stopping_in(mut self, order: &[&str]) -> Result<Self, Refusal> {
        let places: Vec<usize> = order.iter().filter_map(|name| self.place(name)).collect();
        let once = (0..self.units.len()).all(|unit| places.iter().filter(|&&place| place == unit).count() == 1);
        if places.len() != order.len() || !once {
            let order = order.iter().map(|&name| name.to_owned()).collect();
            return Err(Refusal::StopOrder { order, known: self.names(|_| true) });
        }
        self.stop_order = places;
        Ok(self)
    }

    /// Where the system stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The watch, such as for the period its rounds should have.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Every running thread, in the order of the start.
    pub fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.units.iter().flat_map(|unit| unit.subsystem.threads())
    }

    /// Starts every subsystem that is not up; with the last of them the system is ready. Where one does not start,
    /// those that run are stopped again, and the system is in fault.
    ///
    /// # Errors
    /// [`Refusal`]: the state or engineering mode forbids it, or a subsystem did not start.
    pub fn initialise(&mut self, now: Monotonic) -> Result<(), Refusal> {
        self.order(Event::Initialise, "asked to start")?;
        for unit in &mut self.units {
            if unit.up {
                continue;
            }
            match unit.subsystem.start(&mut self.watch, now) {
                Ok(()) => unit.up = true,
                Err(reason) => {
                    let subsystem = unit.subsystem.name().to_owned();
                    self.fault(Cause::NotStarted { subsystem: subsystem.clone(), reason: reason.clone() });
                    return Err(Refusal::NotStarted { subsystem, reason });
                }
            }
        }
        self.happen(Event::Initialised, Cause::Done);
        Ok(())
    }

    /// Lets the system work; from now on every thread has to give its signs of life.
    ///
    /// # Errors
    /// [`Refusal`]: the state or engineering mode forbids it, or not every subsystem is up.
    pub fn run(&mut self, now: Monotonic) -> Result<(), Refusal> {
        let down = self.names(|unit| !unit.up);
        if self.state == State::Ready && !down.is_empty() {
            return Err(Refusal::NotAllUp { down });
        }
        self.order(Event::Run, "asked to work")?;
        self.watch.begin(now);
        // What was lost before the work began is a loss to the work.
        let lost =
            self.watch.lost().map(|(thread, loss)| Cause::Lost { thread: thread.to_owned(), loss: loss.clone() });
        for cause in lost.collect::<Vec<_>>() {
            self.happen(Event::Degrade, cause);
        }
        Ok(())
    }

    /// One round: learns of every thread that has ended or missed its heartbeat, acts on it, and says where that
    /// leaves the system. A fault stops every subsystem before this returns.
    pub fn observe(&mut self, now: Monotonic) -> State {
        let mut signs = Vec::new();
        for unit in &mut self.units {
            while let Some((thread, end)) = unit.subsystem.take_ended() {
                signs.push(self.watch.ended(&thread, end));
            }
        }
        if self.state.is_at_work() {
            signs.extend(self.watch.round(now));
        }
        for sign in signs {
            match sign {
                Sign::Lost { thread, loss, on_loss } => {
                    let cause = Cause::Lost { thread, loss };
                    match on_loss {
                        OnLoss::Degrade => self.happen(Event::Degrade, cause),
                        OnLoss::Fault => self.fault(cause),
                    }
                }
                Sign::Back { thread } if self.watch.lost().next().is_none() => {
                    self.happen(Event::Recover, Cause::Back { thread });
                }
                Sign::Back { thread } => self.mention(Cause::Back { thread }),
                Sign::Blind(gap) => self.mention(Cause::Blind(gap)),
            }
        }
        self.state
    }

    /// Stops every subsystem, in order; off, or in fault where one did not stop as it should. `reason` is for the log.
    pub fn drain(&mut self, reason: &str) -> State {
        self.happen(Event::Drain, Cause::Asked(reason.to_owned()));
        if self.state == State::Draining {
            self.stop_all();
            // A subsystem that did not stop as it should has made it a fault, which this does not change.
            if self.state == State::Draining {
                self.happen(Event::Drained, Cause::Done);
            }
        }
        self.state
    }

    /// Leaves a fault: the system is off and may be started again.
    ///
    /// # Errors
    /// [`Refusal::State`], where there is no fault.
    pub fn reset(&mut self, reason: &str) -> Result<(), Refusal> {
        match answer(self.state, Event::Reset) {
            Answer::Next(_) => {
                self.happen(Event::Reset, Cause::Asked(reason.to_owned()));
                Ok(())
            }
            Answer::Refused(why) | Answer::Ignored(why) => Err(Refusal::State { state: self.state, why }),
        }
    }

    /// A command of a person: what the state does not allow is refused, not just told.
    fn order(&mut self, event: Event, reason: &str) -> Result<(), Refusal> {
        if self.engineering {
            return Err(Refusal::Engineering);
        }
        match answer(self.state, event) {
            Answer::Next(_) => {
                self.happen(event, Cause::Asked(reason.to_owned()));
                Ok(())
            }
            Answer::Refused(why) | Answer::Ignored(why) => Err(Refusal::State { state: self.state, why }),
        }
    }

    /// Takes an event to the table and tells what came of it.
    fn happen(&mut self, event: Event, cause: Cause) {
        let from = self.state;
        let report = match answer(from, event) {
            Answer::Next(to) => {
                self.state = to;
                Report::Changed { from, to, cause }
            }
            Answer::Refused(why) | Answer::Ignored(why) => Report::Stays { state: from, cause, why: Some(why) },
        };
        (self.tell)(&report);
    }

    fn mention(&mut self, cause: Cause) {
        (self.tell)(&Report::Stays { state: self.state, cause, why: None });
    }

    /// Nothing works on in a fault.
    fn fault(&mut self, cause: Cause) {
        self.happen(Event::Fail, cause);
        self.stop_all();
    }

    fn stop_all(&mut self) {
        for place in self.stop_order.clone() {
            let Some(unit) = self.units.get_mut(place).filter(|unit| unit.up) else { continue };
            unit.up = false;
            if let Err(reason) = unit.subsystem.stop(&mut self.watch) {
                let subsystem = unit.subsystem.name().to_owned();
                self.happen(Event::Fail, Cause::NotStopped { subsystem, reason });
            }
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.units.iter().position(|unit| unit.subsystem.name() == name)
    }

    fn names(&self, which: impl Fn(&Unit) -> bool) -> Vec<String> {
        self.units.iter().filter(|unit| which(unit)).map(|unit| unit.subsystem.name().to_owned()).collect()
    }
}
