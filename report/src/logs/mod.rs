//! The eight experiment logs as files: how a part is called, whose it is, and which columns it has to have.

mod columns;
mod name;

pub use columns::{ColumnSpec, Columns, Origin, services_of_allocation};
pub use name::{LogId, PartName, Place, RawFrame};
pub use rt_core::trace::images::Direction;

/// A log type, in the order of the specification's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKind {
    /// 1: every decision of the car.
    ClientQueries,
    /// 2: every captured frame.
    CameraContexts,
    /// 3: every request the cloud served.
    ServerResults,
    /// 4: pings.
    PingLoop,
    /// 5: the state of the link.
    BandwidthStat,
    /// 6: divisions of the uplink.
    AllocationStat,
    /// 7: bytes carried.
    NetworkStat,
    /// 8: every step of every image through the transport.
    ImageContext,
}

impl LogKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ClientQueries,
        Self::CameraContexts,
        Self::ServerResults,
        Self::PingLoop,
        Self::BandwidthStat,
        Self::AllocationStat,
        Self::NetworkStat,
        Self::ImageContext,
    ];

    /// The specification's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The name that its files begin with.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientQueries => "client_queries",
            Self::CameraContexts => "camera_contexts",
            Self::ServerResults => "server_results",
            Self::PingLoop => "ping_loop",
            Self::BandwidthStat => "bandwidth_stat_log",
            Self::AllocationStat => "allocation_stat_log",
            Self::NetworkStat => "network_stat_log",
            Self::ImageContext => "image_context_log",
        }
    }

    const fn is_per_service(self) -> bool {
        !matches!(self, Self::PingLoop | Self::BandwidthStat | Self::AllocationStat)
    }

    /// What stands before the part's number.
    const fn part_word(self) -> &'static str {
        match self {
            Self::ClientQueries | Self::CameraContexts | Self::ServerResults | Self::PingLoop => "_temp",
            Self::BandwidthStat | Self::AllocationStat | Self::NetworkStat | Self::ImageContext => "_part",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::ClientQueries | Self::CameraContexts | Self::PingLoop => ".csv",
            Self::ServerResults | Self::ImageContext => "",
            Self::BandwidthStat | Self::AllocationStat | Self::NetworkStat => ".parquet",
        }
    }
}
