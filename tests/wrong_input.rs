//! Input of the allocation that is none, given to every verb that reads it: refused with file, line, column and
//! what would be right, before anything starts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[allow(dead_code, reason = "other tests use more of it")]
mod program;

use std::path::Path;
use std::time::Duration;

use program::{Program, turbo};

/// Long enough for a slow machine; whoever waits longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(60);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes the shipped car's profile and table into `dir`, each with one change; the models stay where they are.
fn write(dir: &Path, profile: (&str, &str), table: (&str, &str)) -> [String; 2] {
    let changed = |file: &str, (old, new): (&str, &str)| {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        assert!(text.contains(old), "{file} has no {old:?}");
        text.replacen(old, new, 1)
    };
    let car = changed("config/demo-car.yaml", profile);
    let car = car.replace("../inference", root().join("inference").to_str().unwrap()).replace("../runs", "runs");
    let car = car.replace("tables/demo.yaml", "table.yaml");
    let table = changed("config/tables/demo.yaml", table);
    std::fs::write(dir.join("car.yaml"), &car).unwrap();
    std::fs::write(dir.join("table.yaml"), &table).unwrap();
    [car, table]
}

/// Where in `text` the `nth` (from 1) `part` begins, as `line:column`.
fn place(text: &str, nth: usize, part: &str) -> String {
    let at = text.match_indices(part).nth(nth - 1).unwrap_or_else(|| panic!("no {part:?}")).0;
    let line = 1 + text[..at].matches('\n').count();
    let column = 1 + text[..at].chars().rev().take_while(|character| *character != '\n').count();
    format!("{line}:{column}")
}

/// Runs `words` in `dir`, which has to be refused with exit code 78 and all of `said`.
fn refused(dir: &Path, words: &[&str], said: &[&str]) {
    let run = Program::start(turbo(dir).args(words)).wait(PATIENCE);
    assert_eq!(run.code, Some(78), "{words:?}: {}", run.stderr);
    for part in said {
        assert!(run.stderr.contains(part), "{words:?}: no {part:?} in {}", run.stderr);
    }
    assert!(!run.stderr.contains("panicked"), "{words:?}: {}", run.stderr);
}

const SAME: (&str, &str) = ("\n", "\n");

/// What is replaced by what, where the error stands (which occurrence of which text), and what it says.
type TableCase = ((&'static str, &'static str), (usize, &'static str), &'static str);

/// Tables that are none.
const TABLES: &[TableCase] = &[
    (
        ("payload_megabit_mean: 0.2773", "payload_megabit_mean: .nan"),
        (1, ".nan"),
        "`entries[0].payload_megabit_mean` is NaN; expected 0.0001 to 10000 megabit",
    ),
    (
        ("payload_megabit_p50: 0.2689", "payload_megabit_p50: -0.3"),
        (1, "-0.3"),
        "`entries[0].payload_megabit_p50` is -0.3; expected 0.0001 to 10000 megabit",
    ),
    (
        ("payload_megabit_p95: 0.3592", "payload_megabit_p95: 0.1"),
        (1, "0.1\n"),
        "is 0.1, below payload_megabit_p50 (0.2689); expected at least that",
    ),
    (("encode_ms_p95: 5.9\n", "encode_ms_p95: .inf\n"), (1, ".inf"), "is inf; expected 0 to 60000 ms"),
    (
        ("execution_ms_p95: 39.99", "execution_ms_p95: 1"),
        (1, "1\n  accuracy: 0.2862"),
        "below execution_ms_p50 (37.97); expected at least that",
    ),
    (("accuracy: 0.2862", "accuracy: -.inf"), (1, "-.inf"), "is -inf; expected 0 to 1"),
    (("accuracy: 0.1871", "accuracy: .nan"), (1, ".nan"), "`vehicle.accuracy` is NaN; expected 0 to 1"),
    (("edd1-imgcomp75-inpcompNone", "edd1-imgcomp50-inpcompNone"), (2, "edd1-imgcomp50-inpcompNone"), "as in entry 0"),
];

#[test]
fn a_table_with_a_number_that_is_none_is_refused_by_every_verb_that_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (change, (nth, part), said) in TABLES {
        let [_, table] = write(dir, SAME, *change);
        let at = format!("table.yaml:{}: ", place(&table, *nth, part));
        for words in [
            &["simulate", "--table", "table.yaml", "--for", "2s"][..],
            &["car", "car.yaml"],
            &["doctor", "--profile", "car.yaml"],
            &["doctor", "--table", "table.yaml"],
        ] {
            refused(dir, words, &[&at, said]);
        }
    }
}

