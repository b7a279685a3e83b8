#![allow(clippy::field_reassign_with_default, reason = "a window's latencies are its own")]

use super::*;
use std::sync::{Mutex, PoisonError};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn in_a_pipe_lines_follow_each_other_without_escapes() {
    let out = Shared::default();
    let mut printer = LivePrinter::new(Box::new(out.clone()), LiveStyle::Plain);
    printer.print(&lines(&["a1", "b1"]));
    printer.note("note");
    printer.print(&lines(&["a2", "b2"]));
    assert_eq!(out.text(), "a1\nb1\nnote\na2\nb2\n");
}

/// What a terminal shows after `text`, for the few escapes that are used.
fn screen(text: &str) -> Vec<String> {
    let mut rows: Vec<String> = vec![String::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\x1b[?7l").or_else(|| rest.strip_prefix("\x1b[?7h")) {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\x1b[J") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\x1b[") {
            let (up, after) = after.split_once('A').expect("cursor up");
            rows.truncate(rows.len() - up.parse::<usize>().unwrap());
            rows.last_mut().unwrap().clear();
            assert!(after.starts_with("\x1b[J"), "what was below must be erased");
            rest = after;
        } else {
            if c == '\n' {
                rows.push(String::new())
            } else {
                rows.last_mut().unwrap().push(c)
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    rows
}

#[test]
fn on_a_terminal_the_newest_block_takes_the_last_one_s_place_and_notes_stay() {
    let out = Shared::default();
    let mut printer = LivePrinter::new(Box::new(out.clone()), LiveStyle::InPlace);
    // A row beneath what the cursor may move up to must exist, as on a real screen.
    printer.note("before");
    printer.print(&lines(&["a1", "b1", "c1"]));
    printer.print(&lines(&["a2", "b2"]));
    printer.note("note");
    printer.print(&lines(&["a3", "b3"]));
    printer.print(&lines(&["a4", "b4"]));
    assert_eq!(screen(&out.text()), ["before", "note", "a4", "b4", ""]);
}

#[test]
fn a_reader_that_went_away_ends_the_lines_and_nothing_else() {
    struct Closed(Arc<Mutex<u32>>);
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            *self.0.lock().unwrap() += 1;
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let tries = Arc::new(Mutex::new(0));
    let mut printer = LivePrinter::new(Box::new(Closed(Arc::clone(&tries))), LiveStyle::Plain);
    printer.print(&lines(&["a"]));
    printer.print(&lines(&["a"]));
    assert_eq!(*tries.lock().unwrap(), 1);
}

#[test]
fn a_line_says_what_the_window_held() {
    let names = Names::default();
    let mut window = Window::default();
    window.decisions = 4;
    window.in_time = 3;
    window.sources = [2, 1, 1];
    window.uplink_bytes = 125_000;
    window.config = names.intern("edd4-imgcomp50-inpcompNone");
    window.allocated_bytes_per_s = Some(500_000.0);
    let line = LiveLine::of(2, &mut window, Duration::from_millis(500), &names);
    assert_eq!(line.source_percent, Some([50.0, 25.0, 25.0]));
    assert_eq!(
        line.to_string(),
        "service 2  edd4-imgcomp50-inpcompNone     4.00 /  2.00 Mbit/s  on time  75 %  cloud  50 % vehicle  25 % none  25 %  p50    - ms p99    - ms"
    );
}

#[test]
fn a_service_without_decisions_has_dashes_and_not_zeros() {
    let line = LiveLine::of(1, &mut Window::default(), Duration::from_secs(1), &Names::default());
    assert_eq!((line.on_time_percent, line.source_percent, line.allocated_mbps), (None, None, None));
    assert!(line.to_string().contains("on time   - %"), "{line}");
}
