use std::time::Duration;

use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::stop::StopToken;
use crate::threads::{Difference, Policy, Strictness, ThreadEnd, ThreadSpec, spawn};

fn pinned(cores: Vec<usize>) -> ThreadSpec {
    ThreadSpec { cores, ..ThreadSpec::named("test") }
}

#[test]
fn a_pinned_thread_runs_where_it_was_put() {
    let any = spawn(&pinned(vec![]), Strictness::Strict, &StopToken::default(), || Ok(())).expect("a thread");
    let core = *any.granted.cores.last().expect("at least one core");
    let thread = spawn(&pinned(vec![core]), Strictness::Strict, &StopToken::default(), move || {
        // SAFETY: a plain call without pointers.
        let here = unsafe { libc::sched_getcpu() };
        if here == core as i32 { Ok(()) } else { Err(format!("on core {here}, not {core}")) }
    })
    .expect("a pinned thread");
    assert_eq!(thread.granted.cores, [core]);
    assert_eq!(thread.join().1, ThreadEnd::Done);
}

#[test]
fn a_core_outside_the_mask_is_refused_in_strict_mode_and_said_in_best_effort() {
    let wish = pinned(vec![1000]);
    let strict = spawn(&wish, Strictness::Strict, &StopToken::default(), || Err("must not run".into()));
    let refusal = strict.expect_err("refused").to_string();
    assert!(refusal.contains("[1000]") && refusal.contains("the inherited mask has only ["), "{refusal}");
    let thread = spawn(&wish, Strictness::BestEffort, &StopToken::default(), || Ok(())).expect("runs anyway");
    let inherited = thread.granted.cores.clone();
    assert_eq!(thread.granted.differences, [Difference::OutsideMask { wanted: vec![1000], inherited }]);
    assert_eq!(thread.join().1, ThreadEnd::Done);
}

#[test]
fn a_bad_end_sets_the_token_and_a_good_one_does_not() {
    let bodies: [fn() -> Result<(), String>; 3] = [|| Ok(()), || Err("no camera".into()), || panic!("boom")];
    let ends = [ThreadEnd::Done, ThreadEnd::Failed("no camera".into()), ThreadEnd::Panicked("boom".into())];
    for (body, expected) in bodies.into_iter().zip(ends) {
        let stop = StopToken::default();
        let thread = spawn(&ThreadSpec::named("test"), Strictness::BestEffort, &stop, body).expect("starts");
        let end = thread.join().1;
        assert_eq!(stop.is_set(), end != ThreadEnd::Done);
        assert_eq!(end, expected);
    }
}

#[test]
fn a_supervisors_bell_rings_at_every_end_and_an_end_can_be_waited_for() {
    for body in [|| Ok(()), || panic!("boom")] as [fn() -> Result<(), String>; 2] {
        let bell = Doorbell::futex();
        let thread = spawn(&ThreadSpec::named("test"), Strictness::BestEffort, &bell, body).expect("starts");
        assert!(thread.ends_by(Monotonic::now().plus(Duration::from_secs(3600))));
        drop(thread.join());
        assert_ne!(bell.count(), 0);
    }
    let stop = StopToken::default();
    let token = stop.clone();
    let body = move || {
        let bell = Doorbell::futex();
        token.wakes(&bell);
        while !token.is_set() {
            bell.wait_until(bell.count(), Monotonic::now().plus(Duration::from_millis(20)));
        }
        Ok(())
    };
    let thread = spawn(&ThreadSpec::named("test"), Strictness::BestEffort, &stop, body).expect("starts");
    assert!(!thread.ends_by(Monotonic::now().plus(Duration::from_millis(5))), "nobody has asked it to");
    stop.set();
    assert_eq!(thread.join().1, ThreadEnd::Done);
}

#[test]
fn a_real_time_policy_is_read_back_or_its_lack_is_named() {
    for policy in [Policy::Fifo { priority: 7 }, Policy::RoundRobin { priority: 7 }] {
        let spec = ThreadSpec { policy, ..ThreadSpec::named("test") };
        let body = move || {
            let found = Policy::of_this_thread();
            if found == policy { Ok(()) } else { Err(found.to_string()) }
        };
        let thread = spawn(&spec, Strictness::BestEffort, &StopToken::default(), body).expect("starts");
        match thread.granted.differences.as_slice() {
            [] => {
                assert_eq!(thread.granted.policy, policy);
                assert_eq!(thread.join().1, ThreadEnd::Done);
            }
            [Difference::Policy { lacking, .. }] => eprintln!("SKIPPED: {policy} is not granted here: {lacking}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_deadline_policy_is_read_back_or_its_lack_is_named() {
    let ms = Duration::from_millis;
    let policy = Policy::Deadline { runtime: ms(1), deadline: ms(50), period: ms(100) };
    let spec = ThreadSpec { policy, ..ThreadSpec::named("test") };
    let thread = spawn(&spec, Strictness::BestEffort, &StopToken::default(), || Ok(())).expect("starts");
    match thread.granted.differences.as_slice() {
        [] => assert_eq!(thread.granted.policy, policy),
        [Difference::Policy { lacking, reason, .. }] => {
            eprintln!("SKIPPED: {policy} is not granted here: {reason}; {lacking}");
        }
        other => panic!("{other:?}"),
    }
    // Pinned to one core of several, the kernel refuses, and the difference says what is the matter.
    let cores = thread.granted.cores.clone();
    if !thread.granted.differences.is_empty() || cores.len() < 2 {
        eprintln!("SKIPPED: pinning a deadline thread needs the policy and two cores");
        return;
    }
    let spec = ThreadSpec { cores: vec![cores[0]], ..spec };
    let thread = spawn(&spec, Strictness::BestEffort, &StopToken::default(), || Ok(())).expect("starts");
    let said = thread.granted.to_string();
    assert!(said.contains("may not be pinned to fewer cores than its root domain has"), "{said}");
    let everywhere = ThreadSpec { cores, ..spec };
    let thread =
        spawn(&everywhere, Strictness::Strict, &StopToken::default(), || Ok(())).expect("its whole root domain");
    assert_eq!(thread.granted.policy, policy);
}