#[test]
fn services_and_weights_that_cannot_be_are_refused_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (change, (nth, part), said) in [
        (("name: left", "name: front"), (2, "front"), "`services[1].name` is \"front\", as in entry 0"),
        (("weight: 2", "weight: -1"), (1, "-1"), "`services[0].weight` is -1; expected 0 to 1000"),
        (("weight: 2", "weight: 1000.5"), (1, "1000.5"), "`services[0].weight` is 1000.5; expected 0 to 1000"),
        (("weight: 2", "weight: .nan"), (1, ".nan"), "`services[0].weight` is NaN; expected 0 to 1000"),
        (("slo_ms: 200", "slo_ms: .nan"), (1, ".nan"), "`services[0].slo_ms` is NaN; expected 10 to 10000 ms"),
        (("left: 4", "left: 4000"), (1, "4000"), "is 4000; expected 0 to 1000"),
        (
            ("left: 4", "middle: 4"),
            (1, "4}"),
            "names `middle`, which is no service; expected one of front, left, right",
        ),
        (("hysteresis: 0.005", "hysteresis: .nan"), (1, ".nan"), "`allocation.hysteresis` is NaN; expected 0 to 1"),
        (("policy: turbo", "policy: best"), (1, "best"), "expected turbo, prototype, on-vehicle, equal-split"),
        (("policy: turbo", "policy: fixed:edd1"), (1, "fixed:edd1"), "fixed:edd1"),
    ] {
        let [car, _] = write(dir, change, SAME);
        let at = format!("car.yaml:{}: ", place(&car, nth, part));
        refused(dir, &["car", "car.yaml"], &[&at, said]);
        refused(dir, &["doctor", "--profile", "car.yaml"], &[&at, said]);
    }
}

#[test]
fn models_that_are_not_the_tables_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let other = ("aa03a48eb0939d9b", "0123456789abcdef");
    let [_, table] = write(dir, SAME, ("fnv1a64: aa03a48eb0939d9b", "fnv1a64: 0123456789abcdef"));
    let at = format!("table.yaml:{}: ", place(&table, 1, other.1));
    refused(dir, &["car", "car.yaml"], &[&at, "measured with another edd0", "run `turbo calibrate`"]);
    let [_, table] = write(dir, SAME, ("name: edd0", "name: edd9"));
    let at = format!("table.yaml:{}: ", place(&table, 1, "models:\n"));
    refused(dir, &["car", "car.yaml"], &[&at, "not with a model called \"edd0\"", "run `turbo calibrate`"]);
    write(dir, ("policy: turbo", "policy: fixed:edd9-imgcompNone-inpcomp50"), SAME);
    refused(dir, &["car", "car.yaml"], &["table.yaml has no such configuration; expected one of edd1-imgcomp50"]);
    refused(
        dir,
        &["simulate", "--table", "table.yaml", "--policy", "fixed:edd9-imgcompNone-inpcomp50"],
        &["the table has no edd9-imgcompNone-inpcomp50; it has edd1-imgcomp50-inpcompNone"],
    );
}

#[test]
fn traces_that_are_none_are_refused_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (content, said) in [
        ("", "bad.up:1:1: no delivery times; a trace has at least one line"),
        ("# only words\n\n", "bad.up:1:1: no delivery times"),
        ("3\n9\n 7\n", "bad.up:3:2: \"7\" is earlier than 9 on line 2"),
        ("3\n-9\n", "bad.up:2:1: \"-9\" is negative"),
        ("3\nNaN\n", "bad.up:2:1: \"NaN\" is not a whole number of milliseconds"),
        ("3\n4 5\n", "bad.up:2:1: \"4 5\" is not a whole number"),
        ("0\n0\n", "bad.up:2:1: the last time is 0 ms, but it is also the period"),
        ("8640000001\n", "bad.up:1:1: \"8640000001\" is too large"),
    ] {
        std::fs::write(dir.join("bad.up"), content).unwrap();
        refused(dir, &["simulate", "--trace", "bad.up", "--for", "2s"], &[said]);
        refused(dir, &["demo", "--trace", "bad.up", "--for", "2s"], &[said]);
        refused(dir, &["link", "--server", "127.0.0.1:9", "--trace", "bad.up"], &[said]);
    }
}

/// What a flag takes.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Number,
    Whole,
    Duration,
}
use Takes::{Duration as Time, Number, Whole};

