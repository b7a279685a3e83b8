//! The states, the events, and the table that answers every pair of them.

/// Where the system stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing runs.
    Off,
    /// Subsystems are being started.
    Initialising,
    /// Every subsystem has started; nothing is asked of them yet.
    Ready,
    /// At work.
    Running,
    /// At work without something that it can do without.
    Degraded,
    /// Subsystems are being stopped; what is under way is finished.
    Draining,
    /// Something failed that nothing makes up for. Left by a reset only.
    Fault,
}

/// What happens to the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Asked to start its subsystems.
    Initialise,
    /// Every subsystem has started.
    Initialised,
    /// Asked to work.
    Run,
    /// Something it can do without was lost.
    Degrade,
    /// All that was lost is back.
    Recover,
    /// Something it cannot do without was lost, or a start or a stop failed.
    Fail,
    /// Asked to stop.
    Drain,
    /// Every subsystem has stopped.
    Drained,
    /// A person, or whoever is responsible, takes note of the fault.
    Reset,
}

/// Every state.
pub const STATES: [State; 7] =
    [State::Off, State::Initialising, State::Ready, State::Running, State::Degraded, State::Draining, State::Fault];

/// Every event.
pub const EVENTS: [Event; 9] = [
    Event::Initialise,
    Event::Initialised,
    Event::Run,
    Event::Degrade,
    Event::Recover,
    Event::Fail,
    Event::Drain,
    Event::Drained,
    Event::Reset,
];

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The system goes to this state.
    Next(State),
    /// The event makes no sense now: whoever sent it has to do something else.
    Refused(Why),
    /// The event makes no difference now.
    Ignored(Why),
}

/// Why an event changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Off.
    #[error("the system is off; initialise it first")]
    IsOff,
    /// Already under way.
    #[error("the subsystems are still being started")]
    StillStarting,
    /// A start that was not asked for cannot have come to its end.
    #[error("no subsystem is being started")]
    NotStarting,
    /// Started before.
    #[error("the subsystems have started already")]
    AlreadyUp,
    /// Lost before the work began: kept, and told again when it begins.
    #[error("the system is not at work yet; it will be degraded when it is")]
    NotAtWork,
    /// At work.
    #[error("the system is at work already")]
    AlreadyRunning,
    /// Back to full work by recovery only.
    #[error("the system is degraded; it runs in full again once what was lost is back")]
    IsDegraded,
    /// Lost one thing more.
    #[error("the system is degraded already")]
    AlreadyDegraded,
    /// There was nothing to recover from.
    #[error("the system is not degraded")]
    NotDegraded,
    /// On its way to off.
    #[error("the subsystems are still being stopped")]
    StillDraining,
    /// A stop that was not asked for cannot have come to its end.
    #[error("the system is not being stopped")]
    NotDraining,
    /// In fault.
    #[error("the system is in fault; reset it first")]
    InFault,
    /// There was nothing to reset.
    #[error("the system is not in fault")]
    NoFault,
}

/// The table: what `event` does in `state`.
///
/// ```
/// use rt_core::lifecycle::{Answer, Event, State, Why, answer};
/// assert_eq!(answer(State::Ready, Event::Run), Answer::Next(State::Running));
/// assert_eq!(answer(State::Fault, Event::Run), Answer::Refused(Why::InFault));
/// assert_eq!(answer(State::Draining, Event::Drain), Answer::Ignored(Why::StillDraining));
/// ```
#[must_use]
pub const fn answer(state: State, event: Event) -> Answer {
    use Answer::{Ignored, Next, Refused};
    use State::{Degraded, Draining, Fault, Initialising, Off, Ready, Running};
    match (state, event) {
        (Off, Event::Initialise) => Next(Initialising),
        (Off, Event::Run) => Refused(Why::IsOff),
        (Off, Event::Drain | Event::Drained | Event::Degrade | Event::Recover) => Ignored(Why::IsOff),

        (Initialising, Event::Initialised) => Next(Ready),
        (Initialising, Event::Initialise) => Ignored(Why::StillStarting),
        (Initialising, Event::Run) => Refused(Why::StillStarting),
        (Initialising | Ready, Event::Degrade) => Ignored(Why::NotAtWork),

        (Ready, Event::Run) => Next(Running),
        (Ready | Running | Degraded, Event::Initialise | Event::Initialised) => Ignored(Why::AlreadyUp),

        (Running, Event::Run) => Ignored(Why::AlreadyRunning),
        (Running, Event::Degrade) => Next(Degraded),
        (Initialising | Ready | Running, Event::Recover) => Ignored(Why::NotDegraded),

        (Degraded, Event::Run) => Refused(Why::IsDegraded),
        (Degraded, Event::Degrade) => Ignored(Why::AlreadyDegraded),
        (Degraded, Event::Recover) => Next(Running),

        (Initialising | Ready | Running | Degraded, Event::Drain) => Next(Draining),
        (Initialising | Ready | Running | Degraded, Event::Drained) => Refused(Why::NotDraining),

        (Draining, Event::Drained) => Next(Off),
        (Draining, Event::Initialise | Event::Run) => Refused(Why::StillDraining),
        (Draining, Event::Drain | Event::Degrade | Event::Recover) => Ignored(Why::StillDraining),
        (Off | Draining, Event::Initialised) => Refused(Why::NotStarting),

        (Fault, Event::Reset) => Next(Off),
        (Fault, Event::Initialise | Event::Initialised | Event::Run) => Refused(Why::InFault),
        (Fault, Event::Degrade | Event::Recover | Event::Fail | Event::Drain | Event::Drained) => Ignored(Why::InFault),

        // Whatever the state, a failure is a fault, even of what a person drives by hand while the system is off.
        (Off | Initialising | Ready | Running | Degraded | Draining, Event::Fail) => Next(Fault),
        (Off | Initialising | Ready | Running | Degraded | Draining, Event::Reset) => Ignored(Why::NoFault),
    }
}

impl State {
    /// Whether the system is at work, in full or in part.
    #[must_use]
    pub const fn is_at_work(self) -> bool {
        matches!(self, Self::Running | Self::Degraded)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Initialising => "initialising",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
            Self::Fault => "fault",
        })
    }
}
