//! A second process that is killed (SIGKILL) at random moments, hundreds of times, as producer, consumer, writer and
//! reader: after each, the survivor has everything that was committed, whole and in order, is told who died, and goes
//! on with the next.
//!
//! `cargo test -p rt-core --test killed_peers -- --kills 5000 --seed 7` for longer runs, or one that failed again.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test with its own harness: clippy knows only the usual one's functions as tests"
)]

mod consumer;
mod frames;
mod message;
mod peer;
mod producer;

use std::process::ExitCode;

use peer::Random;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("--peer", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return peer::run(rest);
    }
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    // Anything else is a filter or an option of the usual harness: `cargo test NAME` must not start every test here.
    let filter = arguments.iter().find(|argument| !argument.starts_with('-') && argument.parse::<u64>().is_err());
    if arguments.iter().any(|argument| argument == "--list")
        || filter.is_some_and(|name| !"killed_peers".contains(name.as_str()))
    {
        return ExitCode::SUCCESS;
    }
    let kills = option("--kills").unwrap_or(240);
    let seed = option("--seed").unwrap_or_else(|| rt_core::clock::UnixTime::now().as_ns());
    println!("killed_peers: seed {seed}, {kills} kills");
    let mut random = Random(seed);
    producer::kill_producers(kills / 2, &mut random);
    consumer::kill_consumers(kills / 8, consumer::Mode::Pop, &mut random);
    consumer::kill_consumers(kills / 8, consumer::Mode::Peek, &mut random);
    frames::kill_readers(kills - kills / 2 - kills / 8 * 2, &mut random);
    println!("killed_peers: ok");
    ExitCode::SUCCESS
}
