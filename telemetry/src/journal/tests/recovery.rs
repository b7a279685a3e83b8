//! What becomes of journals: living, dead, foreign, full, and recovered before.

use std::fs;

use super::super::format::{ORIGIN_KEY, Origin};
use super::super::read::read;
use super::super::{Outcome, recover, recover_journal};
use super::{Recorder, Row, frame, journal, path_in, rows_of};
use crate::part_file::note;

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
