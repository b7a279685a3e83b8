//! Solving asks the heap for nothing, whatever the policy, counted by the allocator itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail aloud"
)]

mod common;

use allocation::allocation::Allocation;
use allocation::policy::PolicyName;
use allocation::problem::Capacity;
use common::{Random, services};
use testkit::heap::{HeapCalls, count};

testkit::count_heap!();

#[test]
fn no_policy_allocates_after_it_was_made() {
    for (count_of_services, choices, alike) in [(1, 1, false), (6, 36, false), (12, 60, false), (6, 36, true)] {
        let mut random = Random(choices as u64);
        let mut problem = services(&mut random, count_of_services, choices);
        if alike {
            let first = problem[0].clone();
            problem.fill(first);
        }
        let names = ["turbo", "prototype", "on-vehicle", "equal-split", "fixed:m0-imgcompNone-inpcomp50"];
        for name in names {
            let name: PolicyName = name.parse().unwrap();
            let mut policy = name.build(count_of_services, choices, 0.005).unwrap();
            let mut allocation = Allocation::with_capacity(count_of_services);
            let calls = count(|| {
                for _ in 0..50 {
                    let capacity = Capacity::new(random.unit() * 6e7, random.unit() * 0.1).unwrap();
                    let capacity = capacity.with_cloud(random.unit() * 3.0).unwrap();
                    for service in &mut problem {
                        service.set_weight(random.unit() * 3.0).unwrap();
                    }
                    policy.allocate(&problem, &capacity, &mut allocation).unwrap();
                }
            });
            assert_eq!(calls, HeapCalls::NONE, "{name}");
        }
    }
}
