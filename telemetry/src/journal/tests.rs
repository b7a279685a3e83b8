//! The format under damage of every kind: what is accepted was written, in order, by whole frames; the rest is told of.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::format::{FormatError, ORIGIN_KEY, Origin};
use super::head::{HEAD_BYTES, Head};
use super::header::Header;
use super::read::{Contents, read};
use super::{Journal, Mark, Outcome, recover, recover_journal};
use crate::part_file::{LogShape, note};
use crate::schema::{Column, ColumnBuffer, ColumnSpec, Values, nullable, required};

/// A row of every physical type; `frame` and `of_frame` say which row it is.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    frame: u64,
    of_frame: i32,
    text: String,
    flag: bool,
    score: Option<f64>,
    class: Option<i8>,
}

impl Row {
    fn new(frame: u64, of_frame: i32) -> Self {
        let odd = (frame + of_frame as u64) % 2 == 1;
        Self {
            frame,
            of_frame,
            text: format!("frame {frame}").repeat((frame % 5) as usize),
            flag: odd,
            score: odd.then_some(frame as f64 / 3.0),
            class: (frame % 3 == 0).then_some(-1),
        }
    }
}

fn columns() -> Vec<Column<Row>> {
    vec![
        required("frame", "", |row: &Row| row.frame),
        required("of_frame", "", |row: &Row| row.of_frame),
        required("text", "", |row: &Row| row.text.clone()),
        required("flag", "", |row: &Row| row.flag),
        nullable("score", "", |row: &Row| row.score),
        nullable("class", "", |row: &Row| row.class),
    ]
}

/// A writer of journals alone: what a `PartWriter` does, without parts.
struct Recorder {
    columns: Vec<(Column<Row>, ColumnBuffer)>,
    journal: Journal,
}

impl Recorder {
    fn new(dir: &Path, max_entries: usize) -> Self {
        let max_entries = NonZeroUsize::new(max_entries).unwrap();
        let journal = Journal::create(dir, &shape(), max_entries).unwrap();
        let columns = columns().into_iter().map(|column| {
            let buffer = column.spec().buffer();
            (column, buffer)
        });
        Self { columns: columns.collect(), journal }
    }

    fn push(&mut self, rows: &[Row]) -> Result<(), super::JournalError> {
        let marks: Vec<Mark> = self.columns.iter().map(|(_, buffer)| Mark::of(buffer)).collect();
        for (column, buffer) in &mut self.columns {
            rows.iter().for_each(|row| column.gather(row, buffer));
        }
        self.journal.append(rows.len(), self.columns.iter().map(|(_, buffer)| buffer).zip(&marks))
    }

    fn next_part(&mut self) {
        self.columns.iter_mut().for_each(|(_, buffer)| buffer.clear());
        self.journal.next_part();
    }
}

fn shape() -> LogShape {
    let columns: Vec<ColumnSpec> = columns().iter().map(|column| column.spec().clone()).collect();
    LogShape { stem: "log_part".to_owned(), extension: ".parquet".to_owned(), columns }
}

fn frame(number: u64, rows: usize) -> Vec<Row> {
    (0..rows as i32).map(|of_frame| Row::new(number, of_frame)).collect()
}

/// A journal of generations of frames with these numbers of rows, as its bytes.
fn journal(generations: &[Vec<usize>]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(dir.path(), 1000);
    let mut number = 0;
    for (generation, frames) in generations.iter().enumerate() {
        if generation > 0 {
            recorder.next_part();
        }
        for &rows in frames {
            recorder.push(&frame(number, rows)).unwrap();
            number += 1;
        }
    }
    fs::read(path_in(dir.path())).unwrap()
}

fn path_in(dir: &Path) -> PathBuf {
    dir.join(".log_part.journal")
}

