//! A connection's arrivals as packet trains: the bottleneck spaces packets out, so their spacing tells its rate even
//! when the sender sends little on the whole.
//!
//! Trains run over all streams of a connection, because the stack interleaves them: of three frames at a time each
//! alone would show a third of the link.

use std::collections::VecDeque;
use std::time::Duration;

use rt_core::clock::Monotonic;

use crate::wire::result::TrainRate;

/// A train has at least this many bytes: 16 packets of 1,400 (transport notes).
const TRAIN_BYTES: u64 = 16 * 1_400;
/// And its bytes came in at least this many pieces: packets read together have no spacing.
const LEAST_PIECES: u32 = 3;
/// A shorter span is the scheduler's doing, not the link's.
const LEAST_SPAN: Duration = Duration::from_micros(200);
/// With no more than this still to come, a packet and a half, what comes later was lost and is sent again, after a pause.
const SLACK_BYTES: i64 = 2_100;
/// A packet's own headers, as one part in so many of what it carries.
const PACKET_SHARE: i64 = 50;
/// The most trains kept of one connection.
const MOST_TRAINS: usize = 256;
/// A train cut short by the last frame's end tells something from this many bytes on: two gaps between packets.
const SHORT_TRAIN_BYTES: u64 = 2 * 1_200;

/// Records when a connection's bytes came.
///
/// ```
/// use rt_core::clock::Monotonic;
/// use transport::gateway::Arrivals;
/// let mut arrivals = Arrivals::default();
/// arrivals.enter(64 * 1_400);
/// for packet in 0..64_u64 {
///     arrivals.push(Monotonic::from_ns(packet * 1_000_000), 1_400); // one packet a millisecond
/// }
/// arrivals.leave(0);
/// assert_eq!(arrivals.rate_since(Monotonic::ZERO).bytes_per_s, 1_400_000);
/// ```
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Frames being received.
    active: u32,
    /// Bytes that have yet to come of them; a little less than nothing where more came than was announced.
    due: i64,
    current: Option<Train>,
    done: VecDeque<Train>,
}

#[derive(Clone, Copy, Debug)]
struct Train {
    start: Monotonic,
    end: Monotonic,
    /// After the first piece, whose own time on the wire is unknown.
    bytes: u64,
    pieces: u32,
}

impl Train {
    fn span(&self) -> Duration {
        self.end.saturating_since(self.start)
    }

    fn tells(&self, least_bytes: u64) -> bool {
        self.bytes >= least_bytes && self.pieces >= LEAST_PIECES && self.span() >= LEAST_SPAN
    }

    fn bytes_per_s(&self) -> u64 {
        (self.bytes as f64 / self.span().as_secs_f64()) as u64
    }
}

impl Arrivals {
    /// A frame begins to arrive, of which `bytes` have yet to come, or came with its header just now.
    pub fn enter(&mut self, bytes: u64) {
        self.active = self.active.saturating_add(1);
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.due = self.due.saturating_add(bytes).saturating_add(bytes / PACKET_SHARE);
    }

    /// A frame has arrived, or will not: `missing` bytes of it did not come.
    pub fn leave(&mut self, missing: u64) {
        self.active = self.active.saturating_sub(1);
        let missing = i64::try_from(missing).unwrap_or(i64::MAX);
        self.due = self.due.saturating_sub(missing).max(-SLACK_BYTES);
        if self.active == 0 {
            self.due = 0;
        }
        if self.due <= SLACK_BYTES {
            self.cut();
        }
    }

