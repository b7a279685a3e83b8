use super::*;
use proptest::prelude::*;

const MS: u64 = 1_000_000;
const MS_I: i64 = 1_000_000;

/// A car and a cloud whose clock is `offset` ahead and runs `drift_ppm` fast, 20 ms apart each way.
struct Play {
    clocks: ClockOffset,
    now: u64,
    offset: i64,
    drift_ppm: i64,
}

impl Play {
    fn new(offset: i64, drift_ppm: i64) -> Self {
        Self { clocks: ClockOffset::default(), now: 1_000_000 * MS, offset, drift_ppm }
    }

    fn cloud(&self, car_ns: u64) -> u64 {
        let drift = (car_ns as i64 - 1_000_000 * MS_I) / 1_000_000 * self.drift_ppm;
        (car_ns as i64 + self.offset + drift) as u64
    }

    /// A frame that waits `up` and `down` in queues, and `work` in the cloud.
    fn frame(&mut self, up: u64, work: u64, down: u64) -> (Monotonic, Monotonic, Stamps) {
        let header = self.now + 20 * MS + up;
        let last = header + work / 2;
        let result = header + work;
        let received = result + 20 * MS + down;
        let stamps = Stamps {
            car_sent_ns: self.now,
            header_received_ns: self.cloud(header),
            last_received_ns: self.cloud(last),
            result_sent_ns: self.cloud(result),
        };
        let instants = (Monotonic::from_ns(self.now), Monotonic::from_ns(received), stamps);
        self.now += 100 * MS;
        instants
    }

    fn hear(&mut self, up: u64, work: u64, down: u64) -> Result<DelaySample, AbsurdStamps> {
        let (sent, received, stamps) = self.frame(up, work, down);
        self.clocks.sample(sent, received, &stamps)
    }
}

#[test]
fn queues_show_in_their_own_direction_and_leave_the_offset_alone() {
    let mut play = Play::new(-700 * MS_I, 0);
    play.hear(0, 30 * MS, 0).unwrap();
    for (up, down) in [(0, 0), (80, 0), (0, 60), (50, 10), (200, 200)] {
        let seen = play.hear(up * MS, 5 * MS, down * MS).unwrap();
        let ms = Duration::from_millis;
        assert_eq!(
            seen,
            DelaySample { round_trip: ms(40 + up + down), up_variation: ms(up), down_variation: ms(down) }
        );
        let estimate = play.clocks.estimate(Monotonic::from_ns(play.now)).unwrap();
        assert_eq!(estimate, ClockEstimate { offset_ns: -700 * MS_I, error: ms(20) });
    }
    assert_eq!(play.clocks.absurd(), 0);
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let mut play = Play::new(0, 0);
    play.hear(0, 0, 0).unwrap();
    let now = |play: &Play| Monotonic::from_ns(play.now);
    assert!(play.clocks.latest(now(&play)).is_some());
    // The path becomes 30 ms longer: a variation at first, the new normal after 10 s.
    for round in 0..110 {
        let seen = play.hear(30 * MS, 0, 0).unwrap();
        let expected = if round < 80 { 30 } else { seen.up_variation.as_millis() };
        assert_eq!(seen.up_variation.as_millis(), expected, "round {round}");
    }
    assert_eq!(play.hear(30 * MS, 0, 0).unwrap().up_variation, Duration::ZERO);
    play.now += 11_000 * MS;
    assert_eq!((play.clocks.estimate(now(&play)), play.clocks.latest(now(&play))), (None, None));
}

/// Makes stamps wrong.
type Lie = fn(&mut Stamps);

