//! The ping thread: how long a packet takes to the cloud and back, measured beside the uplink's own numbers (log type 4).

use std::net::IpAddr;
use std::time::Duration;

use drivers::ping::IcmpPinger;
use rt_core::clock::Monotonic;
use rt_core::doorbell::Doorbell;
use rt_core::mailbox;
use rt_core::stop::StopToken;
use rt_core::trace::counters::{Counter, ThreadCounters};
use rt_core::wait::Waiter;
use telemetry::emitter::Emitter;
use telemetry::records::PingRecord;
use transport::estimate::LinkEstimate;

/// A ping that is not answered within this is lost: what the log says of a lost one.
const PATIENCE: Duration = Duration::from_secs(1);

/// An estimate older than this says nothing of the link; the transport tells ten times a second.
const STALE: Duration = Duration::from_secs(2);

/// Everything the ping thread owns.
pub struct Ping {
    /// The cloud's machine.
    pub address: IpAddr,
    /// Time between two pings.
    pub interval: Duration,
    /// From the transport: QUIC's own round trips, in place of ICMP's where the kernel refuses those.
    pub estimates: mailbox::Receiver<LinkEstimate>,
    /// Log type 4.
    pub pings: Emitter<PingRecord>,
    /// What this thread counts.
    pub counters: ThreadCounters,
}

impl Ping {
    /// Pings until `halt` is set.
    ///
    /// # Errors
    /// None; without ICMP, QUIC's round trips are logged, and it is said so.
    pub fn run(mut self, waiter: &Waiter, halt: &StopToken) -> Result<(), String> {
        let bell = Doorbell::futex();
        halt.wakes(&bell);
        let mut icmp = match IcmpPinger::new(self.address) {
            Ok(pinger) => Some(pinger),
            Err(error) => {
                telemetry::say!("turbo: {error}: log type 4 has the round trips of the car's QUIC packets instead");
                None
            }
        };
        let mut estimate = LinkEstimate::default();
        let mut due = Monotonic::now();
        while !halt.is_set() {
            let seen = bell.count();
            waiter.beat();
            let now = Monotonic::now();
            self.counters.tick(now);
            if now >= due {
                let (sent, round_trip) = match &mut icmp {
                    Some(pinger) => pinger.ping(PATIENCE),
                    None => {
                        estimate = self.estimates.take().unwrap_or(estimate);
                        of_quic(&estimate, now)
                    }
                };
                let told = self.pings.emit(PingRecord { sent, round_trip });
                self.counters.count(if told { Counter::Items } else { Counter::Drops });
                // One that took longer than the interval delays the next; none are made up for.
                due = due.plus(self.interval).max(Monotonic::now());
            }
            waiter.wait_counted(&mut self.counters, &bell, seen, due.min(now.plus(PATIENCE)));
        }
        Ok(())
    }
}

/// QUIC's newest sample, as a ping that was sent that long before.
fn of_quic(estimate: &LinkEstimate, now: Monotonic) -> (Monotonic, Option<Duration>) {
    let fresh = estimate.connected && now.saturating_since(estimate.at) <= STALE;
    let sample = Some(estimate.latest_rtt).filter(|rtt| fresh && !rtt.is_zero());
    (sample.map_or(now, |rtt| estimate.at.minus(rtt)), sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quics_round_trips_count_while_there_is_a_link() {
        let now = Monotonic::from_ns(10_000_000_000);
        let rtt = Duration::from_millis(40);
        let up = LinkEstimate { connected: true, latest_rtt: rtt, at: now, ..LinkEstimate::default() };
        assert_eq!(of_quic(&up, now), (now.minus(rtt), Some(rtt)));
        let lost = (now, None);
        assert_eq!(of_quic(&LinkEstimate { connected: false, ..up }, now), lost);
        assert_eq!(of_quic(&LinkEstimate { latest_rtt: Duration::ZERO, ..up }, now), lost);
        let old = LinkEstimate { at: Monotonic::from_ns(1), ..up };
        assert_eq!(of_quic(&old, now), lost, "nobody has told for ten seconds");
    }
}
