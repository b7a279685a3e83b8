//! One function a target: it takes any bytes, and panics where something is wrong with what it is given to.
//!
//! The same functions replay the committed corpus in an ordinary test (`transport/tests/fuzz_corpus.rs`), which is why
//! nothing here knows of libFuzzer.

mod carriers;
mod messages;
mod sequences;
mod steps;

pub use carriers::{outbox, reassembly};
pub use messages::{control, control_stream, datagram, frame_header, identity, link_trace, menu, result};
pub use sequences::{arrivals, clocks, scheduler, services};

/// A target by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 14] = [
    ("frame_header", frame_header),
    ("result", result),
    ("control", control),
    ("control_stream", control_stream),
    ("menu", menu),
    ("identity", identity),
    ("link_trace", link_trace),
    ("arrivals", arrivals),
    ("clocks", clocks),
    ("scheduler", scheduler),
    ("services", services),
    ("datagram", datagram),
    ("reassembly", reassembly),
    ("outbox", outbox),
];
