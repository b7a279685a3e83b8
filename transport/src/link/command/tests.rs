use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::link::path::{BurstLoss, Reorder};
use crate::link::trace::Trace;

fn parse(text: &str) -> Result<Command, CommandError> {
    Command::parse(text, Path::new("."))
}

#[test]
fn each_command_means_what_the_vocabulary_says() {
    let ms = Duration::from_millis;
    let cases = [
        ("rate up 3", Ways::Up, Change::Trace(Trace::fixed(3_000_000))),
        ("  rate\tboth 0.5   # half a megabit", Ways::Both, Change::Trace(Trace::fixed(500_000))),
        ("queue up 62.5", Ways::Up, Change::Queue(62_500)),
        ("delay both 20ms", Ways::Both, Change::Delay(ms(20))),
        ("jitter down 250us", Ways::Down, Change::Jitter(Duration::from_micros(250))),
        ("loss up 0.01", Ways::Up, Change::Loss(0.01)),
        ("loss up 100%", Ways::Up, Change::Loss(1.0)),
        ("burst both 2% 8", Ways::Both, Change::Burst(BurstLoss { loss: 0.02, mean_packets: 8.0 })),
        ("burst both 0", Ways::Both, Change::Burst(BurstLoss::NONE)),
        ("reorder up 1% 10ms", Ways::Up, Change::Reorder(Reorder { probability: 0.01, extra_delay: ms(10) })),
        ("reorder up 0%", Ways::Up, Change::Reorder(Reorder::NONE)),
        ("duplicate down 0.1%", Ways::Down, Change::Duplicate(0.001)),
        ("corrupt down 1", Ways::Down, Change::Corrupt(1.0)),
        ("blackout up on", Ways::Up, Change::Blackout(true)),
        ("blackout both off", Ways::Both, Change::Blackout(false)),
    ];
    for (text, ways, change) in cases {
        assert_eq!(parse(text), Ok(Command::Change(ways, change)), "{text}");
    }
    assert_eq!(parse("rebind"), Ok(Command::Rebind(Rebind { from: None })));
    let from = Some("127.0.0.2".parse().expect("an address"));
    assert_eq!(parse("rebind 127.0.0.2"), Ok(Command::Rebind(Rebind { from })));
}

#[test]
fn a_trace_is_read_from_the_scripts_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("my drive.up"), "1\n").expect("written");
    let read = Command::parse("trace up my drive.up # mine", dir.path()).expect("a trace");
    let Command::Change(Ways::Up, Change::Trace(trace)) = read else { panic!("{read:?}") };
    assert_eq!(trace.mean_bps(), 12e6);
    std::fs::write(dir.path().join("bad"), "1\nsoon\n").expect("written");
    let error = Command::parse("trace up bad", dir.path()).expect_err("refused");
    assert_eq!(error.column, 10);
    assert!(error.to_string().contains("bad:2:1: \"soon\" is not a whole number"), "{error}");
}

#[test]
fn a_fault_is_told_with_its_column_and_what_would_be_right() {
    let cases = [
        ("", 1, "a command, such as rate is wanted here"),
        ("# nothing", 1, "a command"),
        ("speed up 3", 1, "one of rate, trace"),
        ("rate", 5, "a direction: up, down or both is wanted here"),
        ("rate up", 8, "a rate is wanted here"),
        ("rate upp 3", 6, "up, down or both is wanted"),
        ("rate up fast", 9, "in Mbit/s"),
        ("rate up -1", 9, "in Mbit/s"),
        ("rate up NaN", 9, "in Mbit/s"),
        ("rate up 3 4", 11, "is too much"),
        ("queue up 1e9", 10, "kilobytes"),
        ("delay  both   20", 15, "a number with a unit"),
        ("delay both 25h", 12, "at most 24h"),
        ("délai both 2ms", 1, "is no command"),
        ("loss é 1", 6, "is no direction"),
        ("loss up 101%", 9, "0% to 100%"),
        ("loss up 1.5", 9, "from 0 to 1"),
        ("burst up 2%", 12, "the mean length of a burst"),
        ("burst up 2% 0.5", 13, "from 1 to 1000000"),
        ("burst up 80% 2", 1, "uplink: bursts of 2 packets cannot lose a fraction of 0.8; at least 4.00"),
        ("reorder up 1%", 14, "a time is wanted here"),
        ("reorder up 0 soon", 14, "a number with a unit"),
        ("blackout up maybe", 13, "on or off"),
        ("rebind home", 8, "address of this machine"),
        ("trace up", 9, "a trace file is wanted here"),
        ("trace up nowhere.up", 10, "nowhere.up"),
    ];
    for (text, column, said) in cases {
        let error = parse(text).expect_err(text);
        assert_eq!(error.column, column, "{text}: {error}");
        assert!(error.to_string().contains(said), "{text}: {error}");
    }
}

#[test]
fn the_vocabulary_lists_every_command() {
    let verbs: Vec<&str> = VOCABULARY.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let said = CommandProblem::Verb.to_string();
    assert_eq!(verbs.len(), 12);
    for verb in verbs {
        assert!(said.contains(verb), "{verb}");
        assert_ne!(parse(verb).err().map(|error| error.problem), Some(CommandProblem::Verb), "{verb}");
    }
}

proptest! {
    #[test]
    fn no_line_makes_the_parser_panic_and_the_column_is_that_of_the_text(
        words in proptest::collection::vec(
            prop_oneof![
                "\\PC{0,6}",
                "(rate|delay|loss|burst|reorder|blackout|rebind|queue)",
                "(up|down|both)",
                "[0-9.]{1,3}(ms|%|s|)",
            ],
            0..6,
        ),
        gap in "[ \t]{1,3}",
    ) {
        let line = words.join(&gap);
        if let Err(error) = parse(&line) {
            prop_assert!(error.column >= 1);
            let found: String = line.chars().skip(error.column - 1).take(error.text.chars().count()).collect();
            prop_assert_eq!(found, error.text);
        }
    }
}
