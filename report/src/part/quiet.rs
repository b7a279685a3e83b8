//! The Parquet reader panics on some damaged files; such a panic is a finding about the file and not this program's
//! end, so it is caught, and nothing of it is printed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics that [`super::read`] catches from being printed; to be called once, before anything is read.
pub fn quiet_reader_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !READING.get() {
            usual(info);
        }
    }));
}

/// Runs `read`; a panic in it becomes its message.
pub(super) fn catch<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    READING.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    READING.set(false);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the reader gave up");
        text.lines().next().unwrap_or_default().to_owned()
    })
}
