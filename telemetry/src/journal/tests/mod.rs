//! Journals of known rows, and their rows put together again.

mod damage;
mod recovery;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::read::Contents;
use super::{Journal, JournalError, Mark};
use crate::part_file::LogShape;
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
        let odd = !(frame + of_frame as u64).is_multiple_of(2);
        Self {
            frame,
            of_frame,
            text: format!("frame {frame}").repeat((frame % 5) as usize),
            flag: odd,
            score: odd.then_some(frame as f64 / 3.0),
            class: frame.is_multiple_of(3).then_some(-1),
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

    fn push(&mut self, rows: &[Row]) -> Result<(), JournalError> {
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
