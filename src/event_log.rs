//! Where a process's event log goes.

use rt_core::clock::ClockAnchor;
use telemetry::events::EventLog;
use telemetry::run_dir::{Role, RunDirs};

/// Beside the log directories of the first role.
pub const EVENTS_DIR: &str = "events";

/// The event log of the process whose first role is `role`; `None` where the profile allows it nothing.
pub fn event_log(dirs: &RunDirs, role: Role, quota_mib: u32, started: ClockAnchor) -> Option<EventLog> {
    let run = dirs.run(role).filter(|_| quota_mib > 0)?;
    Some(EventLog::new(&run.join(EVENTS_DIR), u64::from(quota_mib) << 20, started))
}
