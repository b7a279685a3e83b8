//! Emitting on the hot path asks the allocator for nothing, full ring or not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly, as tests may")]

mod common;

use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

#[test]
fn emit_neither_allocates_nor_frees() {
    let names = telemetry::names::Names::default();
    let config = names.intern("edd4-imgcompNone-inpcomp50");
    let (mut emitter, _inlet) = telemetry::emitter::ring(8);
    let mut taken = 0;
    let calls = count(|| taken = (0..20).filter(|&seq| emitter.emit(common::frame(1, seq, 20, config))).count());
    assert_eq!((calls, taken, emitter.dropped()), (HeapCalls::NONE, 8, 12));
}
