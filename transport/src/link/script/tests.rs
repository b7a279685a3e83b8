use proptest::prelude::*;
use rt_core::clock::Monotonic;

use super::*;
use crate::link::command::{Rebind, Ways};
use crate::link::path::Change;

fn parse(text: &str) -> Result<Script, ScriptError> {
    Script::parse(text, "storm", Path::new("."))
}

#[test]
fn lines_become_events_and_comments_nothing() {
    let script =
        parse("# a storm\n\n  0s  loss both 1%\n0s rebind # at once\r\n1.5m blackout up on\n").expect("a script");
    let expected = [
        (0, Command::Change(Ways::Both, Change::Loss(0.01))),
        (0, Command::Rebind(Rebind { from: None })),
        (90, Command::Change(Ways::Up, Change::Blackout(true))),
    ];
    let expected = expected.map(|(s, command)| TimedCommand { at: Duration::from_secs(s), command });
    assert_eq!(script.events(), expected);
    assert_eq!(script.period(), None);
    assert_eq!(parse("").expect("an empty script"), Script::default());
}

#[test]
fn a_fault_is_told_with_file_line_and_column() {
    let cases = [
        ("0s rate up 3\n\n  5s rate upp 3", "storm:3:11: \"upp\" is no direction; up, down or both is wanted"),
        ("rate up 3", "storm:1:1: \"rate\" is no time; a line is a time since the start and a command"),
        ("3 rate up 3", "storm:1:1: \"3\" is no time"),
        ("5s rate up 3\n4s rate up 1", "storm:2:1: \"4s\" is earlier than 5s on line 1"),
        ("5s", "storm:1:3: \"\" ends too early: a command"),
        ("0s rate up 3\n0s repeat", "storm:2:1: \"0s\" is too early to repeat"),
        ("9s repeat\n\n9s rebind", "storm:3:1: \"9s\" comes after the script begins again on line 1"),
        ("9s repeat 3", "storm:1:11: \"3\" is too much"),
    ];
    for (text, said) in cases {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
    let error = Script::load(Path::new("nowhere.link")).expect_err("no such file").to_string();
    assert!(error.starts_with("nowhere.link: cannot read the script"), "{error}");
}

#[test]
fn events_in_a_wrong_order_or_a_round_too_short_are_no_script() {
    let at = |s| TimedCommand { at: Duration::from_secs(s), command: Command::Rebind(Rebind { from: None }) };
    assert!(Script::new(vec![at(1), at(2)], Some(Duration::from_secs(2))).is_some());
    assert!(Script::new(vec![at(2), at(1)], None).is_none());
    assert!(Script::new(vec![at(1), at(2)], Some(Duration::from_secs(1))).is_none());
    assert!(Script::new(Vec::new(), Some(Duration::ZERO)).is_none());
    // Nothing to do, for ever.
    let empty = Script::new(Vec::new(), Some(Duration::from_secs(1))).expect("an empty round");
    assert_eq!(Player::new(empty, Monotonic::ZERO).next_event(), None);
}

proptest! {
    #[test]
    fn each_event_is_played_once_a_round_at_its_own_time_however_late_one_looks(
        times_ms in proptest::collection::vec(0_u64..1000, 1..8),
        rest_ms in 1_u64..500,
        looks_ms in proptest::collection::vec(0_u64..3000, 1..20),
        origin_ms in 0_u64..5000,
    ) {
        let mut times_ms = times_ms;
        times_ms.sort_unstable();
        let period_ms = times_ms.last().copied().unwrap_or(0) + rest_ms;
        let text: String = times_ms.iter().enumerate().map(|(k, ms)| format!("{ms}ms rate up {k}\n")).collect();
        let script = parse(&format!("{text}{period_ms}ms repeat")).expect("a script");
        let mut player = Player::new(script.clone(), Monotonic::from_ns(origin_ms * 1_000_000));
        let (mut now_ms, mut played) = (origin_ms, Vec::new());
        for look in looks_ms {
            now_ms += look;
            while let Some((at, command)) = player.take(Monotonic::from_ns(now_ms * 1_000_000)) {
                played.push((at.as_ns() / 1_000_000, command));
            }
            prop_assert!(player.next_event().is_some_and(|at| at.as_ns() > now_ms * 1_000_000));
        }
        let due = (0..).flat_map(|round| {
            script.events().iter().map(move |event| {
                (origin_ms + round * period_ms + event.at.as_millis() as u64, event.command.clone())
            })
        });
        let expected: Vec<_> = due.take_while(|(at, _)| *at <= now_ms).collect();
        prop_assert_eq!(played, expected);
    }
}
