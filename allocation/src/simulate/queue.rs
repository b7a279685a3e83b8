//! The link's drop-tail queue, and what part of the packets the car sees lost.

use super::flight::PACKET_BITS;

/// What stands before the link at most: the emulator's queue as it comes, 125 KB.
pub(super) const QUEUE_BITS: u64 = 125_000 * 8;

/// A packet's weight falls to 1/e over so many that are sent after it, as the transport's estimator has it.
const MEMORY_PACKETS: f64 = 1_000.0;

/// Packets sent and lost, the recent ones first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    sent: f64,
    lost: f64,
}

impl Seen {
    pub(super) fn sent(&mut self, bits: u64) {
        let packets = bits as f64 / PACKET_BITS as f64;
        let kept = (-packets / MEMORY_PACKETS).exp();
        self.sent = self.sent * kept + packets;
        self.lost *= kept;
    }

    pub(super) fn lost(&mut self, bits: u64) {
        self.lost += bits as f64 / PACKET_BITS as f64;
    }

    /// Part of the packets that is lost, 0 to 1.
    pub(super) fn fraction(&self) -> f64 {
        (self.lost / self.sent.max(1.0)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_forgotten_over_a_few_thousand_packets() {
        let mut seen = Seen::default();
        assert_eq!(seen.fraction(), 0.0);
        seen.sent(10_000 * PACKET_BITS);
        seen.lost(50 * PACKET_BITS);
        assert!((seen.fraction() - 0.005).abs() < 1e-9, "{}", seen.fraction());
        (0..50).for_each(|_| seen.sent(100 * PACKET_BITS));
        assert!(seen.fraction() < 0.001, "{}", seen.fraction());
    }
}
