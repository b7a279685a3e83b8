//! Every interleaving, and every value that weak memory allows, of a writer and its readers. Loom watches the cells: a
//! write into a cell that a reader is in, or a read of one that was not published to it, is reported.

use super::*;

/// Writes versions 1, 2, …, `writes` while every reader looks `looks` times after a look at the first.
fn meet(readers: usize, writes: u64, looks: usize, preemptions: Option<usize>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.check(move || {
        let (mut writer, readers) = snapshot(readers, || 0).expect("at least one reader");
        let reading: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                loom::thread::spawn(move || {
                    let mut before = *reader.last();
                    for _ in 0..looks {
                        let guard = reader.read();
                        assert_eq!(guard.version(), *guard, "the value of its version");
                        assert!(*guard >= before, "versions rise");
                        before = *guard;
                    }
                })
            })
            .collect();
        for version in 1..=writes {
            writer.write(version);
        }
        for reading in reading {
            reading.join().expect("reads and ends");
        }
    });
}

#[test]
fn one_reader_sees_whole_values() {
    meet(1, 4, 2, None);
}

#[test]
fn two_readers_see_whole_values() {
    meet(2, 4, 1, Some(3));
}

#[test]
fn what_a_writer_wrote_before_it_went_is_found() {
    loom::model(|| {
        let (mut writer, mut readers) = snapshot(1, || 0).expect("one reader");
        let mut reader = readers.pop().expect("one reader");
        let writing = loom::thread::spawn(move || {
            writer.write(1);
        });
        if reader.is_abandoned() {
            assert_eq!(*reader.read(), 1);
        }
        writing.join().expect("writes and ends");
    });
}
