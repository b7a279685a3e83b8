use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn at(ms: u64) -> Monotonic {
    Monotonic::from_ns(1_000_000_000 + ms * 1_000_000)
}

fn frame(item: u64, deadline_ms: u64, bytes: usize) -> Waiting<u64> {
    Waiting { item, deadline: Deadline::at(at(deadline_ms)), bytes, execution: 10 * MS, fresh: 200 * MS }
}

const FAST: Outlook = Outlook {
    rate: 1e9,
    low_rate: 1e9,
    trusted: true,
    min_rtt: Duration::from_millis(50),
    ahead_bytes: 0,
    loss: 0.0,
    mends_at_once: false,
};
/// 1 MB/s, measured under load.
const SLOW: Outlook = Outlook {
    rate: 1e6,
    low_rate: 1e6,
    trusted: true,
    min_rtt: Duration::from_millis(50),
    ahead_bytes: 0,
    loss: 0.0,
    mends_at_once: false,
};

#[test]
fn the_earliest_deadline_goes_first_then_priority_then_who_waited_longest() {
    let mut queue = UplinkQueue::new([1.0, 1.0, 2.0], at(0));
    queue.offer(0, frame(0, 300, 1_000));
    queue.offer(1, frame(1, 200, 1_000));
    queue.offer(2, frame(2, 300, 1_000));
    let order: Vec<u64> = std::iter::from_fn(|| queue.admit(at(1), &FAST, |_| true)).map(|(_, f)| f.item).collect();
    assert_eq!(order, [1, 2, 0]);
}

#[test]
fn a_newer_frame_replaces_the_waiting_one_and_gives_it_back() {
    let mut queue = UplinkQueue::new([1.0], at(0));
    assert!(queue.offer(0, frame(1, 200, 1)).is_none());
    assert_eq!(queue.offer(0, frame(2, 300, 1)).map(|f| f.item), Some(1));
    assert_eq!(queue.offer(9, frame(3, 300, 1)).map(|f| f.item), Some(3), "no such lane");
}

#[test]
fn a_frame_that_cannot_make_it_under_a_trusted_rate_stays_until_starvation() {
    let mut queue = UplinkQueue::new([1.0], at(0));
    queue.offer(0, frame(1, 500, 600_000));
    assert!(queue.admit(at(100), &SLOW, |_| true).is_none(), "600 ms of transmission in 400 ms of budget");
    assert!(queue.admit(at(251), &SLOW, |_| true).is_some(), "nothing was admitted for 250 ms");
}

#[test]
fn bytes_ahead_count() {
    let mut queue = UplinkQueue::new([1.0], at(0));
    queue.offer(0, frame(1, 250, 100_000));
    assert!(queue.admit(at(0), &Outlook { ahead_bytes: 150_000, ..SLOW }, |_| true).is_none());
    assert!(queue.admit(at(0), &Outlook { ahead_bytes: 50_000, ..SLOW }, |_| true).is_some());
}

#[test]
fn an_untrusted_rate_drops_nothing() {
    let mut queue = UplinkQueue::new([1.0], at(0));
    queue.offer(0, frame(1, 200, 50_000_000));
    assert!(queue.admit(at(0), &Outlook { trusted: false, rate: 1.0, ..SLOW }, |_| true).is_some());
}

#[test]
fn a_lane_that_is_not_ready_waits() {
    let mut queue = UplinkQueue::new([1.0, 1.0], at(0));
    queue.offer(0, frame(1, 200, 1));
    queue.offer(1, frame(2, 300, 1));
    assert_eq!(queue.admit(at(0), &FAST, |lane| lane == 1).map(|(_, f)| f.item), Some(2));
    assert!(queue.admit(at(1000), &FAST, |_| false).is_none());
}

#[test]
fn a_begun_frame_is_given_up_only_when_out_of_reach() {
    let deadline = Deadline::at(at(200));
    let untrusted = Outlook { trusted: false, ..SLOW };
    assert!(!hopeless(at(0), deadline, 140_000, true, &SLOW), "146 ms and a round trip in 200 ms");
    assert!(!hopeless(at(0), deadline, 180_000, true, &SLOW), "a little over is not worth a wrong verdict");
    assert!(hopeless(at(0), deadline, 250_000, true, &SLOW));
    assert!(!hopeless(at(0), deadline, 250_000, false, &SLOW), "nobody else has a use for the link");
    assert!(!hopeless(at(0), deadline, 250_000, true, &untrusted));
    assert!(hopeless(at(160), deadline, 1, false, &untrusted), "less than a round trip is left for what is unsent");
    assert!(!hopeless(at(199), deadline, 0, true, &SLOW), "what is sent may arrive until the deadline");
}

#[test]
fn who_has_sent_more_than_its_share_goes_after_the_others_and_of_those_the_higher_priority_first() {
    let mut queue = UplinkQueue::new([1.0, 1.0, 5.0], at(0));
    for lane in 0..3 {
        queue.set_share(lane, 100_000.0, at(0));
    }
    // Lanes 0 and 2 use up what they had saved, 40,000 bytes, and more.
    for (lane, number) in [(0, 1), (2, 2)] {
        queue.offer(lane, frame(number, 300, 60_000));
        assert_eq!(queue.admit(at(0), &FAST, |_| true).map(|(_, f)| f.item), Some(number));
    }
    queue.offer(0, frame(3, 200, 1_000));
    queue.offer(1, frame(4, 400, 1_000));
    queue.offer(2, frame(5, 300, 1_000));
    let order: Vec<u64> = std::iter::from_fn(|| queue.admit(at(1), &FAST, |_| true)).map(|(_, f)| f.item).collect();
    assert_eq!(order, [4, 5, 3], "within its share; lent by priority");
    // In time every share is earned back.
    queue.offer(0, frame(6, 2_200, 1_000));
    queue.offer(1, frame(7, 2_400, 1_000));
    let first = queue.admit(at(2_000), &FAST, |_| true).map(|(_, f)| f.item);
    assert_eq!(first, Some(6), "the earliest deadline");
}

