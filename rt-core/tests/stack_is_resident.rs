//! A started thread's stack takes no page fault, however deep it is used; one that was not prepared takes one a page.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail aloud")]

use std::hint::black_box;

use nix::sys::resource::{UsageWho, getrusage};
use rt_core::stop::StopToken;
use rt_core::threads::{Strictness, ThreadEnd, ThreadSpec, spawn};

const STACK_BYTES: usize = 1 << 20;
const PAGE_BYTES: usize = 4096;
/// What the test uses of the stack: most of it, less what is above the body and the margin below.
const USED_BYTES: usize = 896 << 10;
/// Pages of code, of the allocator and of the kernel's accounting that come in at the same time.
const OTHER_FAULTS: i64 = 8;

fn minor_faults() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).expect("the thread's usage").minor_page_faults()
}

/// Writes to every page of `bytes` of stack.
#[inline(never)]
fn use_stack(bytes: usize) -> u64 {
    let mut page = [0_u8; PAGE_BYTES];
    black_box(&mut page);
    let below = if bytes > PAGE_BYTES { use_stack(bytes - PAGE_BYTES) } else { 0 };
    below + u64::from(black_box(&page).iter().any(|&byte| byte != 0))
}

/// Faults taken by using the stack deeply, once the code that does it is there.
fn faults_of_deep_use() -> i64 {
    use_stack(PAGE_BYTES);
    let before = minor_faults();
    black_box(use_stack(USED_BYTES));
    minor_faults() - before
}

#[test]
fn a_started_thread_has_its_stack() {
    // Frames are somewhat larger than the page each holds, so fewer bytes are asked for than used; still most pages.
    let pages = i64::try_from(USED_BYTES / PAGE_BYTES).unwrap();
    let control =
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(faults_of_deep_use).unwrap().join().unwrap();
    if control < pages / 2 {
        eprintln!("SKIPPED: {control} faults in {pages} fresh pages: this kernel backs stacks with larger pages");
        return;
    }
    let spec = ThreadSpec { stack_bytes: STACK_BYTES, ..ThreadSpec::named("prepared") };
    let body = move || {
        let faults = faults_of_deep_use();
        if faults <= OTHER_FAULTS {
            Ok(())
        } else {
            Err(format!("{faults} faults in {pages} pages, unprepared {control}"))
        }
    };
    let thread = spawn(&spec, Strictness::BestEffort, &StopToken::default(), body).unwrap();
    assert!(thread.granted.stack_bytes >= USED_BYTES, "only {} bytes were touched", thread.granted.stack_bytes);
    assert_eq!(thread.join().1, ThreadEnd::Done);
}

#[test]
fn the_smallest_and_a_large_stack_are_touched_without_overflowing() {
    for stack_bytes in [rt_core::threads::LEAST_STACK_BYTES, 16 << 20] {
        let spec = ThreadSpec { stack_bytes, ..ThreadSpec::named("stack") };
        let thread = spawn(&spec, Strictness::BestEffort, &StopToken::default(), || Ok(())).unwrap();
        let touched = thread.granted.stack_bytes;
        assert!(touched <= stack_bytes && touched + (48 << 10) >= stack_bytes, "{touched} of {stack_bytes} bytes");
        assert_eq!(thread.join().1, ThreadEnd::Done);
    }
}
