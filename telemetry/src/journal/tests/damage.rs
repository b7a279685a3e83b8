//! The format under damage of every kind: what is accepted was written, in order, by whole frames; the rest is told of.

use std::fs;

use proptest::prelude::*;

use super::super::format::FormatError;
use super::super::head::{HEAD_BYTES, Head};
use super::super::header::Header;
use super::super::read::read;
use super::{Recorder, Row, frame, journal, path_in, rows_of};

/// The rows of one generation of those that [`journal`] writes.
fn expected(generations: &[Vec<usize>], generation: usize) -> Vec<Vec<Row>> {
    let first: usize = generations[..generation].iter().map(Vec::len).sum();
    generations[generation].iter().enumerate().map(|(at, &rows)| frame((first + at) as u64, rows)).collect()
}

/// That the rows are whole frames of one generation, each once and in order.
fn check_rows(rows: &[Row], generations: &[Vec<usize>]) {
    let Some(first) = rows.first() else { return };
    let of_first = |generation: &usize| expected(generations, *generation).concat().contains(first);
    let generation = (0..generations.len()).find(of_first).expect("rows that were written");
    let mut rest = rows;
    for frame in expected(generations, generation) {
        if rest.starts_with(&frame) {
            rest = &rest[frame.len()..];
        }
    }
    assert!(rest.is_empty(), "{} rows that nobody wrote so: {:?}", rest.len(), rest.first());
}

fn generations() -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(1_usize..6, 1..12), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_newest_generation_is_read_back_whole(generations in generations()) {
        let contents = read(&journal(&generations)).unwrap();
        prop_assert_eq!(rows_of(&contents), expected(&generations, generations.len() - 1).concat());
        prop_assert_eq!(contents.origin.generation, generations.len() as u64 - 1);
        prop_assert_eq!(contents.damage, []);
        prop_assert_eq!(contents.header.max_entries, 1000);
    }

    #[test]
    fn a_truncated_journal_gives_a_prefix_by_whole_frames(
        generations in prop::collection::vec(prop::collection::vec(1_usize..6, 1..40), 1..2),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = journal(&generations);
        let used = bytes.len() - bytes.iter().rev().take_while(|&&byte| byte == 0).count();
        let cut = cut.index(used);
        match read(&bytes[..cut]) {
            Ok(contents) => {
                let (rows, all) = (rows_of(&contents), expected(&generations, 0).concat());
                prop_assert!(all.starts_with(&rows));
                check_rows(&rows, &generations);
                prop_assert!(rows.len() < all.len(), "the last byte was cut off");
            }
            Err(error) => prop_assert!(cut < 4096, "{error} at {cut}"),
        }
    }

    #[test]
    fn flipped_bits_never_make_a_row(
        generations in generations(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..12),
    ) {
        let mut bytes = journal(&generations);
        let used = bytes.len() - bytes.iter().rev().take_while(|&&byte| byte == 0).count();
        for (at, bit) in flips {
            bytes[at.index(used)] ^= 1 << bit;
        }
        if let Ok(contents) = read(&bytes) {
            check_rows(&rows_of(&contents), &generations);
        }
    }

    #[test]
    fn one_damaged_record_costs_one_frame_and_is_told_of_with_its_place(
        frames in prop::collection::vec(1_usize..6, 2..30),
        victim in any::<prop::sample::Index>(),
        bit in 0_usize..64,
    ) {
        let mut bytes = journal(std::slice::from_ref(&frames));
        let victim = victim.index(frames.len() - 1);
        let mut at = Header::decode(&bytes).unwrap().records_at;
        for _ in 0..victim {
            let head = Head::decode(&bytes[at..]).unwrap();
            at = (at + HEAD_BYTES + head.payload_bytes as usize).next_multiple_of(8);
        }
        bytes[at + HEAD_BYTES + bit / 8] ^= 1 << (bit % 8);
        let contents = read(&bytes).unwrap();
        let mut left = expected(&[frames], 0);
        left.remove(victim);
        prop_assert_eq!(rows_of(&contents), left.concat());
        let damage: Vec<_> = contents.damage.iter().map(|damage| (damage.offset_bytes, damage.records)).collect();
        prop_assert_eq!(damage, [(at as u64, 1)]);
    }

    /// The disk after a power cut: each page is as it was at the last sync, or as it is now.
    #[test]
    fn what_was_synced_survives_whichever_later_pages_reached_the_disk(
        synced in prop::collection::vec(1_usize..6, 1..60),
        later in prop::collection::vec(1_usize..6, 0..60),
        newer in prop::collection::vec(any::<bool>(), 64),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::new(dir.path(), 1000);
        let both = [synced.clone(), later].concat();
        for (number, &rows) in both.iter().enumerate().take(synced.len()) {
            recorder.push(&frame(number as u64, rows)).unwrap();
        }
        let mut disk = fs::read(path_in(dir.path())).unwrap();
        for (number, &rows) in both.iter().enumerate().skip(synced.len()) {
            recorder.push(&frame(number as u64, rows)).unwrap();
        }
        let memory = fs::read(path_in(dir.path())).unwrap();
        for ((page, new), reached) in disk.chunks_mut(4096).zip(memory.chunks(4096)).zip(newer.iter().cycle()) {
            if *reached {
                page.copy_from_slice(new);
            }
        }
        let rows = rows_of(&read(&disk).unwrap());
        check_rows(&rows, std::slice::from_ref(&both));
        prop_assert!(rows.starts_with(&expected(&[synced], 0).concat()));
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        let mut file = if magic { b"TURBOJNL\x01\0\0\0".to_vec() } else { Vec::new() };
        file.extend(bytes);
        prop_assert!(read(&file).is_err());
    }
}

#[test]
fn other_files_other_versions_and_damaged_descriptions_are_told_apart() {
    let bytes = journal(&[vec![1, 2]]);
    assert_eq!(read(b"SQLite format 3\0").unwrap_err(), FormatError::Foreign);
    assert_eq!(read(b"").unwrap_err(), FormatError::Unfinished);
    let mut unfinished = bytes.clone();
    unfinished[..8].fill(0);
    assert_eq!(read(&unfinished).unwrap_err(), FormatError::Unfinished);
    let mut older = bytes.clone();
    older[8..12].fill(0);
    assert_eq!(read(&older).unwrap_err(), FormatError::Version { found: 0 });
    assert!(FormatError::Version { found: 0 }.to_string().contains("version 0"), "it says which");
    let mut damaged = bytes;
    damaged[40] ^= 1;
    assert!(matches!(read(&damaged).unwrap_err(), FormatError::Description { .. }));
}
