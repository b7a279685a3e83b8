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
        Error::InvalidScalar { ty, .. } => {
            format!("{} is not {}", scalar_at(text, place), kind_of_number(ty))
        }
        Error::InvalidBooleanStrict { .. } => format!("{} is not true or false", scalar_at(text, place)),
        Error::NullIntoString { .. } => "there is no value; expected a text".to_owned(),
        Error::Unexpected { expected, .. } => format!("expected {}", shape(expected)),
        Error::Message { msg, .. } => msg.clone(),
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
        "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "i32" | "i64" => "a whole number".to_owned(),
        other => format!("a {other}"),
    }
}

/// The scalar at `place` as it is written, in backquotes.
fn scalar_at(text: &str, place: Option<(usize, usize)>) -> String {
    let found = place.and_then(|(line, column)| {
        let rest: String = text.lines().nth(line.checked_sub(1)?)?.chars().skip(column.checked_sub(1)?).collect();
        let end = rest.find(" #").or_else(|| rest.find([',', '}', ']'])).unwrap_or(rest.len());
        Some(rest.get(..end)?.trim().to_owned()).filter(|scalar| !scalar.is_empty())
    });
    found.map_or_else(|| "the value".to_owned(), |scalar| format!("`{scalar}`"))
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
    fn distances_are_those_of_levenshtein() {
        for (a, b, d) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0)] {
            assert_eq!((distance(a, b), distance(b, a)), (d, d));
        }
    }
}
