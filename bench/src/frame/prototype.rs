//! What the prototype does, and ZeroMQ by itself, as Python programs.

use crate::hop::{About, Pair};
use crate::peers::python::{Address, PythonPair};

/// Row of the prototype's pattern.
pub const PROTOTYPE: &str = "prototype: pickle, shared memory, ZeroMQ, ACK";

/// Both, with frames of `bytes`.
pub fn pairs(bytes: usize) -> Vec<Box<dyn Pair>> {
    let pair = |name, program, address| {
        let about = About::processes(name, "block in recv").slow();
        Box::new(PythonPair { about, program, address, bytes: Some(bytes) }) as Box<dyn Pair>
    };
    vec![
        pair("ZeroMQ REQ/REP, Python", "frame_zmq.py", Address::Socket("ipc://")),
        pair(PROTOTYPE, "frame_prototype.py", Address::Folder),
    ]
}
