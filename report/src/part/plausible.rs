//! A part without a seal, looked at before polars is: a page or a footer that claims more values than there are rows makes
//! polars ask for more memory than there is, which ends the process and cannot be caught. The `parquet` crate asks for no
//! more than a page's own length, which is a 32-bit number.

use std::fs::File;
use std::path::Path;

use parquet::column::page::PageReader;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::{MOST_ROWS, PartProblem};

/// Refuses a file whose footer or pages contradict themselves.
pub(super) fn check(path: &Path) -> Result<(), PartProblem> {
    let file = File::open(path).map_err(PartProblem::Io)?;
    let reader = SerializedFileReader::new(file).map_err(PartProblem::damaged)?;
    let mut rows = 0;
    for (number, group) in reader.metadata().row_groups().iter().enumerate() {
        let group_rows = within(group.num_rows(), MOST_ROWS, "rows of a group")?;
        rows += group_rows;
        let pages = reader.get_row_group(number).map_err(PartProblem::damaged)?;
        for (place, column) in group.columns().iter().enumerate() {
            // The logs' columns are flat: a value or a null for each row.
            within(column.num_values(), group_rows, "values of a column")?;
            check_pages(pages.get_column_page_reader(place).map_err(PartProblem::damaged)?, group_rows)?;
        }
    }
    within(reader.metadata().file_metadata().num_rows(), rows, "rows")?;
    Ok(())
}

fn check_pages(mut pages: Box<dyn PageReader>, rows: usize) -> Result<(), PartProblem> {
    let mut seen = 0;
    while let Some(page) = pages.get_next_page().map_err(PartProblem::damaged)? {
        let values = i64::from(page.num_values());
        if page.is_data_page() {
            seen += within(values, rows, "values of a page")?;
        } else {
            within(values, rows, "values of a dictionary")?;
        }
    }
    within(i64::try_from(seen).unwrap_or(i64::MAX), rows, "values of all pages")?;
    Ok(())
}

fn within(claimed: i64, most: usize, what: &str) -> Result<usize, PartProblem> {
    let claim = usize::try_from(claimed).ok().filter(|claim| *claim <= most);
    claim.ok_or_else(|| PartProblem::Damaged(format!("it claims {claimed} {what}; there can be {most} at most")))
}
