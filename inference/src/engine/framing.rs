//! Whether a file is framed as an ONNX model, found out before the engine's own parser sees it.
//!
//! The engine's parser may run for hours on bytes that are not a model (a length that reaches past the end of the file
//! does not stop it), and a truncated download is the commonest broken model there is.

/// Protocol buffer field of a `ModelProto` that holds the graph, and those of a `GraphProto` that hold messages
/// (onnx.proto3: node, initializer, input, output, `value_info`).
const GRAPH: u64 = 7;
const GRAPH_MESSAGES: [u64; 5] = [1, 5, 11, 12, 13];

/// Where the framing breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FramingError {
    /// No fields can be read at this place.
    #[error("its structure breaks at byte {offset} of {bytes}: it is truncated, damaged or no ONNX file")]
    Broken {
        /// Where.
        offset: usize,
        /// How long the file is.
        bytes: usize,
    },
    /// It is well-formed, but there is no graph.
    #[error("it holds no graph")]
    NoGraph,
}

/// Checks the framing of a model, its graph, and the messages of the graph.
pub(super) fn check(bytes: &[u8]) -> Result<(), FramingError> {
    let mut graph = None;
    let broken = |offset| FramingError::Broken { offset, bytes: bytes.len() };
    let end_of = |inner: &[u8]| inner.as_ptr() as usize - bytes.as_ptr() as usize;
    walk(bytes, |field, inner| {
        if field == GRAPH {
            graph = Some(inner);
        }
        Ok(())
    })
    .map_err(broken)?;
    let graph = graph.ok_or(FramingError::NoGraph)?;
    walk(graph, |field, inner| {
        if GRAPH_MESSAGES.contains(&field) {
            walk(inner, |_, _| Ok(())).map_err(|offset| end_of(inner) - end_of(graph) + offset)?;
        }
        Ok(())
    })
    .map_err(|offset| broken(end_of(graph) + offset))
}

/// Visits every length-delimited field of a message; the error is the offset of what cannot be read.
fn walk<'a>(message: &'a [u8], mut visit: impl FnMut(u64, &'a [u8]) -> Result<(), usize>) -> Result<(), usize> {
    let mut rest = message;
    while !rest.is_empty() {
        let offset = message.len() - rest.len();
        let (tag, after) = varint(rest).ok_or(offset)?;
        rest = match tag & 7 {
            0 => varint(after).ok_or(offset)?.1,
            1 => after.get(8..).ok_or(offset)?,
            2 => {
                let (length, after) = varint(after).ok_or(offset)?;
                let (inner, after) =
                    usize::try_from(length).ok().and_then(|length| after.split_at_checked(length)).ok_or(offset)?;
                visit(tag >> 3, inner)?;
                after
            }
            5 => after.get(4..).ok_or(offset)?,
            _ => return Err(offset),
        };
        if tag >> 3 == 0 {
            return Err(offset);
        }
    }
    Ok(())
}

/// The number at the start, and what follows it; at most ten bytes.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at_checked(length)?;
    Some((number.iter().rev().fold(0, |value: u64, byte| value << 7 | u64::from(byte & 0x7f)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model with a version, and a graph of one node and one tensor.
    const MODEL: &[u8] = &[0x08, 8, 0x3a, 12, 0x0a, 4, 0x0a, 2, b'x', b'y', 0x2a, 4, 0x0d, 1, 2, 3];

    #[test]
    fn a_whole_model_passes_and_every_part_of_one_does_not() {
        let model = [MODEL, &[4]].concat();
        let model = [&model[..3], &[13], &model[4..11], &[5], &model[12..]].concat();
        assert_eq!(check(&model), Ok(()));
        for length in 0..model.len() {
            assert!(check(&model[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn what_is_no_model_is_named() {
        assert_eq!(check(b""), Err(FramingError::NoGraph));
        assert_eq!(check(&[0xff; 300]), Err(FramingError::Broken { offset: 0, bytes: 300 }));
        assert_eq!(check(MODEL), Err(FramingError::Broken { offset: 12, bytes: 16 }), "the tensor's float is cut");
        assert!(matches!(check(b"not a model"), Err(FramingError::Broken { .. })));
    }
}
