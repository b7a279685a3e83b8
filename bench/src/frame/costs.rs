//! What one hand-over costs besides time: system calls, heap calls, copied bytes.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Serialize;

use super::pipeline::{HandOvers, Pace};
use super::system_calls::{self, Calls};
use crate::error::{BenchError, Result};

/// Frames of the two traced runs; what the second makes more of, the frames in between have made.
const FRAMES: [u64; 2] = [100, 300];

/// Costs of the two hand-overs capture → encode → send, after start-up.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Costs {
    /// At a camera's pace, where every reader sleeps between frames.
    pub at_camera_pace: Cost,
    /// Frame after frame, where a reader sleeps only if the stage before it takes longer than it spins; under tracing
    /// that is more often than otherwise.
    pub back_to_back: Cost,
    /// How it was found out.
    pub how: &'static str,
}

/// Costs at one pace.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    /// System calls per frame of all three threads, by name; `null` where they could not be counted.
    pub system_calls_per_frame: Option<BTreeMap<String, f64>>,
    /// Why they could not be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown_because: Option<String>,
    /// Heap calls per frame of all three threads.
    pub heap_calls_per_frame: Option<f64>,
    /// Raw bytes copied per frame: none of a frame that is read where it was written.
    pub raw_bytes_copied_per_frame: Option<u64>,
    /// Frames that the last two come from.
    pub frames: u64,
}

const HOW: &str = "system calls: a child traced with ptrace at every call, over two runs of different length; heap \
    calls: a counting allocator, per thread; copied bytes: the reader's bytes begin at the very address that the \
    writer wrote to, for every frame";

/// Runs the hand-overs in child processes, traced where that is permitted.
///
/// # Errors
/// Where the hand-overs themselves fail.
pub fn measure() -> Result<Costs> {
    let at_camera_pace = cost(Pace::Camera)?;
    let back_to_back = cost(Pace::BackToBack)?;
    Ok(Costs { at_camera_pace, back_to_back, how: HOW })
}

fn cost(pace: Pace) -> Result<Cost> {
    let [few, many] = FRAMES;
    let untraced = child(many, pace)?.output().map_err(BenchError::system("starting the hand-overs"))?;
    if !untraced.status.success() {
        let reason = String::from_utf8_lossy(&untraced.stderr).trim().to_owned();
        return Err(BenchError::Child { words: vec!["hand-over".into()], reason });
    }
    let hand_overs = parse(&String::from_utf8_lossy(&untraced.stdout))?;
    let traced = |frames| system_calls::of(child(frames, pace)?).map(|(calls, _)| calls);
    let calls = traced(few).and_then(|few| Ok((few, traced(many)?)));
    let (system_calls_per_frame, unknown_because) = match calls {
        Ok((at_few, at_many)) => (Some(per_frame(&at_few, &at_many, many - few)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let frames = hand_overs.frames;
    let all_in_place = hand_overs.raw_in_place == frames && hand_overs.payload_in_place == frames;
    Ok(Cost {
        system_calls_per_frame,
        unknown_because,
        heap_calls_per_frame: hand_overs.heap_counted.then(|| hand_overs.heap_calls as f64 / frames as f64),
        raw_bytes_copied_per_frame: all_in_place.then_some(0),
        frames,
    })
}

fn child(frames: u64, pace: Pace) -> Result<Command> {
    let program = std::env::current_exe().map_err(BenchError::system("the path of this program"))?;
    let mut command = Command::new(program);
    let pace = match pace {
        Pace::Camera => "camera",
        Pace::BackToBack => "back-to-back",
    };
    command.args(["hand-over", &frames.to_string(), pace]);
    Ok(command)
}

fn parse(text: &str) -> Result<HandOvers> {
    serde_json::from_str(text.trim()).map_err(BenchError::library("the counts of the hand-overs"))
}

/// What `frames` more frames made, per frame, to a thousandth; calls that did not become more are left out.
fn per_frame(few: &Calls, many: &Calls, frames: u64) -> BTreeMap<String, f64> {
    let more = |(name, &count): (&String, &u64)| {
        let more = count.saturating_sub(few.get(name).copied().unwrap_or(0));
        let rate = (more as f64 / frames as f64 * 1e3).round() / 1e3;
        (rate > 0.0).then(|| (name.clone(), rate))
    };
    many.iter().filter_map(more).collect()
}

impl std::fmt::Display for Costs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "capture -> encode -> send, per frame, after start-up")?;
        writeln!(f, "  at a camera's pace: {}", self.at_camera_pace)?;
        writeln!(f, "  back to back:       {}", self.back_to_back)
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.system_calls_per_frame, &self.unknown_because) {
            (Some(calls), _) if calls.is_empty() => f.write_str("no system calls")?,
            (Some(calls), _) => {
                let calls: Vec<String> = calls.iter().map(|(name, rate)| format!("{rate} {name}")).collect();
                write!(f, "system calls {}", calls.join(", "))?;
            }
            (None, reason) => write!(f, "system calls unknown ({})", reason.as_deref().unwrap_or("no reason"))?,
        }
        match self.heap_calls_per_frame {
            Some(calls) => write!(f, "; {calls} heap calls")?,
            None => f.write_str("; heap calls not counted")?,
        }
        match self.raw_bytes_copied_per_frame {
            Some(bytes) => write!(f, "; {bytes} raw bytes copied"),
            None => f.write_str("; SOME FRAMES WERE NOT READ WHERE THEY WERE WRITTEN"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_start_up_called_is_not_counted() {
        let calls = |futex, mmap| Calls::from([("futex".to_owned(), futex), ("mmap".to_owned(), mmap)]);
        let rates = per_frame(&calls(410, 37), &calls(1210, 37), 200);
        assert_eq!(rates, BTreeMap::from([("futex".to_owned(), 4.0)]));
    }
}
