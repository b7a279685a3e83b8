//! What threads tell the collector: plain records, moved by value through a ring.

mod allocation;
mod frame;
mod link;
mod served;

pub use allocation::{AllocationRecord, MAX_SERVICES, ServiceAllocation};
pub use frame::{FrameRecord, NoneReason, Outcome, RequestTimes, ResponseTimes, Source};
pub use link::LinkRecord;
pub use served::ServedRecord;
