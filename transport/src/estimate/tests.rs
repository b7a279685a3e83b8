use super::*;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);
const MIN_RTT: Duration = Duration::from_millis(50);
/// 10 Mbit/s.
const TRUTH: f64 = 1_250_000.0;

/// A link as the estimator sees it: acknowledgements and trains at a rate that the test changes.
struct Play {
    estimator: RateEstimator,
    now: Monotonic,
    delivered: u64,
}

impl Play {
    fn new() -> Self {
        Self {
            estimator: RateEstimator::new(EstimatorLimits::default()),
            now: Monotonic::from_ns(1_000_000_000),
            delivered: 0,
        }
    }

    /// Busy for `time`: a queue stands, acknowledgements come at `rate`, a result every 50 ms.
    fn busy(&mut self, time: Duration, rate: f64) {
        for step in 0..time.as_millis() as u64 / 5 {
            self.now = self.now.plus(5 * MS);
            self.delivered += (rate * 0.005) as u64;
            self.estimator.acknowledged(self.now, self.delivered, 50_000);
            self.estimator.round_trip(self.now, MIN_RTT + 60 * MS, MIN_RTT, MIN_RTT + 50 * MS, 50_000);
            if step % 10 == 9 {
                self.estimator.train(self.now, rate, 40_000);
            }
        }
    }

    /// A frame of 20 KB every 100 ms on a link of `rate`: hardly used, and seen only by its trains.
    fn light(&mut self, time: Duration, rate: f64) {
        for _ in 0..time.as_millis() as u64 / 100 {
            self.now = self.now.plus(100 * MS);
            self.delivered += 20_000;
            self.estimator.acknowledged(self.now, self.delivered, 0);
            self.estimator.round_trip(self.now, MIN_RTT, MIN_RTT, MIN_RTT, 0);
            self.estimator.train(self.now, rate, 20_000);
        }
    }

    fn rate(&self) -> f64 {
        self.estimator.rate(self.now)
    }
}

#[test]
fn while_little_is_sent_trains_still_tell_the_rate() {
    let mut play = Play::new();
    play.light(Duration::from_secs(2), TRUTH);
    assert!((play.rate() / TRUTH - 1.0).abs() < 0.1, "{}", play.rate());
}

#[test]
fn a_halving_is_seen_within_400_ms_while_busy_and_while_lightly_used() {
    for busy in [true, false] {
        let mut play = Play::new();
        let go = |play: &mut Play, time, rate| if busy { play.busy(time, rate) } else { play.light(time, rate) };
        go(&mut play, Duration::from_secs(3), TRUTH);
        assert!((play.rate() / TRUTH - 1.0).abs() < 0.1, "busy {busy}: {}", play.rate());
        go(&mut play, 400 * MS, TRUTH / 2.0);
        assert!(play.rate() < 0.6 * TRUTH, "busy {busy}: {}", play.rate());
        go(&mut play, Duration::from_secs(1), TRUTH / 2.0);
        assert!((play.rate() / (TRUTH / 2.0) - 1.0).abs() < 0.15, "busy {busy}: {}", play.rate());
    }
}

/// Packets leave as acknowledgements come, so that trains show whatever is believed: only the missing queue tells.
#[test]
fn a_full_window_without_a_queue_raises_the_estimate_until_one_stands() {
    let mut play = Play::new();
    for _ in 0..400 {
        play.now = play.now.plus(5 * MS);
        let carried = play.rate().min(TRUTH);
        play.delivered += (carried * 0.005) as u64;
        play.estimator.acknowledged(play.now, play.delivered, 50_000);
        // What is sent beyond the truth queues, up to the window's headroom.
        let queue = if play.rate() > TRUTH { 8 * MS } else { MS };
        play.estimator.round_trip(play.now, MIN_RTT + queue, MIN_RTT, MIN_RTT + queue, 50_000);
        play.estimator.window(play.now, MIN_RTT + queue, MIN_RTT, true);
        play.estimator.train(play.now, carried, 3_000);
    }
    assert!((0.9..1.2).contains(&(play.rate() / TRUTH)), "{}", play.rate());
    let before = play.rate();
    for _ in 0..100 {
        play.now = play.now.plus(5 * MS);
        play.estimator.window(play.now, MIN_RTT, MIN_RTT, false);
    }
    assert!(play.rate() <= before, "a window with room says nothing");
}

