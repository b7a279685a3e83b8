//! Columns of text, as wide as they have to be.

/// A table with a title; the first column is aligned to the left, the others as their head says.
#[derive(Debug)]
pub struct Table {
    /// What it is about.
    pub title: String,
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// A column whose head begins so is one of words, and aligned to the left.
const WORDS: char = '<';

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, heads: &[&'static str]) -> Self {
        Self { title: title.into(), heads: heads.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Title and heads on one line, then the rows.
    pub fn lines(&self) -> Vec<String> {
        let heads: Vec<String> = self.heads.iter().map(|head| head.trim_start_matches(WORDS).to_owned()).collect();
        let width = |place: usize| {
            let cells = std::iter::once(&heads).chain(&self.rows).filter_map(|row| row.get(place));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let mut text = String::new();
            for (place, ((cell, width), head)) in cells.iter().zip(&widths).zip(&self.heads).enumerate() {
                let cell = if head.starts_with(WORDS) { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                if place > 0 {
                    text.push_str("  ");
                }
                text.push_str(&cell);
            }
            text.truncate(text.trim_end().len());
            text
        };
        let mut lines = vec![self.title.clone()];
        lines.push(line(&heads));
        lines.extend(self.rows.iter().map(line));
        lines
    }
}

/// A number with so many decimals, or a dash.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

/// A word, or a dash.
pub fn word(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_numbers_and_words_under_words() {
        let mut table = Table::new("rings", &["<ring", "room", "<who"]);
        table.row(vec!["a-longer-one".to_owned(), "5".to_owned(), "x".to_owned()]);
        table.row(vec!["b".to_owned(), "12345".to_owned(), "y".to_owned()]);
        assert_eq!(
            table.lines(),
            ["rings", "ring           room  who", "a-longer-one      5  x", "b             12345  y"]
        );
        assert_eq!((number(None, 1), number(Some(1.25), 1), word(Some(""))), ("-".into(), "1.2".into(), "-".into()));
    }
}
