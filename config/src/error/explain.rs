//! What the YAML reader found, in the words of the schema.

use serde_saphyr::{DefaultMessageFormatter, Error, Location, MessageFormatter};

/// A message and where it belongs, line and column from 1.
pub(super) type Explained = (String, Option<(usize, usize)>);

/// Everything that `error` says, at least one entry.
pub(super) fn explain(text: &str, error: &Error) -> Vec<Explained> {
    match error.without_snippet() {
        Error::AliasError { error, .. } => explain(text, error),
        Error::ValidationError { issues, locations, .. } if !issues.is_empty() => issues
            .iter()
            .map(|issue| {
                let location = locations.locations_for(&issue.path).map(|found| found.reference_location);
                let what = issue.message.as_deref().unwrap_or(issue.code.as_str());
                let name = path_text(issue.path.segments().map(|(kind, name)| (kind, name.to_owned())));
                (format!("{name} {what}"), place(location))
            })
            .collect(),
        other => {
            let place = place(other.location());
            vec![(message(text, other, place), place)]
        }
    }
}

fn place(location: Option<Location>) -> Option<(usize, usize)> {
    let location = location.filter(|location| location.line() > 0)?;
    Some((usize::try_from(location.line()).ok()?, usize::try_from(location.column()).ok()?))
}

fn path_text<'a>(segments: impl Iterator<Item = (serde_saphyr::path_map::PathKind, String)> + 'a) -> String {
    let mut out = String::new();
    for (kind, name) in segments {
        match kind {
            serde_saphyr::path_map::PathKind::Index => out.push_str(&format!("[{name}]")),
            serde_saphyr::path_map::PathKind::Key => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(&name);
            }
        }
    }
    format!("`{out}`")
}

fn message(text: &str, error: &Error, place: Option<(usize, usize)>) -> String {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing; expected it in this block"),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` stands in this block a second time; expected each key once")
        }
        Error::MultipleDocuments { .. } => "a second document begins; expected one document per file".to_owned(),
        Error::Eof { .. } => "the file ends where a value is expected; expected `key: value` lines".to_owned(),
        Error::InvalidScalar { ty, .. } => wrong_value(text, place, &kind_of_number(ty)),
        Error::InvalidBooleanStrict { .. } => wrong_value(text, place, "true or false"),
        Error::NullIntoString { .. } => wrong_value(text, place, "a text"),
        Error::Unexpected { expected, .. } => match key_at(text, place) {
            Some(_) => wrong_value(text, place, shape(expected)),
            None => format!("expected {}", shape(expected)),
        },
        Error::Message { msg, .. } => msg.clone(),
        _ if starts_with_a_tab(text, place) => "a tab stands in the indentation; expected spaces".to_owned(),
        other => DefaultMessageFormatter.format_message(other).into_owned(),
    }
}

fn shape(expected: &str) -> &str {
    match expected {
        "mapping start" => "a block of `key: value` lines",
        "sequence start" => "a list, one `- item` per line",
        "scalar" | "string scalar" => "a single value",
        other => other,
    }
}

fn kind_of_number(ty: &str) -> String {
    match ty {
        "floating point" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "u8" => format!("a whole number from 0 to {}", u8::MAX),
        "u16" => format!("a whole number from 0 to {}", u16::MAX),
        "u32" => format!("a whole number from 0 to {}", u32::MAX),
        "u64" | "usize" => "a whole number from 0".to_owned(),
        "i32" | "i64" => "a whole number".to_owned(),
        other => format!("a {other}"),
    }
}

/// A value that is none of its key's, which is named where it stands on the same line.
fn wrong_value(text: &str, place: Option<(usize, usize)>, expected: &str) -> String {
    let key = key_at(text, place).map_or_else(|| "the value".to_owned(), |key| format!("`{key}`"));
    match scalar_at(text, place) {
        Some(scalar) => format!("{key} is `{scalar}`; expected {expected}"),
        None => format!("{key} has no value; expected {expected}"),
    }
}

