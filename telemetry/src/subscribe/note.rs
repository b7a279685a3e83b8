//! What a process says of itself in words: states, peers, refusals, losses. Few, and never from a real-time thread.

use rt_core::clock::Monotonic;

use crate::events::Severity;

macro_rules! notes {
    ($($(#[doc = $doc:literal])+ $variant:ident => $topic:literal, $subsystem:literal, $severity:ident;)+) => {
        /// What a note is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum NoteKind { $($(#[doc = $doc])+ $variant),+ }

        impl NoteKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that subscribers choose by.
            #[must_use]
            pub const fn topic(self) -> &'static str {
                match self { $(Self::$variant => $topic),+ }
            }

            /// The part of the program that says it.
            #[must_use]
            pub const fn subsystem(self) -> &'static str {
                match self { $(Self::$variant => $subsystem),+ }
            }

            /// Who wants to know.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),+ }
            }

            /// What it means, as documented.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_start()),+ }
            }
        }
    };
}

notes! {
    /// The process is in another state, or something happened that left it where it was.
    State => "state", "supervisor", Info;
    /// A thread was lost, and the process goes on without it.
    Degraded => "degraded", "supervisor", Warning;
    /// Something was lost that the process cannot do without.
    Fault => "fault", "supervisor", Error;
    /// A connection to the cloud began, moved or stands by.
    Connected => "connected", "transport", Info;
    /// A connection to the cloud is in doubt, was lost or did not come about.
    Disconnected => "disconnected", "transport", Warning;
    /// The cloud refused this car.
    Rejected => "rejected", "transport", Warning;
    /// Weights or active rules have changed.
    Context => "context", "allocator", Info;
    /// Live sizes or times have left what the utility table says, or come back to it.
    Drift => "drift", "allocator", Warning;
    /// The cloud offers models that the utility table cannot be used for.
    Unserved => "unserved", "allocator", Warning;
    /// A car came or went.
    Peer => "peer", "gateway", Info;
    /// A connection, a stream or a frame was refused: what was wrong with it, and who sent it.
    Refused => "refused", "gateway", Warning;
    /// A worker could not serve a frame, or died.
    Failed => "failed", "worker", Warning;
    /// Something that was told is not in the logs.
    Loss => "loss", "telemetry", Warning;
    /// A command was refused at the control socket.
    Command => "command", "control", Warning;
    /// Certificates were read again, or could not be.
    Certificates => "certificates", "control", Info;
}

/// One note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When it was said.
    pub at: Monotonic,
    /// What it is about.
    pub kind: NoteKind,
    /// The words.
    pub text: String,
}
