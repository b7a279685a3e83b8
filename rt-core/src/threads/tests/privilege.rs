//! What is missing is named: run on a thread that has given its capabilities away, as a car without them would.

use nix::sys::resource::{Resource, getrlimit};

use crate::stop::StopToken;
use crate::threads::lacking::{Limit, parse_effective};
use crate::threads::{Difference, Lacking, Policy, Strictness, ThreadSpec, spawn};

/// `_LINUX_CAPABILITY_VERSION_3` of the kernel's `uapi/linux/capability.h`.
const VERSION_3: u32 = 0x2008_0522;

/// Runs `check` on a thread without any capability; threads inherit what their creator has.
fn without_capabilities(check: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let header = [VERSION_3, 0];
            let nothing = [0_u32; 6];
            // SAFETY: a header and two times three words, as version 3 has them; capset changes this thread only.
            let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), nothing.as_ptr()) };
            assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
            check();
        });
    });
}

fn differences(spec: &ThreadSpec) -> Vec<Difference> {
    let thread = spawn(spec, Strictness::BestEffort, &StopToken::default(), || Ok(())).expect("starts");
    thread.granted.differences
}

#[test]
fn a_refused_priority_names_the_capability_and_the_limit_with_its_value() {
    let limit = getrlimit(Resource::RLIMIT_RTPRIO).expect("a limit").0;
    if limit >= 99 {
        eprintln!("SKIPPED: RLIMIT_RTPRIO is {limit}, so nothing is refused");
        return;
    }
    without_capabilities(|| {
        let spec = ThreadSpec { policy: Policy::Fifo { priority: 99 }, ..ThreadSpec::named("test") };
        let [Difference::Policy { wanted, lacking, .. }] = &differences(&spec)[..] else { panic!("one difference") };
        assert_eq!(*wanted, spec.policy);
        let missing = Limit { name: "RLIMIT_RTPRIO", now: Some(limit), needed: 99 };
        assert_eq!(*lacking, Lacking::Privilege { capability: "CAP_SYS_NICE", limit: Some(missing) });
        let strict = spawn(&spec, Strictness::Strict, &StopToken::default(), || Ok(())).expect_err("refused");
        let expected = format!(
            "fifo 99: Operation not permitted (os error 1); it needs CAP_SYS_NICE, which this thread \
                                has not, or RLIMIT_RTPRIO of 99, which is {limit}"
        );
        assert!(strict.to_string().contains(&expected), "{strict}");
    });
}

#[test]
fn a_refused_deadline_policy_names_the_capability_alone() {
    without_capabilities(|| {
        let ms = std::time::Duration::from_millis;
        let policy = Policy::Deadline { runtime: ms(1), deadline: ms(10), period: ms(10) };
        let [Difference::Policy { lacking, .. }] =
            &differences(&ThreadSpec { policy, ..ThreadSpec::named("test") })[..]
        else {
            panic!("one difference")
        };
        assert_eq!(*lacking, Lacking::Privilege { capability: "CAP_SYS_NICE", limit: None });
    });
}

#[test]
fn a_stack_that_may_not_be_locked_names_the_capability_and_the_limit() {
    let limit = getrlimit(Resource::RLIMIT_MEMLOCK).expect("a limit").0;
    let stack_bytes = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1 << 20);
    if stack_bytes > 256 << 20 {
        eprintln!("SKIPPED: RLIMIT_MEMLOCK is {limit} bytes, more than a stack should be");
        return;
    }
    let spec = ThreadSpec { stack_bytes, lock_stack: true, ..ThreadSpec::named("test") };
    without_capabilities(|| {
        let [Difference::StackLock { bytes, lacking, .. }] = &differences(&spec)[..] else { panic!("one difference") };
        let Lacking::Privilege { capability: "CAP_IPC_LOCK", limit: Some(missing) } = lacking else {
            panic!("{lacking}")
        };
        assert_eq!((missing.name, missing.now), ("RLIMIT_MEMLOCK", Some(limit)));
        assert!(*bytes as u64 > limit && missing.needed == *bytes as u64);
    });
}

#[test]
fn the_effective_capabilities_are_read_from_the_status_file() {
    let status = "Name:\tx\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000804000\nCapBnd:\t0\n";
    assert_eq!(parse_effective(status), Some(1 << 23 | 1 << 14));
    assert_eq!(parse_effective("Name:\tx\n"), None);
    assert_eq!(parse_effective("CapEff:\tmany\n"), None);
}
