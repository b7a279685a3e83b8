//! Which congestion controller a connection of the car has: the governed one, or the prototype's, which is s2n-quic's BBR
//! as it comes and is only watched.
//!
//! One type for both, because the whole stack is compiled for the type of its controller.

use std::sync::Arc;

use s2n_quic::provider::congestion_controller::{
    Bbr, CongestionController, Endpoint, PathInfo, Publisher, RandomGenerator, RttEstimator, Timestamp,
};

use super::controller::{Controller, Governed, Governor};

type BbrController = <Bbr as Endpoint>::CongestionController;
type BbrPacket = <BbrController as CongestionController>::PacketInfo;

/// Makes controllers.
#[derive(Debug)]
pub(super) enum Congestion {
    Governed(Governed),
    Bbr { bbr: Bbr, governor: Arc<Governor> },
}

impl Congestion {
    pub(super) fn governed(governor: Arc<Governor>) -> Self {
        Self::Governed(Governed(governor))
    }

    pub(super) fn bbr(governor: Arc<Governor>) -> Self {
        Self::Bbr { bbr: Bbr::default(), governor }
    }
}

impl Endpoint for Congestion {
    type CongestionController = Chosen;

    fn new_congestion_controller(&mut self, path: PathInfo<'_>) -> Chosen {
        match self {
            Self::Governed(governed) => Chosen::Governed(governed.new_congestion_controller(path)),
            Self::Bbr { bbr, governor } => {
                let bbr = Box::new(bbr.new_congestion_controller(path));
                let watched = Watched { bbr, governor: Arc::clone(governor) };
                watched.tell();
                Chosen::Bbr(watched)
            }
        }
    }
}

/// One path's.
#[derive(Clone, Debug)]
pub(super) enum Chosen {
    Governed(Controller),
    Bbr(Watched),
}

/// BBR, and who is told of what it sees.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    bbr: Box<BbrController>,
    governor: Arc<Governor>,
}

impl Watched {
    fn tell(&self) {
        self.governor.now_at(u64::from(self.bbr.congestion_window()), u64::from(self.bbr.bytes_in_flight()));
    }
}

/// Does the same with whichever it is.
macro_rules! either {
    ($self:ident, $controller:ident => $work:expr) => {
        match $self {
            Chosen::Governed($controller) => $work,
            Chosen::Bbr(Watched { bbr: $controller, .. }) => $work,
        }
    };
}

impl CongestionController for Chosen {
    /// BBR's.
    type PacketInfo = Option<BbrPacket>;

    fn congestion_window(&self) -> u32 {
        either!(self, controller => controller.congestion_window())
    }

    fn bytes_in_flight(&self) -> u32 {
        either!(self, controller => controller.bytes_in_flight())
    }

    fn is_congestion_limited(&self) -> bool {
        either!(self, controller => controller.is_congestion_limited())
    }

    fn requires_fast_retransmission(&self) -> bool {
        either!(self, controller => controller.requires_fast_retransmission())
    }

    fn on_packet_sent<Pub: Publisher>(
        &mut self,
        sent_at: Timestamp,
        bytes: usize,
        app_limited: Option<bool>,
        rtt: &RttEstimator,
        publisher: &mut Pub,
    ) -> Self::PacketInfo {
        match self {
            Self::Governed(controller) => {
                controller.on_packet_sent(sent_at, bytes, app_limited, rtt, publisher);
                None
            }
            Self::Bbr(watched) => {
                let packet = watched.bbr.on_packet_sent(sent_at, bytes, app_limited, rtt, publisher);
                watched.tell();
                watched.governor.sent(bytes, app_limited);
                Some(packet)
            }
        }
    }

    fn on_rtt_update<Pub: Publisher>(
        &mut self,
        sent_at: Timestamp,
        now: Timestamp,
        rtt: &RttEstimator,
        publisher: &mut Pub,
    ) {
        either!(self, controller => controller.on_rtt_update(sent_at, now, rtt, publisher));
    }

    fn on_ack<Pub: Publisher>(
        &mut self,
        sent_at: Timestamp,
        bytes: usize,
        packet: Self::PacketInfo,
        rtt: &RttEstimator,
        random: &mut dyn RandomGenerator,
        now: Timestamp,
        publisher: &mut Pub,
    ) {
        match (self, packet) {
            (Self::Governed(controller), _) => controller.on_ack(sent_at, bytes, (), rtt, random, now, publisher),
            (Self::Bbr(watched), Some(packet)) => {
                watched.bbr.on_ack(sent_at, bytes, packet, rtt, random, now, publisher);
                watched.tell();
                watched.governor.acked(bytes);
            }
            // A path's packets are of its own controller.
            (Self::Bbr(_), None) => {}
        }
    }

    fn on_packet_lost<Pub: Publisher>(
        &mut self,
        bytes: u32,
        packet: Self::PacketInfo,
        persistent: bool,
        new_burst: bool,
        random: &mut dyn RandomGenerator,
        now: Timestamp,
        publisher: &mut Pub,
    ) {
        match (self, packet) {
            (Self::Governed(controller), _) => {
                controller.on_packet_lost(bytes, (), persistent, new_burst, random, now, publisher);
            }
            (Self::Bbr(watched), Some(packet)) => {
                watched.bbr.on_packet_lost(bytes, packet, persistent, new_burst, random, now, publisher);
                watched.tell();
                watched.governor.lost(new_burst);
            }
            (Self::Bbr(_), None) => {}
        }
    }

    fn on_explicit_congestion<Pub: Publisher>(&mut self, count: u64, now: Timestamp, publisher: &mut Pub) {
        either!(self, controller => controller.on_explicit_congestion(count, now, publisher));
    }

    fn on_mtu_update<Pub: Publisher>(&mut self, bytes: u16, publisher: &mut Pub) {
        either!(self, controller => controller.on_mtu_update(bytes, publisher));
    }

    fn on_packet_discarded<Pub: Publisher>(&mut self, bytes: usize, publisher: &mut Pub) {
        either!(self, controller => controller.on_packet_discarded(bytes, publisher));
        if let Self::Bbr(watched) = self {
            watched.tell();
        }
    }

    fn earliest_departure_time(&self) -> Option<Timestamp> {
        either!(self, controller => controller.earliest_departure_time())
    }

    fn send_quantum(&self) -> Option<usize> {
        either!(self, controller => controller.send_quantum())
    }
}
