//! The decoder in Python, written from the document alone, agrees with this side on every message and every refusal.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::messages::any_bytes;
use super::vectors::{FILE, text, vectors};
use super::view::{decode_as, from_hex, to_hex};

const DECODER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/turbo_wire.py");
/// Messages of each test run; the same ones in every run.
const MESSAGES: usize = 6_000;

/// A running decoder, asked line by line.
pub struct Python {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// `None`, said loudly, where this machine has no `python3`.
    pub fn start() -> Option<Self> {
        let started = Command::new("python3").arg(DECODER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                eprintln!("SKIPPED: the independent decoder was not asked, for there is no python3: {error}");
                return None;
            }
        };
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Some(Self { child, questions, answers })
    }

    /// The message that Python sees in `bytes`, or why it refuses them.
    pub fn ask(&mut self, kind: &str, bytes: &[u8]) -> Result<Value, String> {
        let questions = self.questions.as_mut().expect("open until dropped");
        writeln!(questions, "{kind} {}", to_hex(bytes)).and_then(|()| questions.flush()).expect("python3 listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("python3 answers");
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        match answer.get_mut("ok") {
            Some(message) => Ok(message.take()),
            None => Err(text(&answer, "refused").to_owned()),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.questions = None;
        let ended = self.child.wait();
        assert!(std::thread::panicking() || ended.is_ok_and(|status| status.success()), "python3 failed");
    }
}

/// Equal but for the last digits of fractions, which the two sides print and read differently; on the wire they have 32
/// bits.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            a.as_f64().map(|a| a as f32) == b.as_f64().map(|b| b as f32)
        }
        _ => a == b,
    }
}

#[test]
fn python_reads_the_golden_vectors_as_written() {
    let checked = Command::new("python3").arg(DECODER).arg("--vectors").arg(FILE).output();
    let Ok(checked) = checked.inspect_err(|error| eprintln!("SKIPPED: there is no python3: {error}")) else { return };
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(said.contains(&format!("{} vectors, 0 decoded otherwise", vectors().len())), "{said}");
    // And it would say so.
    let Some(mut python) = Python::start() else { return };
    let mut hex = from_hex(text(&vectors()[0], "hex"));
    hex[4] ^= 1;
    assert_ne!(python.ask("frame", &hex).expect("still a header"), vectors()[0]["message"]);
}

#[test]
fn python_and_rust_agree_on_any_message_and_on_what_is_none() {
    let Some(mut python) = Python::start() else { return };
    let mut runner = TestRunner::deterministic();
    let strategy = any_bytes();
    let mut refused = 0;
    for round in 0..MESSAGES {
        let (kind, bytes) = strategy.new_tree(&mut runner).expect("a message").current();
        match (decode_as(kind, &bytes), python.ask(kind, &bytes)) {
            (Ok((here, _)), Ok(there)) => assert!(same(&here, &there), "{round}: {here} here, {there} in Python"),
            (Err(_), Err(_)) => refused += 1,
            (here, there) => panic!("{round}: {kind} {}: here {here:?}, in Python {there:?}", to_hex(&bytes)),
        }
    }
    assert!(refused > MESSAGES / 10 && refused < MESSAGES * 9 / 10, "{refused} of {MESSAGES} were refused");
}
