//! What threads tell the collector: plain records, moved by value through a ring.

mod allocation;
mod camera;
mod frame;
mod link;
mod network;
mod ping;
mod served;

pub use allocation::{AllocationRecord, MAX_SERVICES, ServiceAllocation};
pub use camera::CameraRecord;
pub use frame::{FrameRecord, NoneReason, Outcome, RequestTimes, ResponseTimes, Source};
pub use link::LinkRecord;
pub use network::NetworkRecord;
pub use ping::PingRecord;
pub use rt_core::trace::images::ImageRecord;
pub use served::ServedRecord;
