use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::testing::rounds;

/// Enough to meet the other side everywhere.
const VERSIONS: u64 = rounds(100_000);

#[derive(Clone, Debug)]
enum Operation {
    Write(u64),
    WriteInPlace(u64),
    Read(usize),
    Newer(usize),
    Leave(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => any::<u64>().prop_map(Operation::Write),
        4 => any::<u64>().prop_map(Operation::WriteInPlace),
        4 => (0_usize..4).prop_map(Operation::Read),
        4 => (0_usize..4).prop_map(Operation::Newer),
        1 => (0_usize..4).prop_map(Operation::Leave),
    ]
}

proptest! {
    /// Held against the obvious model: one variable, its version, and the version that each reader last saw.
    #[test]
    fn behaves_like_a_variable_with_a_version(
        readers in 1_usize..5,
        operations in prop::collection::vec(operation(), 0..100),
    ) {
        let (mut writer, readers) = snapshot(readers, || 17).expect("at least one reader");
        let mut readers: Vec<_> = readers.into_iter().map(|reader| Some((reader, (0, 17)))).collect();
        let mut newest = (0, 17);
        for operation in operations {
            match operation {
                Operation::Write(value) => {
                    let free = writer.write(value);
                    prop_assert!(free == 17 || newest.0 > 0);
                    newest = (newest.0 + 1, value);
                }
                Operation::WriteInPlace(value) => {
                    writer.write_with(|cell| *cell = value);
                    newest = (newest.0 + 1, value);
                }
                Operation::Read(number) => {
                    if let Some(Some((reader, seen))) = readers.get_mut(number) {
                        let guard = reader.read();
                        *seen = newest;
                        prop_assert_eq!((guard.version(), *guard), newest);
                    }
                }
                Operation::Newer(number) => {
                    if let Some(Some((reader, seen))) = readers.get_mut(number) {
                        let found = reader.newer().map(|guard| (guard.version(), *guard));
                        prop_assert_eq!(found, (*seen != newest).then_some(newest));
                        *seen = newest;
                    }
                }
                Operation::Leave(number) => {
                    if let Some(reader) = readers.get_mut(number) {
                        *reader = None;
                    }
                }
            }
            prop_assert_eq!(writer.version(), newest.0);
            for (reader, seen) in readers.iter().flatten() {
                let last = reader.last();
                prop_assert_eq!((last.version(), *last), *seen, "what a reader last saw stays as it was");
            }
        }
    }
}

#[test]
fn no_reader_sees_half_a_value_or_an_older_one() {
    const READERS: usize = 3;
    let (mut writer, readers) = snapshot(READERS, || [0_u64; 32]).expect("three readers");
    std::thread::scope(|scope| {
        for mut reader in readers {
            scope.spawn(move || {
                let mut before = 0;
                loop {
                    let last_look = reader.is_abandoned();
                    let guard = reader.read();
                    let version = guard.version();
                    assert!(version >= before, "versions rise");
                    assert!(guard.iter().all(|word| *word == version), "one whole value: {guard:?}");
                    before = version;
                    if last_look {
                        break;
                    }
                }
                assert_eq!(before, VERSIONS, "the last value is seen after the writer has gone");
            });
        }
        for version in 1..=VERSIONS {
            writer.write_with(|cell| cell.fill(version));
            if version % 64 == 0 {
                std::thread::yield_now();
            }
        }
        drop(writer);
    });
}

#[test]
fn a_guard_shows_its_version_while_the_writer_goes_on() {
    let (mut writer, mut readers) = snapshot(2, || 0).expect("two readers");
    let mut quick = readers.pop().expect("one of two");
    let mut slow = readers.pop().expect("the other");
    writer.write(1);
    let guard = slow.read();
    for value in 2..100 {
        writer.write(value);
        assert_eq!(*quick.read(), value);
        assert_eq!((*guard, guard.version()), (1, 1));
    }
}

#[test]
fn what_a_write_takes_the_place_of_comes_back() {
    let (mut writer, readers) = snapshot(1, || 0).expect("one reader");
    let free: Vec<i32> = (1..=5).map(|value| writer.write(value)).collect();
    // The reader never looks and keeps the first of the three cells; the writer alternates between the others.
    assert_eq!(free, [0, 0, 1, 2, 3]);
    assert_eq!(*readers[0].last(), 0);
}

#[test]
fn a_panic_while_building_publishes_nothing() {
    let (mut writer, mut readers) = snapshot(1, || 0).expect("one reader");
    writer.write(1);
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        writer.write_with(|cell| {
            *cell = 666;
            panic!("half built");
        });
    }));
    assert!(broken.is_err());
    assert_eq!((readers[0].read().version(), *readers[0].read()), (1, 1));
    writer.write(2);
    assert_eq!((readers[0].read().version(), *readers[0].read()), (2, 2));
}

/// Counts how many of it are alive.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(alive: &'a AtomicUsize) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(alive)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn every_value_is_dropped_once() {
    let alive = AtomicUsize::new(0);
    let (mut writer, mut readers) = snapshot(3, || Counted::new(&alive)).expect("three readers");
    assert_eq!(alive.load(Ordering::Relaxed), 5, "one per cell");
    for round in 0..100 {
        drop(writer.write(Counted::new(&alive)));
        assert_eq!(alive.load(Ordering::Relaxed), 5);
        if let Some(reader) = readers.get_mut(round % 3) {
            let _ = reader.read();
        }
    }
    drop(readers.pop());
    drop(writer);
    assert_eq!(alive.load(Ordering::Relaxed), 5, "a reader keeps them");
    drop(readers);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn impossible_numbers_of_readers_are_refused() {
    let error = |readers| snapshot(readers, || 0).err();
    assert_eq!(error(0), Some(SnapshotError::NoReaders));
    let readers = MOST_READERS + 1;
    assert_eq!(error(readers), Some(SnapshotError::TooManyReaders { readers, most: MOST_READERS }));
}
