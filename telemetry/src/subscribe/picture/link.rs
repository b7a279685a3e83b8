//! The uplink as the car knows it, and as an emulator makes it.

use serde::{Deserialize, Serialize};

/// The uplink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkPicture {
    /// How long ago this was known; there is no connection where it is more than a second or two.
    pub age_s: f64,
    /// Estimated capacity.
    pub estimate_mbps: f64,
    /// One byte in ten of the last second came at less than this, seen at the receiver and scaled to the estimate; `None`
    /// where too little was sent to tell.
    pub low_mbps: Option<f64>,
    /// One byte in ten came at more than this.
    pub high_mbps: Option<f64>,
    /// Of the estimates of the last 10 s, one in ten was below this.
    pub estimate_p10_mbps: f64,
    /// Their median.
    pub estimate_p50_mbps: f64,
    /// Smoothed round trip.
    pub rtt_ms: f64,
    /// Part of the packets that is lost, 0 to 1.
    pub loss: f64,
    /// Connections that the cloud has accepted: the one that carries the frames, and those that stand by.
    pub connections: u32,
    /// Congestion window.
    pub cwnd_bytes: u32,
    /// What acknowledgements showed of the rate.
    pub delivery_mbps: f64,
    /// Whether little was sent, so that `delivery_mbps` says little.
    pub app_limited: bool,
}

/// An emulated link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EmulatedPicture {
    /// Where cars send to.
    pub listen: String,
    /// Where it relays to.
    pub server: String,
    /// From the cars to the cloud.
    pub up: WayPicture,
    /// From the cloud to the cars.
    pub down: WayPicture,
    /// Senders that have been given a socket so far.
    pub clients: u64,
    /// Commands carried out.
    pub commands: u64,
    /// NAT rebindings.
    pub rebinds: u64,
}

/// One direction of an emulated link. Bytes are those on the wire, headers included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WayPicture {
    /// What could pass, over the last one to two seconds; `None` before the first of them is over.
    pub rate_mbps: Option<f64>,
    /// What did pass in the same time.
    pub delivered_mbps: Option<f64>,
    /// Bytes in its queue now.
    pub queue_bytes: u64,
    /// Packets that came in.
    pub offered: u64,
    /// Packets that were delivered.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Packets that were dropped, for whatever reason.
    pub dropped: u64,
    /// Of them, those that found the queue full.
    pub dropped_queue: u64,
    /// Of them, those lost at random or in bursts, as was asked for.
    pub dropped_loss: u64,
    /// Packets handed on more than 1 ms after their time: with a noticeable part of them so late, the machine is too
    /// busy for the emulation to be true.
    pub late_1ms: u64,
}
