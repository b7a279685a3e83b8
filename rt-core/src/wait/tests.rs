use std::time::Duration;

use proptest::prelude::*;

use super::{SpinBudget, Throttle, WaitStrategy, Waiter};
use crate::clock::Monotonic;
use crate::doorbell::Doorbell;
use crate::lifecycle::Heartbeat;
use crate::stop::StopToken;
use crate::threads::{Policy, Strictness, ThreadEnd, ThreadSpec, spawn};

const PERIOD_NS: u64 = 1_000_000;

/// Spinning inside the window of one period that ends at `end`, from a plain list of all spins.
fn spun_in_window(spins: &[(u64, u64)], end: u64) -> u64 {
    let start = end.saturating_sub(PERIOD_NS);
    spins.iter().map(|&(from, to)| to.min(end).saturating_sub(from.max(start))).sum()
}

proptest! {
    /// Whatever the pauses and the spins, no window of one period holds more than the share: the naive model remembers
    /// every spin and looks at every window that begins or ends with one.
    #[test]
    fn no_window_of_one_period_holds_more_than_the_share(
        share_ns in 0..=PERIOD_NS,
        calls in prop::collection::vec((0..PERIOD_NS, 0..=PERIOD_NS, any::<bool>()), 1..200),
    ) {
        let mut budget =
            SpinBudget::new(Duration::from_nanos(share_ns), Duration::from_nanos(PERIOD_NS), Monotonic::from_ns(0));
        let (mut now, mut spins) = (0_u64, Vec::new());
        for (pause, wish, greedy) in calls {
            now += pause;
            let allowed = u64::try_from(budget.allowed(Monotonic::from_ns(now)).as_nanos()).unwrap();
            let spin = if greedy { allowed } else { wish.min(allowed) };
            budget.spent(Monotonic::from_ns(now), Monotonic::from_ns(now + spin));
            spins.push((now, now + spin));
            now += spin;
        }
        for window_end in spins.iter().flat_map(|&(from, to)| [to, from + PERIOD_NS]) {
            let spun = spun_in_window(&spins, window_end);
            prop_assert!(spun <= share_ns, "{spun} ns in the period up to {window_end}, share {share_ns}");
        }
    }

    /// A spin that ended late is paid back: over any stretch the excess is the one late end, not one per spin.
    #[test]
    fn a_late_end_is_paid_back(late in 0..PERIOD_NS, spins in 2..50_u64) {
        let share = PERIOD_NS / 2;
        let mut budget =
            SpinBudget::new(Duration::from_nanos(share), Duration::from_nanos(PERIOD_NS), Monotonic::from_ns(0));
        let (mut now, mut spun) = (0, 0);
        for _ in 0..spins {
            let allowed = u64::try_from(budget.allowed(Monotonic::from_ns(now)).as_nanos()).unwrap();
            let spin = if allowed == 0 { 0 } else { allowed + late };
            budget.spent(Monotonic::from_ns(now), Monotonic::from_ns(now + spin));
            spun += spin;
            now += spin + PERIOD_NS / 7;
        }
        let fair = share / 2 + now * (share / 2) / PERIOD_NS;
        prop_assert!(spun <= fair + late, "{spun} ns in {now}, fair are {fair} and one late end of {late}");
    }

    /// The bound is not kept by never spinning: after a pause of a period, half the share is there again.
    #[test]
    fn a_rest_of_one_period_brings_half_the_share_back(share_ns in 2..=PERIOD_NS, spun in 0..PERIOD_NS) {
        let mut budget =
            SpinBudget::new(Duration::from_nanos(share_ns), Duration::from_nanos(PERIOD_NS), Monotonic::from_ns(0));
        let spun = spun.min(u64::try_from(budget.allowed(Monotonic::from_ns(0)).as_nanos()).unwrap());
        budget.spent(Monotonic::from_ns(0), Monotonic::from_ns(spun));
        let rested = Monotonic::from_ns(spun + PERIOD_NS);
        prop_assert_eq!(budget.allowed(rested), Duration::from_nanos(share_ns / 2));
    }
}

#[test]
fn the_throttle_follows_the_kernel_and_its_default_where_there_is_none() {
    let ms = Duration::from_millis;
    let half = Throttle { runtime: ms(500), period: ms(1000) };
    assert_eq!(Throttle::parse(Some("500000\n"), Some("1000000\n")), half);
    let default = Throttle { runtime: ms(950), period: ms(1000) };
    for off in [Some("-1\n"), Some("0"), Some("much"), None] {
        assert_eq!(Throttle::parse(off, Some("1000000")), default, "{off:?}");
    }
    assert_eq!(Throttle::of(Policy::Other { nice: 0 }), None);
    let deadline = Policy::Deadline { runtime: ms(2), deadline: ms(5), period: ms(10) };
    assert_eq!(Throttle::of(deadline), Some(Throttle { runtime: ms(2), period: ms(10) }));
    let Some(fifo) = Throttle::of(Policy::Fifo { priority: 1 }) else { panic!("a FIFO thread is throttled") };
    assert!(fifo.spin_share(1) < fifo.runtime && fifo.spin_share(4) * 4 <= fifo.spin_share(1));
}

const STRATEGIES: [WaitStrategy; 4] = [
    WaitStrategy::Spin,
    WaitStrategy::SpinThenFutex { spin: Duration::from_micros(20) },
    WaitStrategy::Futex,
    WaitStrategy::Reactor,
];

