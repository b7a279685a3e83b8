//! What part of the packets is lost, and whether they are lost alone or in bursts.

/// A packet's weight falls to 1/e over this many packets sent after it: about a second at 10 Mbit/s.
const MEMORY_PACKETS: f64 = 1_000.0;
/// Before anything was measured: one loss, alone, in this many packets.
const PRIOR_PACKETS: f64 = 200.0;

/// Loss and mean burst length over the last thousand or so packets.
///
/// It is fed with totals, as an event subscriber counts them, so that it may be asked as seldom as one likes.
///
/// ```
/// use transport::estimate::LossEstimator;
/// let mut loss = LossEstimator::default();
/// loss.observe(10_000, 200, 100); // 200 of 10,000 packets in 100 bursts
/// assert!((loss.fraction() - 0.02).abs() < 0.001);
/// assert!((loss.burst() - 2.0).abs() < 0.1);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LossEstimator {
    seen: (u64, u64, u64),
    sent: f64,
    lost: f64,
    bursts: f64,
}

impl LossEstimator {
    /// The totals so far: packets sent, packets lost, and bursts that the lost ones made.
    pub fn observe(&mut self, sent: u64, lost: u64, bursts: u64) {
        let new = |now: u64, before: u64| now.saturating_sub(before) as f64;
        let (sent_now, lost_now, bursts_now) =
            (new(sent, self.seen.0), new(lost, self.seen.1), new(bursts, self.seen.2));
        self.seen = (sent, lost, bursts);
        let kept = (-sent_now / MEMORY_PACKETS).exp();
        // Evenly sent, the new packets' own weights have faded by this much on average.
        let fresh = if sent_now > 0.0 { (1.0 - kept) * MEMORY_PACKETS / sent_now } else { 1.0 };
        self.sent = self.sent * kept + sent_now * fresh;
        self.lost = self.lost * kept + lost_now * fresh;
        self.bursts = self.bursts * kept + bursts_now * fresh;
    }

    /// Another connection's totals count from now on; what the link is like is remembered.
    pub fn reconnected(&mut self, sent: u64, lost: u64, bursts: u64) {
        self.seen = (sent, lost, bursts);
    }

    /// Part of the packets that is lost, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        // The prior fades as evidence comes.
        let prior = PRIOR_PACKETS * (-self.sent / PRIOR_PACKETS).exp();
        ((self.lost + prior / PRIOR_PACKETS) / (self.sent + prior).max(1.0)).clamp(0.0, 1.0)
    }

    /// Mean number of packets lost in a row, from 1.
    #[must_use]
    pub fn burst(&self) -> f64 {
        ((self.lost + 1.0) / (self.bursts + 1.0)).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_seen_within_two_thousand_packets_and_a_clean_link_becomes_clean() {
        let mut loss = LossEstimator::default();
        assert!((loss.fraction() - 0.005).abs() < 1e-9, "before anything was sent: {}", loss.fraction());
        let (mut sent, mut lost) = (0, 0);
        let mut go = |loss: &mut LossEstimator, packets: u64, one_in: u64| {
            for _ in 0..packets / 10 {
                sent += 10;
                if one_in > 0 && sent % one_in == 0 {
                    lost += 1;
                }
                loss.observe(sent, lost, lost);
            }
        };
        go(&mut loss, 5_000, 100);
        assert!((loss.fraction() - 0.01).abs() < 0.002, "{}", loss.fraction());
        go(&mut loss, 2_000, 20);
        assert!(loss.fraction() > 0.035, "{}", loss.fraction());
        go(&mut loss, 8_000, 0);
        assert!(loss.fraction() < 0.000_5, "{}", loss.fraction());
        loss.reconnected(0, 0, 0);
        loss.observe(100, 0, 0);
        assert!(loss.fraction() < 0.000_5);
    }

    proptest! {
        #[test]
        fn estimates_stay_in_range(steps in prop::collection::vec((any::<u32>(), any::<u16>(), any::<u16>()), 0..50)) {
            let mut loss = LossEstimator::default();
            for (sent, lost, bursts) in steps {
                loss.observe(u64::from(sent), u64::from(lost), u64::from(bursts));
                prop_assert!((0.0..=1.0).contains(&loss.fraction()));
                prop_assert!(loss.burst() >= 1.0 && loss.burst().is_finite());
            }
        }
    }
}
