use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use rt_core::doorbell::Doorbell;

use super::*;
use crate::camera::CameraError;

const HOUR: Duration = Duration::from_secs(3600);

/// Writes a frame's number into its slot; refuses the frames it is told to.
struct Counting {
    refuse: Option<u64>,
    filled: AtomicU64,
}

impl FrameSource for Counting {
    fn size(&self) -> (u32, u32) {
        (4, 2)
    }

    fn frame_bytes(&self) -> usize {
        24
    }

    fn fill(&mut self, n: u64, slot: &mut [u8]) -> Result<Shot, CameraError> {
        if self.refuse == Some(n) {
            return Err(CameraError::Source { frame: n, reason: "as the test wants" });
        }
        self.filled.fetch_add(1, Ordering::Relaxed);
        slot[..8].copy_from_slice(&n.to_le_bytes());
        Ok(Shot { width: 4, height: 2, scene: n * 10 })
    }
}

fn camera(first: Monotonic, fps: f64) -> PacedCamera<Vec<u8>, Counting> {
    let pace = Pace::new(first, fps).expect("a plain rate");
    PacedCamera::new(Counting { refuse: None, filled: AtomicU64::new(0) }, pace)
}

fn dequeue(camera: &mut PacedCamera<Vec<u8>, Counting>) -> Captured<Vec<u8>> {
    let bell = Doorbell::futex();
    let wait = Wait::new(&bell, Monotonic::now().plus(HOUR));
    camera.dequeue(&wait).expect("no fault").expect("a slot is queued")
}

#[test]
fn frames_come_when_due_in_the_slots_that_were_given_and_slots_move_round() {
    let mut camera = camera(Monotonic::now().plus(Duration::from_millis(5)), 200.0);
    for marker in 1..=2_u8 {
        camera.queue(vec![marker; 30]).map_err(|(_, error)| error).expect("room");
    }
    let mut due = 0;
    for seq in 0..12 {
        let frame = dequeue(&mut camera);
        due += u64::from(frame.dropped_before);
        assert_eq!((frame.seq, frame.scene), (seq, due * 10), "every frame is either shown or counted as dropped");
        assert_eq!(frame.slot[..8], due.to_le_bytes());
        assert_eq!(frame.slot[29], 1 + (seq % 2) as u8, "the slots take turns");
        assert!(frame.capture >= camera.pace().due(due), "never before it is due");
        assert!(Monotonic::now() >= frame.capture);
        due += 1;
        camera.queue(frame.slot).map_err(|(_, error)| error).expect("room");
    }
}

#[test]
fn frames_that_nobody_took_are_skipped_and_counted_never_bunched() {
    // Due for an hour: only the newest of the 36000 frames is shown, all others are counted.
    let first = Monotonic::from_ns(Monotonic::now().as_ns().saturating_sub(HOUR.as_nanos() as u64));
    let mut camera = camera(first, 10.0);
    camera.queue(vec![0; 24]).map_err(|(_, error)| error).expect("room");
    let frame = dequeue(&mut camera);
    assert!(frame.dropped_before >= 35_999, "{}", frame.dropped_before);
    assert_eq!((frame.seq, frame.scene), (0, u64::from(frame.dropped_before) * 10));
    assert_eq!(camera.source().filled.load(Ordering::Relaxed), 1);
    camera.queue(frame.slot).map_err(|(_, error)| error).expect("room");
    let next = dequeue(&mut camera);
    assert_eq!(next.seq, 1);
    assert_eq!(next.scene, frame.scene + 10 + u64::from(next.dropped_before) * 10);
}

#[test]
fn a_frame_that_cannot_be_made_keeps_its_slot_and_counts_as_dropped() {
    let pace = Pace::new(Monotonic::now(), 100.0).expect("a plain rate");
    let source = Counting { refuse: Some(0), filled: AtomicU64::new(0) };
    let mut camera = PacedCamera::new(source, pace);
    camera.queue(vec![0; 24]).map_err(|(_, error)| error).expect("room");
    let bell = Doorbell::futex();
    let first = camera.dequeue(&Wait::new(&bell, Monotonic::now().plus(HOUR)));
    // On a stalled machine frame 0 may already be a period late, and then nothing was refused.
    if let Err(error) = first {
        assert_eq!(error.to_string(), "frame 0: as the test wants");
        let frame = dequeue(&mut camera);
        assert!(frame.dropped_before >= 1 && frame.seq == 0);
    }
}

