//! The watch against a model that looks at every beat there was.

use std::time::Duration;

use proptest::prelude::*;

use super::order::at;
use crate::lifecycle::{Loss, OnLoss, Sign, Watch};

proptest! {
    /// With rounds that come in time, a thread is lost exactly in the rounds at which its last beat is older than its
    /// limit, and each change is told once.
    #[test]
    fn a_thread_is_lost_while_its_last_beat_is_older_than_its_limit(
        limits_ms in prop::collection::vec(1_000..3_000_u64, 1..4),
        rounds in prop::collection::vec((1..=500_u64, any::<[bool; 4]>()), 1..200),
    ) {
        let mut watch = Watch::default();
        let name = |index: usize| format!("thread-{index}");
        let threads: Vec<_> = limits_ms.iter().enumerate()
            .map(|(index, &limit)| watch.add(&name(index), Duration::from_millis(limit), OnLoss::Degrade, at(0)))
            .collect();
        watch.begin(at(0));
        let (mut now, mut last, mut lost) = (0, vec![0; threads.len()], vec![false; threads.len()]);
        for (pause, beats) in rounds {
            now += pause;
            for (index, heartbeat) in threads.iter().enumerate().filter(|&(index, _)| beats[index]) {
                // Half way to this round, as threads do.
                last[index] = now - pause / 2;
                heartbeat.beat(at(last[index]));
            }
            let mut signs = watch.round(at(now));
            for (index, &limit) in limits_ms.iter().enumerate() {
                let silence = now - last[index];
                let expected = if silence > limit && !lost[index] {
                    let loss = Loss::Missed(Duration::from_millis(silence));
                    Some(Sign::Lost { thread: name(index), loss, on_loss: OnLoss::Degrade })
                } else if silence <= limit && lost[index] {
                    Some(Sign::Back { thread: name(index) })
                } else {
                    None
                };
                lost[index] = silence > limit;
                if let Some(expected) = expected {
                    prop_assert_eq!(signs.remove(0), expected);
                }
            }
            prop_assert_eq!(signs, vec![]);
        }
    }
}

#[test]
fn silence_is_counted_from_the_beginning_of_the_work() {
    let mut watch = Watch::default();
    let limit = Duration::from_secs(1);
    let _silent = watch.add("worker", limit, OnLoss::Fault, at(0));
    // A start that takes a minute is no silence.
    watch.begin(at(60_000));
    for ms in (60_000..=61_000).step_by(100) {
        assert!(watch.round(at(ms)).is_empty(), "{ms}");
    }
    assert_eq!(watch.round(at(61_100)).len(), 1);
    assert_eq!(watch.period(), Some(limit / 10));
    watch.remove("worker");
    assert_eq!((watch.lost().count(), watch.period()), (0, None));
}