    /// A packet of `bytes` came at `at`.
    pub fn push(&mut self, at: Monotonic, bytes: usize) {
        let was_due = self.due > SLACK_BYTES;
        self.due = self.due.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX)).max(-SLACK_BYTES);
        let Some(train) = self.current.as_mut().filter(|_| was_due) else {
            // The first packet of a frame, or one that was lost and sent again: the pause before it was the sender's,
            // not the link's.
            self.cut();
            self.current = Some(Train { start: at, end: at, bytes: 0, pieces: 1 });
            return;
        };
        // Pieces read at the same moment are one piece.
        train.pieces += u32::from(at > train.end);
        train.end = train.end.max(at);
        train.bytes = train.bytes.saturating_add(bytes as u64);
        let train = *train;
        if train.tells(TRAIN_BYTES) {
            self.keep(train);
            self.current = Some(Train { start: train.end, end: train.end, bytes: 0, pieces: 1 });
        }
    }

    /// Ends the current train.
    fn cut(&mut self) {
        if let Some(short) = self.current.take()
            && short.tells(SHORT_TRAIN_BYTES)
        {
            self.keep(short);
        }
    }

    fn keep(&mut self, train: Train) {
        if self.done.len() >= MOST_TRAINS {
            self.done.pop_front();
        }
        self.done.push_back(train);
    }

    /// The 75th percentile, by bytes, of the rates of the trains that ended after `from`; zero where there is none.
    #[must_use]
    pub fn rate_since(&self, from: Monotonic) -> TrainRate {
        let short = self.current.filter(|train| train.tells(SHORT_TRAIN_BYTES));
        let whole = self.done.iter().rev().take_while(|train| train.end > from);
        let mut sorted: Vec<(u64, u64)> = whole.map(|train| (train.bytes_per_s(), train.bytes)).collect();
        if sorted.is_empty() {
            sorted.extend(short.map(|train| (train.bytes_per_s(), train.bytes)));
        }
        sorted.sort_unstable();
        let total: u64 = sorted.iter().map(|train| train.1).sum();
        let (mut below, mut p75) = (0_u64, 0);
        for (rate, bytes) in &sorted {
            below = below.saturating_add(*bytes);
            p75 = *rate;
            if below.saturating_mul(4) >= total.saturating_mul(3) {
                break;
            }
        }
        TrainRate { bytes: u32::try_from(total).unwrap_or(u32::MAX), bytes_per_s: p75 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pause_within_a_frame_does_not_lower_the_rate() {
        let mut arrivals = Arrivals::default();
        arrivals.enter(200 * 1_400);
        let mut at = 0;
        for packet in 0..200_u64 {
            // 1.4 MB/s with a pause of 50 ms after every 50 packets.
            at += if packet % 50 == 49 { 50_000_000 } else { 1_000_000 };
            arrivals.push(Monotonic::from_ns(at), 1_400);
        }
        let rate = arrivals.rate_since(Monotonic::ZERO).bytes_per_s as f64;
        assert!((rate / 1.4e6 - 1.0).abs() < 0.05, "{rate}");
    }

    #[test]
    fn pauses_between_small_frames_and_interleaved_frames_do_not_lower_the_rate() {
        let mut arrivals = Arrivals::default();
        for burst in 0..5_u64 {
            let start = 1 + burst * 1_000_000_000;
            (0..3).for_each(|_| arrivals.enter(4 * 1_400));
            // Three frames of 4 packets, one packet a millisecond in all.
            for packet in 0..12 {
                arrivals.push(Monotonic::from_ns(start + packet * 1_000_000), 1_400);
            }
            (0..3).for_each(|_| arrivals.leave(0));
            assert_eq!(arrivals.rate_since(Monotonic::from_ns(start)).bytes_per_s, 1_400_000);
        }
    }

    #[test]
    fn one_batch_tells_nothing() {
        let mut arrivals = Arrivals::default();
        arrivals.enter(100 * 1_400);
        for _ in 0..100 {
            arrivals.push(Monotonic::from_ns(5), 1_400);
        }
        assert_eq!(arrivals.rate_since(Monotonic::ZERO), TrainRate::default());
    }

    #[test]
    fn the_pause_before_a_lost_packet_is_sent_again_lowers_nothing() {
        let mut arrivals = Arrivals::default();
        let mut at = 1_000_000_000;
        for _ in 0..10 {
            // 20 packets, a millisecond apart; one is lost and comes 60 ms later.
            arrivals.enter(20 * 1_400);
            for _ in 0..19 {
                at += 1_000_000;
                arrivals.push(Monotonic::from_ns(at), 1_400);
            }
            arrivals.push(Monotonic::from_ns(at + 60_000_000), 1_400);
            arrivals.leave(0);
            at += 100_000_000;
        }
        let rate = arrivals.rate_since(Monotonic::ZERO).bytes_per_s as f64;
        assert!((rate / 1.4e6 - 1.0).abs() < 0.05, "{rate}");
    }

    proptest! {
        #[test]
        fn a_steady_link_is_measured_whatever_its_rate(gap_us in 50..20_000_u64, packets in 20..400_u64) {
            let mut arrivals = Arrivals::default();
            arrivals.enter(packets * 1_400);
            for packet in 0..packets {
                arrivals.push(Monotonic::from_ns(1 + packet * gap_us * 1_000), 1_400);
            }
            arrivals.leave(0);
            let truth = 1_400.0 / (gap_us as f64 * 1e-6);
            let seen = arrivals.rate_since(Monotonic::ZERO).bytes_per_s as f64;
            prop_assert!((seen / truth - 1.0).abs() < 0.01, "{seen} of {truth}");
        }

        #[test]
        fn any_arrivals_are_survived(steps in proptest::collection::vec((0..4_u8, any::<u64>(), 0..100_000_usize), 0..300)) {
            let mut arrivals = Arrivals::default();
            for (action, at, bytes) in steps {
                match action {
                    0 => arrivals.enter(at),
                    1 => arrivals.leave(at / 3),
                    _ => arrivals.push(Monotonic::from_ns(at), bytes),
                }
                let _ = arrivals.rate_since(Monotonic::from_ns(at / 2));
            }
        }
    }
}
