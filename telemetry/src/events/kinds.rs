//! What there is to tell, declared once: records, each of which is one event, and notes, which are words.

use super::Severity;

/// Of a note, whose words are the 16 bytes of both fields.
const WORDS: &str = "words";

macro_rules! kinds {
    (
        records { $($(#[doc = $doc:literal])+ $variant:ident => $name:literal, $subsystem:literal, $severity:ident,
            seq: $seq:literal, value: $value:literal, detail: $detail:literal;)+ }
        notes { $($(#[doc = $note_doc:literal])+ $note:ident => $topic:literal, $said_by:literal, $how:ident;)+ }
    ) => {
        /// What an event tells: a record, or a piece of a note.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum EventKind { $($(#[doc = $doc])+ $variant,)+ $($(#[doc = $note_doc])+ $note),+ }

        impl EventKind {
            /// Every kind; its place is its number in the file.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+ $(Self::$note),+];

            /// The name in files and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ $(Self::$note => $topic),+ }
            }

            /// The part of the program that tells it.
            #[must_use]
            pub const fn subsystem(self) -> &'static str {
                match self { $(Self::$variant => $subsystem,)+ $(Self::$note => $said_by),+ }
            }

            /// Who wants to know.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ $(Self::$note => Severity::$how),+ }
            }

            /// What [`Event::seq`](super::Event::seq) holds.
            #[must_use]
            pub const fn seq(self) -> &'static str {
                match self { $(Self::$variant => $seq,)+ $(Self::$note => WORDS),+ }
            }

            /// What [`Event::value`](super::Event::value) holds, with its unit.
            #[must_use]
            pub const fn value(self) -> &'static str {
                match self { $(Self::$variant => $value,)+ $(Self::$note => WORDS),+ }
            }

            /// What [`Event::detail`](super::Event::detail) holds.
            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)+ $(Self::$note => "bytes of words, at most 16"),+ }
            }

            /// What it means, as documented.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_start(),)+
                    $(Self::$note => concat!($($note_doc),+).trim_start()),+
                }
            }

            /// The note that it is a piece of; `None` for a record.
            #[must_use]
            pub const fn note(self) -> Option<NoteKind> {
                match self { $(Self::$variant => None,)+ $(Self::$note => Some(NoteKind::$note)),+ }
            }
        }

        /// What a note is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum NoteKind { $($(#[doc = $note_doc])+ $note),+ }

        impl NoteKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$note),+];

            /// The same among all kinds, which has its name, subsystem, severity and meaning.
            #[must_use]
            pub const fn event(self) -> EventKind {
                match self { $(Self::$note => EventKind::$note),+ }
            }
        }
    };
}

kinds! {
    records {
        /// A hop of a frame ended.
        Hop => "hop", "trace", Debug, seq: "the frame's number", value: "how long it took, ns", detail: "which, in the order of the hops";
        /// A frame was captured and handed on.
        Captured => "captured", "capture", Debug, seq: "the frame's number", value: "capture to hand-over, ns", detail: "0";
        /// A frame's decision was made, and everything about it is known.
        Decided => "decided", "decision", Info, seq: "the frame's number", value: "capture to decision, ns", detail: "whose result: 0 the cloud's, 1 the vehicle's, 2 nobody's";
        /// A frame's or a result's way through the transport is over.
        Carried => "carried", "transport", Debug, seq: "the frame's number", value: "how long it took, ns", detail: "bit 0: incoming, bit 1: it did not arrive";
        /// The state of the uplink was sampled.
        Link => "link", "transport", Debug, seq: "how far it varied, bytes/s: bits 0 to 31 low, 32 to 63 high (0 unknown)", value: "estimated capacity, bytes/s", detail: "1 where the application limited the rate";
        /// The uplink was divided anew.
        Allocated => "allocated", "allocator", Info, seq: "0", value: "what there was to divide, bytes/s", detail: "0";
        /// A ping was answered, or given up.
        Ping => "ping", "transport", Debug, seq: "0", value: "round trip, ns", detail: "1 where an answer came";
        /// A request was served in the cloud.
        Served => "served", "worker", Debug, seq: "the frame's number", value: "the model's time, ns", detail: "0";
        /// Records found their ring full and are lost.
        Dropped => "dropped", "telemetry", Warning, seq: "0", value: "how many, since the last such event of this source", detail: "0";
    }
    notes {
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
}
