//! Every interleaving, and every value weak memory allows, of one writer and one reader of the real code: a torn value
//! or one that goes back would fail.

use std::ptr::NonNull;

use super::state::{BUFFERS, Control, Memory, buffer_words};
use crate::process::claim::Claim;
use crate::process::segment::Name;
use crate::sync::{AtomicU64, CachePadded};

#[derive(Debug)]
struct Heap {
    control: Control,
    words: Vec<AtomicU64>,
}

fn cell<T>() -> Memory {
    let control = Control { newest: CachePadded(AtomicU64::new(0)), writer: CachePadded(Claim::new()) };
    let count = BUFFERS * buffer_words(size_of::<T>());
    let heap = std::sync::Arc::new(Heap { control, words: (0..count).map(|_| AtomicU64::new(0)).collect() });
    let words = NonNull::from(heap.words.as_slice()).cast();
    let name = Name::new("model").expect("a name");
    // SAFETY: the heap's control block and words live as long as the reference count that is handed over.
    unsafe { Memory::new(NonNull::from(&heap.control), words, size_of::<T>(), name, heap) }
}

/// Publishes `from..=to` beside two reads; the wrap over the buffers lies at [`BUFFERS`].
fn check(before: u64, to: u64) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let memory = cell::<[u64; 2]>();
        for sequence in 1..=before {
            memory.publish(sequence, &[sequence, !sequence]);
        }
        let writer = loom::thread::spawn({
            let memory = memory.clone();
            move || {
                for sequence in before + 1..=to {
                    memory.publish(sequence, &[sequence, !sequence]);
                }
            }
        });
        let mut last = before;
        for _ in 0..2 {
            match memory.try_newest::<[u64; 2]>() {
                Some(Some((sequence, value))) => {
                    assert_eq!(value, [sequence, !sequence], "torn");
                    assert!(sequence >= last, "went back from {last} to {sequence}");
                    last = sequence;
                }
                Some(None) => assert_eq!(last, 0, "a value vanished"),
                None => {}
            }
        }
        writer.join().expect("ends");
        let (sequence, _) = memory.try_newest::<[u64; 2]>().flatten().expect("the writer is still");
        assert_eq!(sequence, to);
    });
}

#[test]
fn the_first_value_is_whole() {
    check(0, 1);
}

#[test]
fn a_reader_that_is_overtaken_by_every_buffer_reads_nothing_torn() {
    // The last of these goes into the buffer of the value that was newest before.
    check(1, 1 + BUFFERS as u64);
}
