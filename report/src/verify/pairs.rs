//! Logs against each other: a frame whose result came has gone out and come in, and the transport saw both.

use std::collections::{BTreeMap, HashSet};

use crate::finding::{Finding, Findings, Severity};
use crate::logs::{Direction, LogId, LogKind, Place};

type ImageKey = (Place, Option<Direction>, u16);

/// What the logs know of frames, by service.
#[derive(Default)]
pub(super) struct Pairs {
    /// Frames with a result of the cloud (log type 1).
    pub(super) delivered: BTreeMap<u16, HashSet<i64>>,
    /// Images whose whole way has begin and end, and those of them that arrived (log type 8).
    pub(super) images: BTreeMap<ImageKey, (HashSet<i64>, HashSet<i64>)>,
}

impl Pairs {
    /// Looks every delivered frame up; returns how many there were to look up.
    pub(super) fn check(&self, findings: &mut Findings) -> u64 {
        let mut paired = 0;
        for (&service, frames) in &self.delivered {
            for direction in [Direction::Outgoing, Direction::Incoming] {
                let key = (Place::Car, Some(direction), service);
                let Some((matched, delivered)) = self.images.get(&key) else { continue };
                if direction == Direction::Outgoing {
                    paired += frames.len() as u64;
                }
                let mut missing: Vec<i64> = frames.difference(matched).copied().collect();
                missing.sort_unstable();
                let id = LogId { kind: LogKind::ImageContext, service: Some(service), direction: Some(direction) };
                for frame in missing {
                    let text =
                        format!("frame {frame} has a result of the cloud, but no matched begin and end of IMAGE here");
                    add(findings, id, "delivered frames without their images", text);
                }
                let mut undelivered: Vec<i64> =
                    frames.intersection(matched).filter(|frame| !delivered.contains(frame)).copied().collect();
                undelivered.sort_unstable();
                for frame in undelivered {
                    let text = format!("frame {frame} has a result of the cloud, but its image ended otherwise");
                    add(findings, id, "delivered frames that ended otherwise", text);
                }
            }
        }
        paired
    }
}

fn add(findings: &mut Findings, id: LogId, kind: &'static str, text: String) {
    let finding = Finding { severity: Severity::Error, file: id.to_string(), row: None, text };
    findings.add(kind, &id.to_string(), finding);
}