#[test]
fn little_is_sent_and_yet_a_queue_stands_then_acknowledgements_tell_and_one_late_one_does_not() {
    let little = |late: fn(u64) -> bool| {
        let mut play = Play::new();
        play.estimator.set_app_limited(true);
        for step in 0..20 {
            play.now = play.now.plus(33 * MS);
            play.delivered += 1_200;
            let latest = MIN_RTT + if late(step) { 150 * MS } else { MS };
            play.estimator.acknowledged(play.now, play.delivered, 10_000);
            play.estimator.round_trip(play.now, latest, MIN_RTT, MIN_RTT, 10_000);
        }
        play
    };
    let queued = little(|_| true);
    // 1,200 bytes in 33 ms.
    assert!(queued.rate() < 45_000.0, "{}", queued.rate());
    assert!(queued.estimator.is_measured(queued.now));
    let lone = little(|step| step % 4 == 3);
    assert_eq!(lone.rate(), EstimatorLimits::default().initial);
}

#[test]
fn silence_takes_nine_tenths_within_half_a_second_and_acknowledgements_bring_it_back() {
    let mut play = Play::new();
    play.busy(Duration::from_secs(2), TRUTH);
    play.now = play.now.plus(500 * MS);
    assert!(play.rate() < TRUTH / 10.0, "{}", play.rate());
    play.now = play.now.plus(Duration::from_secs(20));
    assert!(play.rate() > 0.0, "never nothing at all");
    play.busy(Duration::from_secs(1), TRUTH);
    assert!((play.rate() / TRUTH - 1.0).abs() < 0.15, "{}", play.rate());
}

#[test]
fn without_bytes_in_flight_silence_means_nothing() {
    let mut play = Play::new();
    play.light(Duration::from_secs(2), TRUTH);
    let before = play.rate();
    play.now = play.now.plus(Duration::from_secs(60));
    assert_eq!(play.rate(), before);
    play.estimator.sent(play.now);
    play.now = play.now.plus(500 * MS);
    assert!(play.rate() < before / 4.0, "but what is sent has to be acknowledged");
}

#[test]
fn where_nothing_was_ever_measured_frames_that_no_queue_held_up_raise_the_estimate() {
    let (mut play, mut before) = (Play::new(), 0.0);
    for _ in 0..5 {
        assert!(play.rate() > 1.5 * before, "{} after {before}", play.rate());
        before = play.rate();
        for _ in 0..10 {
            play.now = play.now.plus(20 * MS);
            play.delivered += 2_000;
            play.estimator.acknowledged(play.now, play.delivered, 5_000);
            play.estimator.round_trip(play.now, MIN_RTT, MIN_RTT, MIN_RTT, 5_000);
        }
        play.estimator.late(play.now, 10_000, 130 * MS);
    }
    let grown = play.rate();
    // In silence it is the link that holds frames up, and of a rate that trains tell nothing else is believed.
    play.now = play.now.plus(150 * MS);
    play.estimator.late(play.now, 0, 130 * MS);
    assert!(play.rate() <= grown, "{} after {grown}", play.rate());
    play.light(Duration::from_secs(2), TRUTH);
    play.estimator.late(play.now, 10_000, 130 * MS);
    assert!((play.rate() / TRUTH - 1.0).abs() < 0.1, "{}", play.rate());
}

#[test]
fn late_frames_lower_the_estimate_step_by_step() {
    let mut play = Play::new();
    play.light(Duration::from_secs(2), TRUTH);
    let before = play.rate();
    play.estimator.late(play.now, 10_000, 200 * MS);
    assert_eq!(play.rate(), before, "without a queue the link was not the cause");
    play.estimator.round_trip(play.now, MIN_RTT + 60 * MS, MIN_RTT, MIN_RTT, 10_000);
    for _ in 0..3 {
        play.estimator.late(play.now, 10_000, 200 * MS);
    }
    assert!(play.rate() < 0.3 * TRUTH, "{}", play.rate());
    let before = play.rate();
    play.estimator.late(play.now, 0, 10 * MS);
    assert_eq!(play.rate(), before, "less than a round trip says nothing");
}

