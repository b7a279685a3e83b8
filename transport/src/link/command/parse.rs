//! From words to commands.

use std::path::Path;
use std::time::Duration;

use super::words::{Word, Words};
use super::{Command, CommandError, CommandProblem, Rebind, Ways};
use crate::link::path::{BurstLoss, Change, Reorder};
use crate::link::trace::Trace;

/// Longest time a script may name.
const MOST_TIME: Duration = Duration::from_secs(24 * 3600);
/// Largest rate, Mbit/s; largest queue, KB; longest mean burst, packets.
const MOST: f64 = 1e6;

pub(in crate::link) fn command(words: &mut Words<'_>, folder: &Path) -> Result<Command, CommandError> {
    let verb = words.want("a command, such as rate")?;
    let command = match verb.text {
        "rebind" => Command::Rebind(rebind(words)?),
        _ => changed(verb, words, folder)?,
    };
    words.finish()?;
    Ok(command)
}

fn changed(verb: Word<'_>, words: &mut Words<'_>, folder: &Path) -> Result<Command, CommandError> {
    type Read = fn(&mut Words<'_>, &Path) -> Result<Change, CommandError>;
    let read: Read = match verb.text {
        "rate" => {
            |words, _| Ok(Change::Trace(Trace::fixed((number(words, "a rate", CommandProblem::Rate)? * 1e6) as u64)))
        }
        "trace" => trace,
        "queue" => |words, _| Ok(Change::Queue((number(words, "a size", CommandProblem::Size)? * 1e3) as u64)),
        "delay" => |words, _| Ok(Change::Delay(time(words)?)),
        "jitter" => |words, _| Ok(Change::Jitter(time(words)?)),
        "loss" => |words, _| Ok(Change::Loss(fraction(words)?)),
        "burst" => |words, _| Ok(Change::Burst(burst(words)?)),
        "reorder" => |words, _| Ok(Change::Reorder(reorder(words)?)),
        "duplicate" => |words, _| Ok(Change::Duplicate(fraction(words)?)),
        "corrupt" => |words, _| Ok(Change::Corrupt(fraction(words)?)),
        "blackout" => |words, _| Ok(Change::Blackout(switch(words)?)),
        _ => return Err(verb.fault(CommandProblem::Verb)),
    };
    let ways = ways(words)?;
    let change = read(words, folder)?;
    // Packets of no size: how small a queue may be depends on the link's MTU, which no script knows.
    change.check(ways.name(), 0).map_err(|error| verb.fault(CommandProblem::Impossible(error)))?;
    Ok(Command::Change(ways, change))
}

fn ways(words: &mut Words<'_>) -> Result<Ways, CommandError> {
    let word = words.want("a direction: up, down or both")?;
    match word.text {
        "up" => Ok(Ways::Up),
        "down" => Ok(Ways::Down),
        "both" => Ok(Ways::Both),
        _ => Err(word.fault(CommandProblem::Direction)),
    }
}

fn number(words: &mut Words<'_>, what: &'static str, problem: CommandProblem) -> Result<f64, CommandError> {
    let word = words.want(what)?;
    let number = word.text.parse().ok().filter(|number: &f64| (0.0..=MOST).contains(number));
    number.ok_or_else(|| word.fault(problem))
}

fn fraction(words: &mut Words<'_>) -> Result<f64, CommandError> {
    let word = words.want("a fraction")?;
    let number = match word.text.strip_suffix('%') {
        Some(percent) => percent.parse().map(|percent: f64| percent / 100.0),
        None => word.text.parse(),
    };
    number.ok().filter(|number| (0.0..=1.0).contains(number)).ok_or_else(|| word.fault(CommandProblem::Fraction))
}

fn time(words: &mut Words<'_>) -> Result<Duration, CommandError> {
    let word = words.want("a time")?;
    duration(word.text).ok_or_else(|| word.fault(CommandProblem::Time))
}

/// A number with a unit.
pub(in crate::link) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.find(|character: char| character.is_ascii_alphabetic())?)?;
    let seconds_per_unit = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * seconds_per_unit).ok().filter(|time| *time <= MOST_TIME)
}

fn burst(words: &mut Words<'_>) -> Result<BurstLoss, CommandError> {
    let loss = fraction(words)?;
    if loss == 0.0 && words.at_end() {
        return Ok(BurstLoss::NONE);
    }
    let word = words.want("the mean length of a burst in packets")?;
    let mean_packets = word.text.parse().ok().filter(|mean: &f64| (1.0..=MOST).contains(mean));
    Ok(BurstLoss { loss, mean_packets: mean_packets.ok_or_else(|| word.fault(CommandProblem::Packets))? })
}

fn reorder(words: &mut Words<'_>) -> Result<Reorder, CommandError> {
    let probability = fraction(words)?;
    if probability == 0.0 && words.at_end() {
        return Ok(Reorder::NONE);
    }
    Ok(Reorder { probability, extra_delay: time(words)? })
}

fn switch(words: &mut Words<'_>) -> Result<bool, CommandError> {
    let word = words.want("on or off")?;
    match word.text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(word.fault(CommandProblem::Switch)),
    }
}

fn trace(words: &mut Words<'_>, folder: &Path) -> Result<Change, CommandError> {
    let word = words.want_rest("a trace file")?;
    let trace = Trace::load(&folder.join(word.text));
    let trace = trace.map_err(|error| word.fault(CommandProblem::Trace(error.to_string())))?;
    Ok(Change::Trace(trace))
}

fn rebind(words: &mut Words<'_>) -> Result<Rebind, CommandError> {
    let Some(word) = words.next() else { return Ok(Rebind { from: None }) };
    let from = word.text.parse().map_err(|_| word.fault(CommandProblem::Address))?;
    Ok(Rebind { from: Some(from) })
}
