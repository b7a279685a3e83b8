use super::*;
use proptest::prelude::*;

fn at(ms: u64) -> Monotonic {
    Monotonic::from_ns(1_000_000_000 + ms * 1_000_000)
}

fn entry(id: u64, car: u64, service: u16, deadline_ms: u64) -> Entry {
    Entry { id, owner: Owner { car, service }, seq: id, model: 0, deadline: at(deadline_ms) }
}

const fn takes(ms: u64) -> impl Fn(u16) -> Duration {
    move |_| Duration::from_millis(ms)
}

#[test]
fn the_earliest_deadline_runs_first() {
    let mut scheduler = Scheduler::default();
    for (id, deadline) in [(1, 300), (2, 100), (3, 200)] {
        assert_eq!(scheduler.submit(entry(id, id, 1, deadline)), None);
    }
    let ids: Vec<u64> = std::iter::from_fn(|| match scheduler.next(at(0), takes(10)) {
        Some(Verdict::Run(entry)) => Some(entry.id),
        _ => None,
    })
    .collect();
    assert_eq!(ids, [2, 3, 1]);
}

#[test]
fn a_service_has_one_running_and_one_waiting() {
    let mut scheduler = Scheduler::default();
    scheduler.submit(entry(1, 1, 1, 100));
    assert!(matches!(scheduler.next(at(0), takes(10)), Some(Verdict::Run(e)) if e.id == 1));
    scheduler.submit(entry(2, 1, 1, 200));
    assert_eq!(scheduler.next(at(0), takes(10)), None, "its predecessor still runs");
    assert_eq!(scheduler.submit(entry(3, 1, 1, 300)).map(|e| e.id), Some(2), "the newer cancels the waiting one");
    scheduler.finished(1);
    assert!(matches!(scheduler.next(at(0), takes(10)), Some(Verdict::Run(e)) if e.id == 3));
}

#[test]
fn a_frame_that_was_overtaken_does_not_replace_the_newer_one() {
    let mut scheduler = Scheduler::default();
    assert_eq!(scheduler.submit(entry(2, 1, 1, 200)), None);
    assert_eq!(scheduler.submit(entry(1, 1, 1, 100)).map(|e| e.id), Some(1));
    assert!(matches!(scheduler.next(at(0), takes(10)), Some(Verdict::Run(e)) if e.id == 2));
    scheduler.finished(2);
    assert_eq!(scheduler.submit(entry(1, 1, 1, 100)), None, "but alone it is as good as any");
}

#[test]
fn what_cannot_make_it_is_told_and_the_next_gets_the_worker() {
    let mut scheduler = Scheduler::default();
    scheduler.submit(entry(1, 1, 1, 1_000));
    assert!(matches!(scheduler.next(at(0), takes(10)), Some(Verdict::Run(_))));
    scheduler.submit(entry(2, 2, 1, 50));
    scheduler.submit(entry(3, 3, 1, 500));
    assert!(matches!(scheduler.next(at(0), takes(60)), Some(Verdict::Expired(e)) if e.id == 2));
    assert!(matches!(scheduler.next(at(0), takes(60)), Some(Verdict::Run(e)) if e.id == 3));
}

#[test]
fn measured_times_that_fit_no_budget_do_not_starve_a_model() {
    let mut scheduler = Scheduler::default();
    scheduler.submit(entry(1, 1, 1, 100));
    assert!(matches!(scheduler.next(at(0), takes(10_000)), Some(Verdict::Run(_))), "nothing ran for 250 ms");
    scheduler.finished(1);
    scheduler.submit(entry(2, 1, 1, 100));
    assert!(matches!(scheduler.next(at(1), takes(10_000)), Some(Verdict::Expired(_))));
}

#[test]
fn a_cancelled_task_is_gone() {
    let mut scheduler = Scheduler::default();
    scheduler.submit(entry(1, 1, 1, 100));
    scheduler.cancel(1);
    assert_eq!((scheduler.waiting(), scheduler.next(at(0), takes(1))), (0, None));
}

proptest! {
    /// Against a plain list as the oracle: every task leaves exactly once, no owner ever runs two, none runs after its
    /// deadline, and of the runnable ones the earliest runs.
    #[test]
    fn random_traffic_keeps_every_rule(steps in proptest::collection::vec((0..4_u8, 0..3_u64, 0..2_u16, 0..300_u64, 0..4_u64), 1..300)) {
        let mut scheduler = Scheduler::default();
        let mut waiting: Vec<Entry> = Vec::new();
        let mut running: Vec<Entry> = Vec::new();
        let (mut id, mut out) = (0_u64, 0_u64);
        for (step, (action, car, service, budget, overtaken)) in steps.iter().enumerate() {
            let ms = step as u64 * 5;
            match action {
                0 | 1 => {
                    let new = Entry { seq: id.saturating_sub(*overtaken), ..entry(id, *car, *service, ms + budget) };
                    id += 1;
                    let older = scheduler.submit(new);
                    let newest = |waits: &Entry| waits.seq <= new.seq;
                    let expected = match waiting.iter().position(|e| e.owner == new.owner) {
                        Some(index) if newest(&waiting[index]) => Some(std::mem::replace(&mut waiting[index], new)),
                        Some(_) => Some(new),
                        None => {
                            waiting.push(new);
                            None
                        }
                    };
                    prop_assert_eq!(older, expected);
                    out += u64::from(older.is_some());
                }
                2 => match scheduler.next(at(ms), takes(20)) {
                    None => prop_assert!(waiting.iter().all(|e| running.iter().any(|r| r.owner == e.owner))),
                    Some(Verdict::Expired(e)) => {
                        prop_assert!(at(ms + 20) > e.deadline);
                        waiting.retain(|w| w.id != e.id);
                        out += 1;
                    }
                    Some(Verdict::Run(e)) => {
                        prop_assert!(e.deadline > at(ms));
                        prop_assert!(running.iter().all(|r| r.owner != e.owner));
                        waiting.retain(|w| w.id != e.id);
                        let free = |w: &&Entry| running.iter().all(|r| r.owner != w.owner);
                        prop_assert!(waiting.iter().filter(free).all(|w| w.deadline >= e.deadline));
                        running.push(e);
                    }
                },
                _ => if let Some(done) = running.pop() {
                    scheduler.finished(done.id);
                    out += 1;
                },
            }
            prop_assert_eq!(scheduler.waiting(), waiting.len());
            prop_assert_eq!(scheduler.running(), running.len());
        }
        prop_assert_eq!(out + waiting.len() as u64 + running.len() as u64, id);
    }
}
