//! The golden vectors, `vectors.json`: one file that both sides' decoders are held against.
//!
//! Each has a `kind`, its bytes in `hex`, and either the `message` they are or a word of the reason for which they are
//! `refused`. One that is `longer_than_written` holds bytes that this version reads over and does not write.

use serde_json::Value;

use super::view::{decode_as, from_hex, to_hex};

pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/vectors.json");

pub fn vectors() -> Vec<Value> {
    let text = std::fs::read_to_string(FILE).expect("the vectors");
    serde_json::from_str(&text).expect("a list of vectors")
}

pub fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("no {key} in {vector}"))
}

#[test]
fn every_golden_vector_is_read_and_written_as_it_stands() {
    let vectors = vectors();
    for vector in &vectors {
        let (name, bytes) = (text(vector, "name"), from_hex(text(vector, "hex")));
        match (decode_as(text(vector, "kind"), &bytes), vector.get("refused")) {
            (Ok((message, written)), None) => {
                assert_eq!(message, vector["message"], "{name}");
                assert_eq!(
                    written != bytes,
                    vector.get("longer_than_written").is_some(),
                    "{name}: {}",
                    to_hex(&written)
                );
            }
            (Err(reason), Some(word)) => {
                assert!(reason.contains(word.as_str().expect("a word")), "{name}: {reason:?} does not say {word}");
            }
            (outcome, _) => panic!("{name}: {outcome:?}"),
        }
    }
    for (kind, least) in [("frame", 5), ("result", 5), ("control", 5), ("datagram", 5), ("result-stream", 1)] {
        for refused in [true, false] {
            let of = |v: &&Value| text(v, "kind") == kind && v.get("refused").is_some() == refused;
            assert!(vectors.iter().filter(of).count() >= least, "{kind}, refused {refused}");
        }
    }
}

/// The document shows the bytes of the vectors called so; text in quotes stands for its bytes.
#[test]
fn the_document_shows_the_same_bytes() {
    let document = include_str!("../../../docs/wire.md");
    let indented: String = document.lines().filter(|line| line.starts_with("    ")).collect();
    let shown: String = indented
        .split('"')
        .enumerate()
        .map(|(index, part)| match index % 2 {
            0 => part.replace(' ', ""),
            _ => to_hex(part.as_bytes()),
        })
        .collect();
    let shown_names = [
        "frame header",
        "frame header of a frame that another may follow",
        "result",
        "hello",
        "accepted",
        "refused",
        "shard",
        "progress",
        "abandon",
    ];
    for name in shown_names {
        let vectors = vectors();
        let vector = vectors.iter().find(|vector| text(vector, "name") == name).expect(name);
        let hex = text(vector, "hex").replace(' ', "");
        assert!(shown.contains(&hex), "docs/wire.md does not show the {name} of vectors.json");
    }
}