#[test]
fn absurd_stamps_are_named_counted_and_change_nothing() {
    let mut play = Play::new(5_000 * MS_I, 0);
    for _ in 0..20 {
        play.hear(0, 10 * MS, 0).unwrap();
    }
    let before = play.clocks.estimate(Monotonic::from_ns(play.now));
    let lies: [(&str, Lie); 8] = [
        ("echoes", |s| s.car_sent_ns += 1),
        ("echoes", |s| s.car_sent_ns = u64::MAX),
        ("the last byte", |s| s.last_received_ns = s.header_received_ns - 1),
        ("the result", |s| s.result_sent_ns = s.last_received_ns - 1),
        ("do not fit", |s| s.result_sent_ns += 3_600_000 * MS),
        ("do not fit", |s| s.header_received_ns = 0),
        ("outside", |s| {
            [&mut s.header_received_ns, &mut s.last_received_ns, &mut s.result_sent_ns]
                .into_iter()
                .for_each(|ns| *ns += 3_600_000 * MS)
        }),
        ("outside", |s| {
            [&mut s.header_received_ns, &mut s.last_received_ns, &mut s.result_sent_ns]
                .into_iter()
                .for_each(|ns| *ns = u64::MAX)
        }),
    ];
    for (count, (word, lie)) in lies.into_iter().enumerate() {
        let (sent, received, mut stamps) = play.frame(0, 10 * MS, 0);
        lie(&mut stamps);
        let error = play.clocks.sample(sent, received, &stamps).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(play.clocks.absurd(), count as u64 + 1);
        assert_eq!(play.clocks.estimate(sent), before);
    }
    play.hear(0, 10 * MS, 0).unwrap();
}

#[test]
fn a_clock_that_really_stepped_is_believed_after_a_while() {
    let mut play = Play::new(0, 0);
    play.hear(0, 0, 0).unwrap();
    play.offset = 3_600_000 * MS_I;
    let refused = (0..CONTRADICTIONS).filter(|_| play.hear(0, 0, 0).is_err()).count();
    assert_eq!(refused as u32, CONTRADICTIONS - 1);
    let estimate = play.clocks.estimate(Monotonic::from_ns(play.now)).unwrap();
    assert_eq!(estimate.offset_ns, 3_600_000 * MS_I);
    play.clocks.reconnected();
    assert_eq!(play.clocks.estimate(Monotonic::from_ns(play.now)), None);
    assert_eq!(play.clocks.absurd(), u64::from(CONTRADICTIONS - 1), "what was counted stays counted");
}

proptest! {
    /// Whatever queues there are: nothing is taken for absurd, the offset is within its error, and once one frame met no
    /// queue every frame's queue is seen, but for the drift of the clocks within the window.
    #[test]
    fn offset_and_queues_are_found(
        offset in -1_000_000_000..1_000_000_000_i64,
        drift_ppm in -200..200_i64,
        frames in prop::collection::vec((0..300_u64, 0..100_u64, 0..300_u64), 1..200),
    ) {
        let mut play = Play::new(offset, drift_ppm);
        let drift = Duration::from_nanos(10_000_000_000 / 1_000_000 * drift_ppm.unsigned_abs()) + Duration::from_micros(300);
        for (index, (up, work, down)) in frames.into_iter().enumerate() {
            let (up, down) = if index % 50 == 0 { (0, 0) } else { (up, down) };
            let seen = play.hear(up * MS, work * MS, down * MS).unwrap();
            let near = |seen: Duration, truth: u64| seen.abs_diff(Duration::from_millis(truth)) <= drift;
            prop_assert!(near(seen.up_variation, up), "{seen:?} of {up}");
            prop_assert!(near(seen.down_variation, down), "{seen:?} of {down}");
            let now = Monotonic::from_ns(play.now);
            let estimate = play.clocks.estimate(now).unwrap();
            let truth = play.cloud(play.now) as i64 - play.now as i64;
            let error = Duration::from_nanos(estimate.offset_ns.abs_diff(truth));
            prop_assert!(error <= estimate.error + drift, "{error:?} of {estimate:?}");
        }
        prop_assert_eq!(play.clocks.absurd(), 0);
    }

    /// No stamps harm it.
    #[test]
    fn any_stamps_are_survived(steps in prop::collection::vec((any::<[u64; 5]>(), any::<bool>()), 0..100)) {
        let mut clocks = ClockOffset::default();
        let mut refused = 0;
        for ([sent, received, header, last, result], echoes) in steps {
            let car_sent_ns = if echoes { sent } else { received };
            let stamps = Stamps { car_sent_ns, header_received_ns: header, last_received_ns: last, result_sent_ns: result };
            let at = Monotonic::from_ns(received);
            refused += u64::from(clocks.sample(Monotonic::from_ns(sent), at, &stamps).is_err());
            let _ = (clocks.estimate(at), clocks.latest(at));
        }
        prop_assert_eq!(clocks.absurd(), refused);
    }
}
