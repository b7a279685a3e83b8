use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::state::Control;
use super::*;
use crate::memory::arena::HugePages;
use crate::process::claim::Peer;
use crate::process::segment::{Access, Segment};
use crate::sync::Ordering;

type Value = [u64; 40];

fn value(seed: u64) -> Value {
    std::array::from_fn(|index| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(index as u32))
}

fn segment() -> Segment {
    let parts = [part::<Value>("v").expect("a value")];
    Segment::create(&parts, Access::ReadOnly, HugePages::Never, false).expect("a segment")
}

fn read_only(segment: &Segment) -> Segment {
    Segment::open_read_only(segment.descriptor().try_clone_to_owned().expect("a descriptor")).expect("valid")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn it_does_what_a_variable_does(steps in proptest::collection::vec(any::<bool>(), 0..80)) {
        let segment = segment();
        let mut writer = Writer::<Value>::attach(&segment, "v").expect("the first");
        let mut reader = Reader::<Value>::attach(&read_only(&segment), "v").expect("a value");
        let (mut published, mut read) = (0_u64, 0_u64);
        for publish in steps {
            if publish {
                published += 1;
                prop_assert_eq!(writer.publish(&value(published)), published);
            } else {
                let found = reader.newer().expect("nobody writes meanwhile");
                let missed = if read == 0 { 0 } else { published.saturating_sub(read + 1) };
                let expected = Newest { value: value(published), sequence: published, missed };
                prop_assert_eq!(found, (published > read).then_some(expected));
                read = published;
            }
        }
    }
}

#[test]
fn nothing_torn_and_nothing_older_is_read_while_a_thread_publishes_without_pause() {
    let segment = segment();
    let mut writer = Writer::<Value>::attach(&segment, "v").expect("the first");
    let reader = Reader::<Value>::attach(&read_only(&segment), "v").expect("a value");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut reader in [reader.clone(), reader] {
            let done = &done;
            scope.spawn(move || {
                let (mut last, mut seen) = (0, 0_u64);
                // On one core alone, the readers may first run when the writer has ended: one more look each.
                loop {
                    let ended = done.load(Ordering::Acquire);
                    if let Ok(Some(newest)) = reader.newest() {
                        assert_eq!(newest.value, value(newest.sequence), "torn");
                        assert!(newest.sequence >= last);
                        seen += u64::from(newest.sequence > last);
                        last = newest.sequence;
                    }
                    if ended {
                        break;
                    }
                }
                assert_eq!(last, 200_000, "the last value stays");
                assert!(seen > 0);
            });
        }
        for seed in 1..=200_000 {
            writer.publish(&value(seed));
        }
        done.store(true, Ordering::Release);
    });
}

#[test]
fn a_writer_that_stops_in_the_middle_leaves_the_value_before() {
    let segment = segment();
    let mut writer = Writer::<Value>::attach(&segment, "v").expect("the first");
    let mut reader = Reader::<Value>::attach(&segment, "v").expect("a value");
    writer.publish(&value(1));
    drop(writer);
    // What `publish` has done when it is killed before its last two stores.
    let region = segment.region("v", Kind::Latest, Access::ReadWrite).expect("a value");
    let words = state::buffer_words(size_of::<Value>());
    // SAFETY: the region holds a control block and BUFFERS buffers of `words` words, mapped while `region` lives.
    let buffer = unsafe {
        let first = region.base.add(size_of::<Control>()).cast::<crate::sync::AtomicU64>();
        std::slice::from_raw_parts(first.add(2 * words).as_ptr(), words)
    };
    buffer[0].store(3, Ordering::Relaxed);
    buffer[1..20].iter().for_each(|word| word.store(7, Ordering::Relaxed));
    assert_eq!(reader.newest().expect("not disturbed").map(|newest| newest.value), Some(value(1)));
    let mut next = Writer::<Value>::attach(&segment, "v").expect("free again");
    assert_eq!(next.publish(&value(2)), 2);
    let newest = reader.newest().expect("not disturbed").expect("published");
    assert_eq!((newest.value, newest.sequence, newest.missed), (value(2), 2, 0));
}

#[test]
fn a_second_writer_is_refused_and_any_number_of_readers_is_not() {
    let segment = segment();
    let writer = Writer::<Value>::attach(&segment, "v").expect("the first");
    assert!(matches!(Writer::<Value>::attach(&segment, "v"), Err(AttachError::Claimed(_))));
    let others = read_only(&segment);
    assert!(matches!(Writer::<Value>::attach(&others, "v"), Err(AttachError::Segment(SegmentError::ReadOnly { .. }))));
    let mut readers: Vec<_> = (0..20).map(|_| Reader::<Value>::attach(&others, "v").expect("a value")).collect();
    assert!(matches!(readers[0].writer(), Peer::Alive(process) if process.pid() == std::process::id()));
    drop(writer);
    assert!(matches!(readers[0].writer(), Peer::Left(_)));
}

#[test]
fn a_garbled_cell_is_an_error_and_not_a_value() {
    let segment = segment();
    let mut reader = Reader::<Value>::attach(&segment, "v").expect("a value");
    let region = segment.region("v", Kind::Latest, Access::ReadWrite).expect("a value");
    // SAFETY: the region starts with the control block and is mapped while `region` lives.
    let control: &Control = unsafe { region.base.cast().as_ref() };
    control.newest.store(u64::MAX, Ordering::Relaxed);
    assert_eq!(reader.newest().err().map(|outrun| outrun.name.to_string()), Some("v".into()));
    // A writer that takes over such a cell does not overflow.
    assert!(Writer::<Value>::attach(&segment, "v").expect("free").publish(&value(1)) > 0);
}
