//! The heap does not grow, whatever cars, link and offenders do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

use testkit::heap::held_by_this_thread;
use transport::certs::DevPki;
use transport::simulation::soak::{Soak, soak};

testkit::count_heap!();

/// What the heap may differ by: cars are at different points of their faults. An endpoint that stayed would be 300 KB
/// without its packet rings.
const ALLOWED_BYTES: i64 = 256 * 1_024;

/// A part of the hour that `turbo bench transport --soak` takes.
#[test]
fn the_heap_is_flat_over_minutes_of_faults() {
    let dir = tempfile::tempdir().expect("a directory");
    let pki = DevPki::create(dir.path()).expect("a PKI");
    let minutes = std::env::var("SOAK_MINUTES").map_or(20, |minutes| minutes.parse().expect("a number"));
    let soaked = soak(Soak { seed: 1, minutes, heap_bytes: held_by_this_thread }, &pki).expect("it plays");
    eprintln!("{soaked:?}");
    assert_eq!(soaked.heap_bytes.len() as u64, minutes);
    assert!(soaked.heap_bytes.iter().all(|bytes| *bytes > 10_000), "the heap is counted");
    // All of it happened.
    assert!(soaked.on_time * 10 >= soaked.frames * 5, "cars deliver between the faults");
    assert!(soaked.answered + 100 >= soaked.frames, "every frame is answered");
    assert!(soaked.connected >= minutes / 2 && soaked.left >= minutes && soaked.offences >= 40);
    let grown = soaked.grown_bytes();
    assert!(grown <= ALLOWED_BYTES, "{grown} bytes more on the heap: {:?}", soaked.heap_bytes);
}