#[test]
fn one_absurd_train_does_not_carry_the_estimate_away() {
    let mut play = Play::new();
    play.light(Duration::from_secs(2), TRUTH);
    play.estimator.train(play.now, 1e12, 1_000);
    assert!(play.rate() < 1.2 * TRUTH, "the percentile holds: {}", play.rate());
    let mut fresh = Play::new();
    fresh.estimator.train(fresh.now, 1e12, 60_000);
    assert!(fresh.rate() <= 2.0 * EstimatorLimits::default().initial);
}

#[test]
fn a_first_probe_after_a_dead_link_makes_the_link_usable_again() {
    let mut play = Play::new();
    play.busy(Duration::from_secs(1), TRUTH);
    play.now = play.now.plus(Duration::from_secs(10));
    play.estimator.acknowledged(play.now, play.delivered, 0);
    play.estimator.train(play.now, TRUTH, 20_000);
    assert!(play.rate() >= EstimatorLimits::default().initial, "{}", play.rate());
}

proptest! {
    /// Whatever it is told, in whatever order, the estimate stays within its limits and is a number.
    #[test]
    fn the_estimate_is_always_within_its_limits(steps in prop::collection::vec((0..6_u8, any::<f64>(), any::<u32>(), 0..2_000_u64), 0..300)) {
        let limits = EstimatorLimits::default();
        let mut play = Play::new();
        for (action, rate, bytes, gap) in steps {
            play.now = play.now.plus(MS * gap as u32);
            let (now, estimator) = (play.now, &mut play.estimator);
            match action {
                0 => estimator.train(now, rate, bytes),
                1 => estimator.acknowledged(now, u64::from(bytes), gap),
                2 => estimator.round_trip(now, MS * (bytes % 5_000), MIN_RTT, MIN_RTT, gap),
                3 => estimator.late(now, u64::from(bytes), MS * gap as u32),
                4 => estimator.sent(now),
                _ => estimator.reconnected(),
            }
            let rate = play.rate();
            prop_assert!((limits.least..=limits.most).contains(&rate), "{rate}");
        }
    }

    /// A steady link is found from its trains, whatever its rate.
    #[test]
    fn a_steady_rate_is_found(rate in 220_000.0..1e8_f64) {
        let mut play = Play::new();
        play.light(Duration::from_secs(4), rate);
        prop_assert!((play.rate() / rate - 1.0).abs() < 0.1, "{} of {rate}", play.rate());
    }
}

#[test]
fn the_range_is_told_by_a_seconds_trains_and_holds_the_estimate() {
    let mut estimator = RateEstimator::new(EstimatorLimits::default());
    let mut now = Monotonic::from_ns(1);
    assert_eq!(estimator.range(now), None, "nothing was measured");
    // Half of the trains of a link of 1 MB/s come at two thirds of that, one in eight at 1.2 MB/s.
    for train in 0..40 {
        now = now.plus(Duration::from_millis(60));
        let rate = match train % 8 {
            0..4 => 667_000.0,
            4..7 => 1_000_000.0,
            _ => 1_200_000.0,
        };
        estimator.train(now, rate, 12_000);
        if train < 3 {
            assert_eq!(estimator.range(now), None, "{train}");
        }
    }
    let range = estimator.range(now).expect("it was measured");
    let rate = estimator.rate(now);
    assert!(range.low < 0.7 * rate && range.low > 0.6 * rate, "{range:?} around {rate}");
    assert!(range.high >= rate && range.high <= 1.25 * rate, "{range:?} around {rate}");
    let later = now.plus(Duration::from_millis(1_100));
    assert_eq!(estimator.range(later), None, "a second ago is history");
    estimator.train(now, 1_000_000.0, 12_000);
    assert!(estimator.range(now).is_some());
    estimator.reconnected();
    assert_eq!(estimator.range(now), None, "another path");
}