#[test]
fn with_loss_a_frame_that_has_time_for_a_repetition_goes_before_an_earlier_one_that_has_not() {
    let lossy = Outlook { loss: 0.01, ..SLOW };
    let mut queue = UplinkQueue::new([1.0, 1.0], at(0));
    // 42 ms on the wire, a round trip of 50, 10 in the cloud: 102 ms, and 59 more where a packet is lost.
    queue.offer(0, frame(1, 150, 40_000));
    queue.offer(1, frame(2, 190, 40_000));
    assert_eq!(queue.admit(at(0), &lossy, |_| true).map(|(_, f)| f.item), Some(2));
    let mut queue = UplinkQueue::new([1.0, 1.0], at(0));
    queue.offer(0, frame(1, 150, 40_000));
    queue.offer(1, frame(2, 190, 40_000));
    assert_eq!(queue.admit(at(0), &SLOW, |_| true).map(|(_, f)| f.item), Some(1), "without loss the earliest");
}

#[test]
fn a_frame_without_time_for_a_repetition_waits_until_the_link_would_idle() {
    let busy = Outlook { loss: 0.01, ahead_bytes: 60_000, ..SLOW };
    let mut queue = UplinkQueue::new([1.0], at(0));
    queue.offer(0, frame(1, 160, 40_000));
    assert!(queue.admit(at(0), &busy, |_| true).is_none(), "a safer one may come meanwhile");
    assert!(queue.admit(at(5), &Outlook { ahead_bytes: 45_000, ..busy }, |_| true).is_some());
}

#[test]
fn what_could_not_be_sent_again_in_time_is_the_end_of_a_frame() {
    // As above: 102 ms, and 59 more for what is lost; the last byte of 42 ms, the first byte that much earlier.
    let part = |deadline| late_part(at(0), &frame(1, deadline, 40_000), &SLOW);
    assert_eq!(part(170), 0.0);
    assert!((part(140) - 0.5).abs() < 0.02, "{}", part(140));
    assert_eq!((part(115), part(50)), (1.0, 1.0));
}

proptest! {
    /// More time never leaves more that could not be sent again.
    #[test]
    fn the_late_part_shrinks_with_time(deadline in 0..1_000_u64, more in 0..1_000_u64, bytes: u32, low in 0.0..1e6_f64) {
        let outlook = Outlook { low_rate: low, ..SLOW };
        let part = |deadline| late_part(at(0), &frame(1, deadline, bytes as usize), &outlook);
        prop_assert!((0.0..=1.0).contains(&part(deadline)));
        prop_assert!(part(deadline + more) <= part(deadline));
    }

    /// Random offers, sweeps and admissions: each frame leaves exactly once, none is invented, and admission never
    /// prefers a later deadline to an earlier one that could make it.
    #[test]
    fn every_frame_leaves_exactly_once(steps in proptest::collection::vec((0..4_usize, 0..3_usize, 0..400_u64, 1..400_000_usize), 1..200)) {
        let mut queue = UplinkQueue::new([1.0, 2.0, 3.0], at(0));
        let (mut offered, mut left) = (0_u64, Vec::new());
        for (step, (action, lane, budget, bytes)) in steps.iter().enumerate() {
            let now = at(step as u64 * 7);
            match action {
                0 | 1 => {
                    let deadline = step as u64 * 7 + budget;
                    left.extend(queue.offer(*lane, frame(offered, deadline, *bytes)).map(|f| f.item));
                    offered += 1;
                }
                2 => left.extend(queue.take_expired(now, SLOW.min_rtt).map(|(_, f)| f.item)),
                _ => left.extend(queue.admit(now, &SLOW, |_| true).map(|(_, f)| f.item)),
            }
        }
        left.extend(std::iter::from_fn(|| queue.take_any()).map(|(_, f)| f.item));
        prop_assert!(queue.is_empty());
        left.sort_unstable();
        prop_assert_eq!(left, (0..offered).collect::<Vec<_>>());
    }

    /// However wrong the estimate, a lane with frames is served at least every 250 ms.
    #[test]
    fn no_estimate_starves_the_queue(rate in 0.0..1e6_f64, trusted: bool) {
        let outlook = Outlook { rate, low_rate: rate, trusted, min_rtt: 50 * MS, ahead_bytes: 0, loss: 0.0, mends_at_once: false };
        let mut queue = UplinkQueue::new([1.0], at(0));
        let mut last = 0;
        for now in (0..5_000).step_by(10) {
            if now % 100 == 0 {
                queue.offer(0, frame(now, now + 200, 5_000_000));
            }
            while queue.take_expired(at(now), outlook.min_rtt).is_some() {}
            if queue.admit(at(now), &outlook, |_| true).is_some() {
                last = now;
            }
            prop_assert!(now - last <= 350, "nothing admitted between {last} and {now} ms");
        }
    }
}
