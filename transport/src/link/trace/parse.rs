//! Mahimahi's format, read byte by byte so that every fault has its line and column.

use super::error::MAX_MS;
use super::{Corner, OPPORTUNITY_BYTES, Trace, TraceError, TraceProblem};

const NS_PER_MS: u64 = 1_000_000;

/// How much of a faulty line is repeated in its error.
const SHOWN_CHARS: usize = 40;

pub(super) fn parse(text: &[u8], name: &str) -> Result<Trace, TraceError> {
    let mut corners: Vec<Corner> = Vec::new();
    let mut previous: Option<(u64, usize)> = None;
    let mut last_column = 1;
    let mut bits = 0_u64;
    for (index, raw) in text.split(|&byte| byte == b'\n').enumerate() {
        let content = raw.trim_ascii();
        if content.is_empty() || content.starts_with(b"#") {
            continue;
        }
        let line = index + 1;
        let column = raw.len() - raw.trim_ascii_start().len() + 1;
        let fail = |problem| {
            let shown = String::from_utf8_lossy(content).chars().take(SHOWN_CHARS).collect();
            TraceError::Line { name: name.to_owned(), line, column, text: shown, problem }
        };
        let ms = milliseconds(content).map_err(fail)?;
        if let Some((previous_ms, previous_line)) = previous.filter(|&(previous_ms, _)| ms < previous_ms) {
            return Err(fail(TraceProblem::Earlier { previous_ms, previous_line }));
        }
        let before = bits;
        bits += OPPORTUNITY_BYTES * 8;
        let end = Corner { at_ns: ms * NS_PER_MS, bits };
        match corners.last_mut() {
            Some(last) if previous.is_some_and(|(previous_ms, _)| previous_ms == ms) => *last = end,
            _ => {
                corners.push(Corner { at_ns: ms.saturating_sub(1) * NS_PER_MS, bits: before });
                corners.push(end);
            }
        }
        (previous, last_column) = (Some((ms, line)), column);
    }
    let (last_ms, line) = previous.ok_or_else(|| TraceError::Empty { name: name.to_owned() })?;
    let refused = || TraceError::ZeroPeriod { name: name.to_owned(), line, column: last_column };
    if last_ms == 0 {
        return Err(refused());
    }
    Trace::from_corners(name, corners).ok_or_else(refused)
}

fn milliseconds(content: &[u8]) -> Result<u64, TraceProblem> {
    let negative = content.strip_prefix(b"-");
    let digits = negative.unwrap_or(content);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(TraceProblem::NotANumber);
    }
    if negative.is_some() {
        return Err(TraceProblem::Negative);
    }
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|&value| value <= MAX_MS)
    });
    value.ok_or(TraceProblem::TooLarge)
}
