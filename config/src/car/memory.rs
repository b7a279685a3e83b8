//! Shared memory for frames and payloads.

use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::limits::{within, within_if_given};

/// What is wanted of the kernel's huge pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HugePages {
    /// Refuse to start without reserved huge pages.
    Require,
    /// Take the best there is and say what it was.
    Prefer,
    /// Plain pages.
    Never,
}

/// The `memory` block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub struct MemoryConfig {
    /// Frames per camera that may be in use at once, 3 to 256.
    #[garde(custom(within(3.0, 256.0, "slots")))]
    pub frame_slots: u32,
    /// Payloads per service that may be on their way at once, 2 to 256.
    #[garde(custom(within(2.0, 256.0, "slots")))]
    pub uplink_slots: u32,
    /// Bytes of one payload slot, 4096 to 268435456. Default: enough for the largest payload of the menu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(custom(within_if_given(4096.0, 268_435_456.0, "bytes")))]
    pub uplink_slot_bytes: Option<u64>,
    /// Huge pages.
    #[garde(skip)]
    pub huge_pages: HugePages,
    /// Whether the memory is locked, so that it is never paged out.
    #[garde(skip)]
    pub lock: bool,
}
