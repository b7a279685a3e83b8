//! Text that comes from file names and log cells, made safe for a terminal and a page.

use std::path::Path;

/// A path as people may read it: control characters (line breaks, terminal escapes) are spelled out.
#[must_use]
pub fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy())
}

/// Text with its control characters spelled out.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { plain.extend(letter.escape_default()) } else { plain.push(letter) }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(plain("a\u{1b}[31m\nb é"), "a\\u{1b}[31m\\nb é");
    }
}
