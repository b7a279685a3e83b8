//! Solving asks the heap for nothing, whatever the policy, counted by the allocator itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use allocation::allocation::Allocation;
use allocation::policy::PolicyName;
use allocation::problem::Capacity;
use common::{Random, services};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and is not the one under test.
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system's allocator with its arguments unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_policy_allocates_after_it_was_made() {
    for (count_of_services, choices) in [(1, 1), (6, 36), (12, 60)] {
        let mut random = Random(choices as u64);
        let mut problem = services(&mut random, count_of_services, choices);
        let names = ["turbo", "prototype", "on-vehicle", "equal-split", "fixed:m0-imgcompNone-inpcomp50"];
        for name in names {
            let name: PolicyName = name.parse().unwrap();
            let mut policy = name.build(count_of_services, choices, 0.005).unwrap();
            let mut allocation = Allocation::with_capacity(count_of_services);
            let before = COUNT.get();
            for _ in 0..50 {
                let capacity = Capacity::new(random.unit() * 6e7, random.unit() * 0.1).unwrap();
                let capacity = capacity.with_cloud(random.unit() * 3.0).unwrap();
                for service in &mut problem {
                    service.set_weight(random.unit() * 3.0).unwrap();
                }
                policy.allocate(&problem, &capacity, &mut allocation).unwrap();
            }
            assert_eq!(COUNT.get() - before, 0, "{name}");
            drop(Box::new(0u8));
            assert!(COUNT.get() > before, "the counter does not count");
        }
    }
}
