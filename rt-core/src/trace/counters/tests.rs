use super::*;
use crate::clock::Monotonic;
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn names_differ_and_every_counter_says_what_it_counts() {
    let (_, watch) = ThreadCounters::new("any");
    let names: BTreeSet<&str> = watch.snapshot().iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), Counter::COUNT + KernelCounter::COUNT);
    assert_eq!(Counter::Loops.meaning(), "Passes of the thread's main loop.");
    assert!(KernelCounter::ALL.iter().all(|counter| !counter.meaning().is_empty()));
}

#[test]
fn a_thread_s_counts_never_fall_for_whoever_looks_and_end_exact() {
    const LOOPS: u64 = 200_000;
    let (mut counters, watch) = ThreadCounters::new("busy");
    let thread = std::thread::spawn(move || {
        for _ in 0..LOOPS {
            counters.tick(Monotonic::ZERO);
            counters.add(Counter::Items, 3);
        }
    });
    let mut before = watch.snapshot();
    while !thread.is_finished() {
        let now = watch.snapshot();
        assert!(now.iter().zip(before.iter()).all(|(now, before)| now.1 >= before.1), "{now:?} after {before:?}");
        before = now;
    }
    thread.join().unwrap();
    let end = watch.snapshot();
    assert_eq!((end.get(Counter::Loops), end.get(Counter::Items), end.get(Counter::Drops)), (LOOPS, 3 * LOOPS, 0));
    assert_eq!(end.since(&end), CounterSnapshot::default());
    assert_eq!(watch.thread(), "busy");
}

#[test]
fn the_kernel_s_numbers_are_read_once_a_second_and_at_the_end() {
    let (mut counters, watch) = ThreadCounters::new("sleeper");
    let (begun_in, begun) = std::sync::mpsc::sync_channel(0);
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let thread = std::thread::spawn(move || {
        let start = Monotonic::from_ns(5_000_000_000);
        counters.tick(start);
        let first = kernel::of_this_thread();
        for _ in 0..10 {
            std::thread::sleep(Duration::from_micros(100));
        }
        counters.tick(start.plus(Duration::from_millis(999)));
        begun_in.send(first).unwrap();
        let _ = wait.recv();
    });
    let switches = |counts: [u64; KernelCounter::COUNT]| counts[KernelCounter::VoluntarySwitches as usize];
    let first = begun.recv().unwrap();
    let read_once = watch.snapshot().kernel(KernelCounter::VoluntarySwitches);
    assert!(read_once <= switches(first), "{read_once} switches by the first reading, {}", switches(first));
    go.send(()).unwrap();
    thread.join().unwrap();
    let at_the_end = watch.snapshot().kernel(KernelCounter::VoluntarySwitches);
    assert!(at_the_end >= switches(first) + 10, "{at_the_end} switches, ten of them sleeps");
}

#[test]
fn counters_dropped_by_another_thread_keep_their_own_thread_s_numbers() {
    let (mut counters, watch) = ThreadCounters::new("mover");
    let counters = std::thread::spawn(move || {
        counters.tick(Monotonic::now());
        counters
    })
    .join()
    .unwrap();
    let before = watch.snapshot();
    drop(counters);
    assert_eq!(watch.snapshot(), before);
}
