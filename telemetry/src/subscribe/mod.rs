//! Live subscriptions: what a running process tells, to any number of readers, none of whom can slow it.
//!
//! A process has one [`Hub`]. Its collector holds the [`Publisher`], everybody with something to say a clone of the hub,
//! and each reader a [`Subscription`] with a bounded queue of its own. The collector copies an event into the queue of
//! whoever wants it and goes on; where a queue is full the event is lost to that reader alone, who is told how many. All
//! the rest (words, JSON, sockets) happens on the readers' threads. Without a reader it costs one look at a flag a pass.

mod filter;
mod hub;
mod picture;
mod place;
mod publisher;
mod subscription;
mod tasks;
#[cfg(test)]
mod tests;
mod who;

pub use crate::events::{Note, NoteKind};
pub use filter::{Filter, FilterError};
pub use hub::{Hub, NoSubscription, QUEUE, Wants};
pub use picture::{
    AllocationPicture, EmulatedPicture, GatewayPicture, HandoverPicture, HopPicture, LinkPicture, LossPicture,
    NotePicture, Picture, RingPicture, ServicePicture, ThreadPicture, WayPicture, WorkerPicture,
};
pub(crate) use picture::{Base, millis};
pub use place::MOST_SUBSCRIBERS;
pub use publisher::Publisher;
pub use subscription::{Subscription, event_line, note_line};
pub use who::Who;
