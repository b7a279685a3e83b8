use std::time::Duration;

use proptest::prelude::*;

use crate::stop::StopToken;
use crate::threads::{Policy, PolicyError, SpecError, Strictness, ThreadError, ThreadSpec, spawn};

fn refused(spec: &ThreadSpec) -> SpecError {
    let by_check = spec.check().expect_err("refused");
    let body = || panic!("must not run");
    match spawn(spec, Strictness::BestEffort, &StopToken::default(), body) {
        Err(ThreadError::Spec(by_spawn)) => assert_eq!(by_spawn, by_check),
        other => panic!("{other:?}"),
    }
    by_check
}

#[test]
fn a_name_the_kernel_would_change_is_refused() {
    assert_eq!(refused(&ThreadSpec::named("")), SpecError::NoName);
    let name = || "sixteen-bytes-xx".to_owned();
    assert_eq!(refused(&ThreadSpec::named(name())), SpecError::NameTooLong { name: name(), bytes: 16 });
    // Fifteen characters, but sixteen bytes.
    assert!(matches!(refused(&ThreadSpec::named("fünfzehn-zeichn")), SpecError::NameTooLong { bytes: 16, .. }));
    assert!(matches!(refused(&ThreadSpec::named("a\0b")), SpecError::ZeroInName { .. }));
    assert!(ThreadSpec::named("fifteen-bytes-x").check().is_ok());
}

#[test]
fn cores_and_stacks_that_cannot_be_are_refused() {
    let with_cores = |cores| ThreadSpec { cores, ..ThreadSpec::named("test") };
    assert!(matches!(refused(&with_cores(vec![0, 1024])), SpecError::NoSuchCore { core: 1024, .. }));
    assert!(matches!(refused(&with_cores(vec![3, 1, 3])), SpecError::CoreTwice { core: 3, .. }));
    for stack_bytes in [0, 65_535, (1 << 30) + 1, usize::MAX] {
        let error = refused(&ThreadSpec { stack_bytes, ..ThreadSpec::named("test") });
        assert_eq!(error, SpecError::Stack { name: "test".into(), bytes: stack_bytes });
        assert!(error.to_string().contains("65536 to 1073741824"), "{error}");
    }
}

#[test]
fn policies_the_kernel_refuses_are_refused_before_it() {
    let error = refused(&ThreadSpec { policy: Policy::Fifo { priority: 100 }, ..ThreadSpec::named("test") });
    assert_eq!(error.to_string(), "thread test: the real-time priority is 100; expected 1 to 99");
    assert_eq!(Policy::RoundRobin { priority: 0 }.check(), Err(PolicyError::Priority { priority: 0 }));
    assert_eq!(Policy::Other { nice: 20 }.check(), Err(PolicyError::Nice { nice: 20 }));
    assert_eq!(Policy::Other { nice: -20 }.check(), Ok(()));
    let period = Duration::from_nanos(1 << 63);
    let policy = Policy::Deadline { runtime: period, deadline: period, period };
    assert_eq!(policy.check(), Err(PolicyError::Period { period }));
}

proptest! {
    /// The rule as `__checkparam_dl` of the kernel's `kernel/sched/deadline.c` has it, number by number.
    #[test]
    fn the_deadline_rule_is_the_kernels(runtime in 0..4096_u64, deadline in 0..4096_u64, period in 0..4096_u64) {
        let ns = Duration::from_nanos;
        let policy = Policy::Deadline { runtime: ns(runtime), deadline: ns(deadline), period: ns(period) };
        let kernel = runtime >= 1024 && runtime <= deadline && deadline <= period;
        prop_assert_eq!(policy.check().is_ok(), kernel);
    }
}