/// The rows of a journal, put together again from the columns.
fn rows_of(contents: &Contents) -> Vec<Row> {
    let [frame, of_frame, text, flag, score, class] = contents.buffers.as_slice() else { panic!("six columns") };
    let (Values::I64(frame), Values::I32(of_frame), Values::Bytes(text), Values::Bool(flag)) =
        (&frame.values, &of_frame.values, &text.values, &flag.values)
    else {
        panic!("{contents:?}")
    };
    let (Values::F64(scores), Values::I32(classes)) = (&score.values, &class.values) else { panic!("{contents:?}") };
    let (mut scores, mut classes) = (scores.iter(), classes.iter());
    let rows: Vec<Row> = (0..contents.rows as usize)
        .map(|row| Row {
            frame: frame[row] as u64,
            of_frame: of_frame[row],
            text: text[row].as_utf8().unwrap().to_owned(),
            flag: flag[row],
            score: (score.levels.as_ref().unwrap()[row] == 1).then(|| *scores.next().unwrap()),
            class: (class.levels.as_ref().unwrap()[row] == 1).then(|| *classes.next().unwrap() as i8),
        })
        .collect();
    assert_eq!((scores.next(), classes.next()), (None, None), "no value is left over");
    rows
}

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

#[test]
fn what_cannot_be_understood_is_said_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut older = journal(&[vec![1, 2]]);
    older[8] = 9;
    let mut damaged = journal(&[vec![1, 2]]);
    damaged[30] ^= 4;
    let cases: [(&str, &[u8], &str); 4] = [
        (".foreign.journal", b"a diary", "does not begin with"),
        (".log_part.journal", &older, "version 9"),
        (".other.journal", &journal(&[vec![1]]), "renamed"),
        (".damaged.journal", &damaged, "checksum"),
    ];
    for (name, bytes, _) in cases {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let report = recover(dir.path());
    assert_eq!((report.left_alone, report.rows_recovered, report.failed), (4, 0, 0), "{report:?}");
    for (name, bytes, reason) in cases {
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), bytes, "{name} is untouched");
        let said = recover_journal(&dir.path().join(name)).to_string();
        assert!(said.contains(name) && said.contains("left alone") && said.contains(reason), "{said}");
    }
}

#[test]
fn a_living_journal_is_not_touched_and_a_dead_one_becomes_a_part_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(dir.path(), 100);
    for number in 0..5 {
        recorder.push(&frame(number, 3)).unwrap();
    }
    let report = recover(dir.path());
    assert_eq!((report.in_use, report.rows_recovered), (1, 0), "{report:?}");
    let left = fs::read(path_in(dir.path())).unwrap();
    fs::write(dir.path().join(".log_part0.parquet.partial"), b"half a part").unwrap();
    drop(recorder);
    let report = recover(dir.path());
    assert_eq!((report.parts_written, report.rows_recovered, report.in_use), (1, 15, 0), "{report:?}");
    let part = dir.path().join("log_part0.parquet");
    assert_eq!(report.journals[0].part.as_deref(), Some(part.as_path()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "neither journal nor half a part is left");
    assert!(Origin::parse(&note(&part, ORIGIN_KEY).unwrap()).is_some_and(|origin| origin.generation == 0));
    assert!(recover(dir.path()).journals.is_empty());
    // A recovery that was killed between the part and the journal's removal.
    fs::write(path_in(dir.path()), left).unwrap();
    let report = recover(dir.path());
    assert_eq!((report.rows_recovered, report.journals[0].outcome), (0, Outcome::AlreadyInParts), "{report:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_full_journal_refuses_and_takes_the_next_part_s_rows_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(dir.path(), 1);
    let row = Row { text: "x".repeat(100_000), ..Row::new(0, 0) };
    let taken = (0..100).take_while(|_| recorder.push(std::slice::from_ref(&row)).is_ok()).count();
    assert_eq!(taken, (1 << 20) / 100_000, "its bound is 1 MiB");
    let error = recorder.push(std::slice::from_ref(&row)).unwrap_err().to_string();
    assert!(error.contains("is full") && error.contains("max_entries"), "{error}");
    recorder.next_part();
    recorder.push(std::slice::from_ref(&row)).unwrap();
    assert!(fs::metadata(path_in(dir.path())).unwrap().len() <= (1 << 20) + 4096);
    let contents = read(&fs::read(path_in(dir.path())).unwrap()).unwrap();
    assert_eq!((rows_of(&contents), contents.origin.generation), (vec![row], 1));
}