/// The line of `place`, before and from there on.
fn line_at(text: &str, place: Option<(usize, usize)>) -> Option<(String, String)> {
    let (line, column) = place?;
    let (line, before) = (text.lines().nth(line.checked_sub(1)?)?, column.checked_sub(1)?);
    Some((line.chars().take(before).collect(), line.chars().skip(before).collect()))
}

/// The key whose value stands at `place`, or within whose list it does, where that is the same line.
fn key_at(text: &str, place: Option<(usize, usize)>) -> Option<String> {
    let (before, after) = line_at(text, place)?;
    // Of a key without a value, the place is that of its colon.
    let before = if after.starts_with(':') { before } else { before.rsplit_once(':')?.0.to_owned() };
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let key = before.trim_end().rsplit(|character| !plain(character)).next()?.trim_start_matches('-');
    Some(key.to_owned()).filter(|key| !key.is_empty())
}

/// The scalar at `place` as it is written, where there is one.
fn scalar_at(text: &str, place: Option<(usize, usize)>) -> Option<String> {
    let (_, rest) = line_at(text, place)?;
    let end = rest.find(" #").or_else(|| rest.find([',', '}', ']'])).unwrap_or(rest.len());
    let scalar = rest.get(..end)?.trim();
    Some(scalar.to_owned()).filter(|scalar| !scalar.is_empty() && scalar != ":")
}

/// Whether a tab is among what a line begins with.
fn starts_with_a_tab(text: &str, place: Option<(usize, usize)>) -> bool {
    let line = place.and_then(|(line, _)| text.lines().nth(line.checked_sub(1)?));
    line.is_some_and(|line| line.chars().take_while(|character| character.is_whitespace()).any(|space| space == '\t'))
}

fn unknown(what: &str, given: &str, expected: &[&str]) -> String {
    let list = expected.join(", ");
    let one_of = if expected.len() == 1 { "" } else { "one of " };
    match nearest(given, expected) {
        Some(near) => format!("unknown {what} `{given}`; did you mean `{near}`? expected {one_of}{list}"),
        None => format!("unknown {what} `{given}`; expected {one_of}{list}"),
    }
}

/// The expected name that a slip of the fingers would turn into `given`.
fn nearest<'a>(given: &str, expected: &[&'a str]) -> Option<&'a str> {
    let close = |name: &&str| {
        // A forgotten unit or a shortened name is as common as a typing error.
        let shortened = given.len() >= 3 && (name.starts_with(given) || given.starts_with(*name));
        if shortened { 1 } else { distance(given, name) }
    };
    let best = expected.iter().copied().min_by_key(close)?;
    (close(&best) <= 1 + given.chars().count() / 4).then_some(best)
}

/// Edit distance (Levenshtein), by one row of the table.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (diagonal + usize::from(x != y)).min(*cell + 1).min(left + 1);
            diagonal = *cell;
            *cell = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key_and_nonsense_none() {
        let keys = ["slo_ms", "fps", "weight", "camera"];
        assert_eq!(nearest("slo", &keys), Some("slo_ms"));
        assert_eq!(nearest("camra", &keys), Some("camera"));
        assert_eq!(nearest("fsp", &keys), None);
        assert_eq!(nearest("zzz", &keys), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn a_value_is_named_by_its_key_where_both_stand_on_one_line() {
        let text = "fps: five # a lot\n  - cores: [0, -1]\nwhen: {speed: x, tags: []}\nempty:\n- 7\n";
        for (place, key, scalar) in [
            ((1, 6), Some("fps"), Some("five")),
            ((2, 15), Some("cores"), Some("-1")),
            ((3, 15), Some("speed"), Some("x")),
            ((4, 6), Some("empty"), None),
            ((5, 3), None, Some("7")),
            ((9, 1), None, None),
        ] {
            assert_eq!(key_at(text, Some(place)).as_deref(), key, "{place:?}");
            assert_eq!(scalar_at(text, Some(place)).as_deref(), scalar, "{place:?}");
        }
        assert_eq!(wrong_value(text, Some((4, 6)), "a number"), "`empty` has no value; expected a number");
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, d) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0)] {
            assert_eq!((distance(a, b), distance(b, a)), (d, d));
        }
    }
}