/// With a budget that is gone at once, with one that is not, and with none.
fn waiters(strategy: WaitStrategy) -> [Waiter; 3] {
    let second = Duration::from_secs(1);
    [
        Waiter::throttled(strategy, Some((Duration::from_nanos(2), second))),
        Waiter::throttled(strategy, Some((second / 4, second))),
        Waiter::throttled(strategy, None),
    ]
}

fn bells() -> [Doorbell; 2] {
    [Doorbell::futex(), Doorbell::eventfd().expect("an eventfd")]
}

#[test]
fn every_strategy_ends_by_a_ring_by_an_earlier_ring_and_by_its_time() {
    let far = || Monotonic::now().plus(Duration::from_secs(3600));
    for waiter in STRATEGIES.into_iter().flat_map(waiters) {
        for bell in bells() {
            let seen = bell.count();
            bell.ring();
            waiter.wait(&bell, seen, far());
            // What rang before the wait, and was waited for, does not end the next one.
            let seen = bell.count();
            let until = Monotonic::now().plus(Duration::from_millis(2));
            while Monotonic::now() < until {
                waiter.wait(&bell, seen, until);
            }
            assert_eq!(bell.count(), seen, "nobody rang");
            std::thread::scope(|scope| {
                scope.spawn(|| bell.ring());
                while bell.count() == seen {
                    waiter.wait(&bell, seen, far());
                }
            });
        }
    }
}

#[test]
fn a_turn_goes_back_and_forth_under_every_strategy() {
    for strategy in STRATEGIES {
        let far = Monotonic::now().plus(Duration::from_secs(3600));
        let [ping, pong] = [Doorbell::futex(), Doorbell::futex()];
        let turns = std::sync::atomic::AtomicU32::new(0);
        let take_turns = |own: &Doorbell, other: &Doorbell, odd: u32| {
            let waiter = Waiter::new(strategy, 1);
            for turn in 0..500 {
                loop {
                    let seen = own.count();
                    if turns.load(std::sync::atomic::Ordering::SeqCst) == 2 * turn + odd {
                        break;
                    }
                    waiter.wait(own, seen, far);
                }
                turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                other.ring();
            }
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(|| take_turns(&ping, &pong, 1));
            take_turns(&pong, &ping, 0);
            // By hand: the scope's own join is inside std, where ThreadSanitizer does not see it.
            other.join().expect("it took its turns");
        });
        assert_eq!(turns.into_inner(), 1000, "{strategy}");
    }
}

/// What waiting on a bell that nobody rings for `length` costs the calling thread, and how long it took.
fn waiting_costs(waiter: &Waiter, length: Duration) -> (Duration, Duration) {
    let cpu_time = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid, writable timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let bell = Doorbell::futex();
    let (wall, cpu) = (Monotonic::now(), cpu_time());
    let until = Monotonic::now().plus(length);
    while Monotonic::now() < until {
        waiter.wait(&bell, bell.count(), until);
    }
    (cpu_time() - cpu, wall.elapsed())
}

#[test]
fn a_throttled_spinner_sleeps_once_its_budget_is_gone() {
    let length = Duration::from_millis(300);
    // 2 ms at once and 20 ms a second: in 300 ms no more than 8 ms of spinning. A spin is charged by the wall clock, so a
    // crowded machine only makes it less.
    let share = (Duration::from_millis(4), Duration::from_millis(100));
    let (bounded, wall) = waiting_costs(&Waiter::throttled(WaitStrategy::Spin, Some(share)), length);
    assert!(bounded <= wall / 10, "{bounded:?} busy in {wall:?}");
    let (free, _) = waiting_costs(&Waiter::throttled(WaitStrategy::Spin, None), length);
    assert!(free >= 2 * bounded, "{free:?} without a bound, {bounded:?} with one");
}

#[test]
fn a_real_time_spinner_leaves_its_core_to_others() {
    let spec = ThreadSpec { policy: Policy::Fifo { priority: 1 }, ..ThreadSpec::named("spinner") };
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let body = move || {
        let spent = waiting_costs(&Waiter::new(WaitStrategy::Spin, 1), Duration::from_millis(1200));
        tell.send(spent).map_err(|error| error.to_string())
    };
    match spawn(&spec, Strictness::Strict, &StopToken::default(), body) {
        Ok(thread) => assert_eq!(thread.join().1, ThreadEnd::Done),
        Err(refusal) => {
            eprintln!("SKIPPED: {refusal}");
            return;
        }
    }
    // Half of what throttling allows: a quarter at once and a quarter more per period, of which 1.2 passed.
    let (busy, wall) = told.recv().expect("told");
    assert!(busy <= wall * 6 / 10, "{busy:?} busy in {wall:?}");
}

#[test]
fn a_watched_wait_beats_and_ends_within_its_limit() {
    let heartbeat = Heartbeat::default();
    let limit = Duration::from_millis(40);
    let waiter = Waiter::new(WaitStrategy::Futex, 1).beating(heartbeat.clone(), limit);
    let bell = Doorbell::futex();
    let begun = Monotonic::now();
    // Far beyond any test's patience: only the heartbeat ends these.
    for _ in 0..5 {
        let before = Monotonic::now();
        waiter.wait(&bell, bell.count(), begun.plus(Duration::from_secs(3600)));
        assert!(heartbeat.last() >= before);
    }
    let before = Monotonic::now();
    waiter.beat();
    assert!(waiter.heartbeat().last() >= before);
}