#[test]
fn the_wait_ends_with_a_ring_or_the_time_and_the_slot_can_be_had_back() {
    let mut camera = camera(Monotonic::now().plus(HOUR), 1.0);
    let bell = Doorbell::futex();
    let far = Monotonic::now().plus(2 * HOUR);
    let rung = Wait::new(&bell, far);
    bell.ring();
    assert!(camera.dequeue(&rung).expect("no fault").is_none(), "without a slot");
    camera.queue(vec![9; 24]).map_err(|(_, error)| error).expect("room");
    let rung = Wait::new(&bell, far);
    std::thread::scope(|scope| {
        scope.spawn(|| bell.ring());
        assert!(camera.dequeue(&rung).expect("no fault").is_none(), "with a slot, before the frame is due");
    });
    let over = Wait::new(&bell, Monotonic::now());
    assert!(camera.dequeue(&over).expect("no fault").is_none());
    assert_eq!(camera.reclaim(), Some(vec![9; 24]));
    assert_eq!(camera.reclaim(), None);
}

#[test]
fn a_slot_that_cannot_be_taken_comes_back_with_the_reason() {
    let mut camera = camera(Monotonic::now(), 1.0);
    let (slot, error) = camera.queue(vec![5; 23]).expect_err("too small");
    assert_eq!(slot, vec![5; 23]);
    assert!(error.to_string().contains("23 bytes") && error.to_string().contains("needs 24"), "{error}");
    for _ in 0..Camera::<Vec<u8>>::queue_capacity(&camera) {
        camera.queue(vec![0; 24]).map_err(|(_, error)| error).expect("room");
    }
    let (_, error) = camera.queue(vec![0; 24]).expect_err("full");
    assert!(matches!(error, CameraError::QueueFull { capacity: QUEUE_SLOTS }));
}

#[test]
fn a_camera_is_usable_behind_a_box() {
    let mut boxed: Box<dyn Camera<Vec<u8>>> = Box::new(camera(Monotonic::now(), 30.0));
    assert_eq!((boxed.frame_bytes(), boxed.size()), (24, (4, 2)));
    boxed.queue(vec![0; 24]).map_err(|(_, error)| error).expect("room");
    assert!(boxed.reclaim().is_some());
}

proptest! {
    #[test]
    fn the_newest_due_frame_is_the_last_whose_instant_has_come(
        first in 0_u64..1 << 50, fps in 0.02_f64..1000.0, after in 0_u64..10_000_000_000_000,
    ) {
        let pace = Pace::new(Monotonic::from_ns(first), fps).expect("within bounds");
        let now = Monotonic::from_ns(first + after);
        let newest = pace.latest_due(now).expect("the first has come");
        prop_assert!(pace.due(newest) <= now && pace.due(newest + 1) > now);
        prop_assert_eq!(pace.latest_due(Monotonic::from_ns(first.saturating_sub(1))), (first == 0).then_some(0));
    }

    #[test]
    fn staggered_cameras_are_evenly_apart_and_within_one_period(fps in 0.5_f64..200.0, cameras in 1_u32..12) {
        let start = Monotonic::from_ns(1_000_000_000);
        let first = |camera| Pace::staggered(start, fps, camera, cameras).expect("within bounds").due(0).as_ns();
        let apart = 1e9 / fps / f64::from(cameras);
        for camera in 0..cameras {
            let offset = (first(camera) - start.as_ns()) as f64;
            prop_assert!((offset - f64::from(camera) * apart).abs() <= 1.0);
        }
    }
}

#[test]
fn a_rate_that_cannot_be_is_refused() {
    for fps in [0.0, -5.0, 1e4, f64::NAN] {
        let error = Pace::new(Monotonic::ZERO, fps).expect_err("refused").to_string();
        assert!(error.starts_with(&format!("{fps} frames per second cannot be")), "{error}");
    }
}
