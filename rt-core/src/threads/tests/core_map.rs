use std::sync::mpsc;
use std::time::Duration;

use crate::lifecycle::Heartbeat;
use crate::stop::StopToken;
use crate::threads::{CoreMap, Policy, SpecError, Strictness, ThreadEnd, ThreadError, ThreadSpec};
use crate::wait::WaitStrategy;

const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_map_is_refused_before_any_of_its_threads_starts() {
    let named = |name: &str| ThreadSpec::named(name);
    let twice = CoreMap::new(Strictness::Strict, vec![named("a"), named("b"), named("a")]);
    assert_eq!(twice.expect_err("a name twice"), SpecError::NameTwice { name: "a".into() });
    let wrong = ThreadSpec { policy: Policy::Fifo { priority: 0 }, ..named("b") };
    assert!(CoreMap::new(Strictness::BestEffort, vec![named("a"), wrong]).is_err());
}

#[test]
fn a_thread_that_is_not_in_the_map_is_refused_with_those_that_are() {
    let map = CoreMap::new(Strictness::Strict, vec![ThreadSpec::named("a"), ThreadSpec::named("b")]).expect("a map");
    let outcome = map.spawn("c", (Heartbeat::default(), LIMIT), &StopToken::default(), |_| Ok(()));
    match outcome {
        Err(ThreadError::Spec(error)) => {
            assert_eq!(error.to_string(), "the core map has no thread \"c\"; it has a, b");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_thread_waits_as_its_entry_says() {
    for wait in [WaitStrategy::Spin, WaitStrategy::Futex, WaitStrategy::default()] {
        let map = CoreMap::new(Strictness::Strict, vec![ThreadSpec { wait, ..ThreadSpec::named("a") }]).expect("a map");
        let (tell, told) = mpsc::sync_channel(1);
        let body = move |waiter: crate::wait::Waiter| tell.send(waiter.strategy()).map_err(|error| error.to_string());
        let thread = map.spawn("a", (Heartbeat::default(), LIMIT), &StopToken::default(), body).expect("starts");
        assert_eq!(thread.join().1, ThreadEnd::Done);
        assert_eq!(told.recv(), Ok(wait));
    }
}

#[test]
fn only_real_time_spinners_of_a_common_core_share_its_allowance() {
    let fifo = Policy::Fifo { priority: 1 };
    let spinner = |name: &str, cores: &[usize], policy| ThreadSpec {
        cores: cores.to_vec(),
        policy,
        wait: WaitStrategy::Spin,
        ..ThreadSpec::named(name)
    };
    let sleeper = ThreadSpec { wait: WaitStrategy::Futex, ..spinner("sleeper", &[0], fifo) };
    let specs = vec![
        spinner("zero", &[0], fifo),
        spinner("one", &[1], Policy::RoundRobin { priority: 1 }),
        spinner("both", &[0, 1], fifo),
        spinner("other", &[0], Policy::Other { nice: 0 }),
        sleeper,
    ];
    let map = CoreMap::new(Strictness::BestEffort, specs).expect("a map");
    let sharers: Vec<u32> = map.specs().iter().map(|spec| map.sharers(spec)).collect();
    assert_eq!(sharers, [2, 2, 3, 2, 2]);
    let anywhere = vec![spinner("anywhere", &[], fifo), spinner("zero", &[0], fifo), spinner("one", &[1], fifo)];
    let map = CoreMap::new(Strictness::BestEffort, anywhere).expect("a map");
    assert_eq!(map.specs().iter().map(|spec| map.sharers(spec)).collect::<Vec<_>>(), [3, 2, 2]);
}
