//! Log type 2: frames in order, Unix times, raw frames where the log says they are.

use super::{Check, Rows};
use crate::part::Table;
use crate::run::Log;
use crate::text::plain;

pub(super) struct Cameras {
    service: u16,
    last: Option<i64>,
}

impl Cameras {
    pub(super) const fn new(log: &Log) -> Self {
        Self {
            service: match log.id.service {
                Some(service) => service,
                None => 0,
            },
            last: None,
        }
    }
}

impl Rows for Cameras {
    fn part(&mut self, table: &Table, check: &mut Check<'_>) {
        check.owner("camera_id", table.integers("camera_id"), self.service);
        check.unix("spawn_timestamp_secs", table.floats("spawn_timestamp_secs"));
        check.each(
            "negative ages",
            table.floats("image_age"),
            |age| age >= 0.0,
            |age| format!("image_age is {age} s; a frame is handed on after its capture"),
        );
        let contexts = table.integers("context_id").unwrap_or_default();
        for (row, context) in contexts.iter().enumerate() {
            match (*context, self.last) {
                (None, _) => check.error("frames without a number", Some(row), "context_id is no number".to_owned()),
                (Some(context), Some(last)) if context <= last => {
                    let text = format!("frame {context} comes after frame {last}: doubled, or out of order");
                    check.error("frames out of order", Some(row), text);
                }
                _ => {}
            }
            self.last = context.or(self.last);
        }
        for (row, path) in table.texts("camera_image_path").unwrap_or_default().into_iter().enumerate() {
            if !path.is_empty() && crate::raw_frame::locate(path, check.path()).is_none() {
                let text = format!("raw frame {:?} is neither there nor beside the log", plain(path));
                check.error("missing raw frames", Some(row), text);
            }
        }
    }
}