/// Every flag of every verb that takes a number: the verb, the flag, what it takes, and what is wrong with this one alone.
const NUMBERS: &[(&str, &str, Takes, &[&str])] = &[
    ("demo", "--fps", Number, &["0", "0.09", "241"]),
    ("demo", "--services", Whole, &["0", "33"]),
    ("demo", "--seed", Whole, &[]),
    ("demo", "--for", Time, &["0s", "0.5us", "1e9h"]),
    ("demo", "--slo", Time, &["0ms", "9ms", "11s"]),
    ("demo", "--rtt", Time, &["61s"]),
    ("demo", "--loss", Number, &["1.01"]),
    ("demo", "--mean-mbps", Number, &["1000001"]),
    ("car car.yaml", "--fps", Number, &["0", "1e9"]),
    ("car car.yaml", "--services", Whole, &["0", "33"]),
    ("car car.yaml", "--slo", Time, &["0ms", "1h"]),
    ("car car.yaml", "--for", Time, &["0ms"]),
    ("car car.yaml", "--seed", Whole, &[]),
    ("link", "--rate-mbps", Number, &["1000001"]),
    ("link", "--mean-mbps", Number, &["1000001"]),
    ("link", "--rtt", Time, &["61s"]),
    ("link", "--loss", Number, &["1.01"]),
    ("link", "--queue-kb", Whole, &["0", "1"]),
    ("link", "--seed", Whole, &[]),
    ("link", "--for", Time, &["0s"]),
    ("link self-test", "--one-way", Time, &["61s"]),
    ("link self-test", "--rate-mbps", Number, &["0", "1e-300"]),
    ("link self-test", "--for", Time, &["0s"]),
    ("simulate", "--mean-mbps", Number, &["0", "1e-300", "5,-1", "5,,20"]),
    ("simulate", "--rtt", Time, &["61s", "20ms,-5ms"]),
    ("simulate", "--loss", Number, &["1", "0.1,2"]),
    ("simulate", "--slo", Time, &["0ms", "61s"]),
    ("simulate", "--services", Whole, &["0", "33"]),
    ("simulate", "--fps", Number, &["0", "1e9"]),
    ("simulate", "--margin", Time, &["61s"]),
    ("simulate", "--hysteresis", Number, &["1.01"]),
    ("simulate", "--cost-per-mb", Number, &["1e9"]),
    ("simulate", "--cloud-workers", Whole, &["0", "65536"]),
    ("simulate", "--for", Time, &["0s"]),
    ("simulate", "--trace-from", Time, &[]),
    ("simulate", "--seed", Whole, &[]),
    ("tail", "--count", Whole, &["0"]),
    ("tail", "--for", Time, &["0s"]),
    ("doctor", "--scenes", Whole, &["0", "10001"]),
    ("calibrate", "--scenes", Whole, &["0", "10001"]),
    ("calibrate", "--seed", Whole, &[]),
    ("calibrate", "--threads", Whole, &["0", "257"]),
    ("certs init certs", "--days", Whole, &["0", "36501"]),
    ("certs init certs", "--authority-days", Whole, &["0", "36501"]),
    ("certs issue certs", "--days", Whole, &["0", "36501"]),
];

#[test]
fn numbers_on_the_command_line_that_are_none_are_wrong_use_of_a_flag_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut tried = 0;
    for (verb, flag, takes, wrong) in NUMBERS {
        let of_its_kind: &[&str] = match takes {
            Number => &["-1", "NaN", "inf", "-inf", "1e400", "", "many", "1,5"],
            Whole => &["-1", "NaN", "inf", "1.5", "99999999999999999999", "", "many"],
            Time => &["-1s", "NaNs", "infs", "1e999s", "99999h", "", "5", "-5"],
        };
        for value in of_its_kind.iter().chain(*wrong) {
            // A list of two is no error where lists are taken.
            if *verb == "simulate" && *value == "1,5" {
                continue;
            }
            for joined in [false, true] {
                let mut words: Vec<&str> = verb.split(' ').collect();
                let both = format!("{flag}={value}");
                if joined {
                    words.push(&both);
                } else {
                    words.extend([flag, value]);
                }
                let run = Program::start(turbo(dir.path()).args(&words)).wait(PATIENCE);
                let said = &run.stderr;
                assert_eq!(run.code, Some(2), "{words:?}: {said}");
                assert!(said.contains(&format!("'{flag} <")), "{words:?}: which flag? {said}");
                let empty = value.is_empty() && said.contains("a value is required");
                assert!(empty || said.contains("write "), "{words:?}: what would be right? {said}");
                let told = |value: &&str| said.contains(&format!("{value:?}"));
                assert!(
                    empty || told(value) || value.split(',').any(|part| told(&part)),
                    "{words:?}: which value? {said}"
                );
                assert!(!said.contains("panicked"), "{words:?}: {said}");
                tried += 1;
            }
        }
    }
    assert!(tried > 600, "{tried}");
}

#[test]
fn what_else_is_wrong_on_the_command_line_is_said_with_what_would_be_right() {
    let dir = tempfile::tempdir().unwrap();
    for (words, said) in [
        (&["demo", "--services", "0"][..], "\"0\" is no number of services; write a whole number from 1 to 32"),
        (&["demo", "--fps", "-1"], "\"-1\" is no frame rate; write a number from 0.1 to 240"),
        (&["demo", "--fps", "--json"], "\"--json\" is no frame rate"),
        (&["demo", "--policy", "best"], "expected turbo, prototype"),
        (&["demo", "--policy", "oracle"], "knows the future"),
        (&["simulate", "--slo", "NaNms"], "is not a duration"),
        (&["demo", "--no-such-flag", "-1"], "unexpected argument '--no-such-flag'"),
    ] {
        let run = Program::start(turbo(dir.path()).args(words)).wait(PATIENCE);
        assert_eq!(run.code, Some(2), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{words:?}: no {said:?} in {}", run.stderr);
        assert!(!run.stderr.contains("panicked"), "{words:?}: {}", run.stderr);
    }
}
