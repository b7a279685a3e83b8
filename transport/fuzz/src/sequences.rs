//! Machines with a state: whatever happens to them in whatever order, what they promise holds.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rt_core::clock::Monotonic;
use transport::estimate::{ClockOffset, EstimatorLimits, RateEstimator};
use transport::gateway::schedule::{Entry, Owner, Scheduler, Verdict};
use transport::gateway::{Arrivals, Offence, SEQUENCE_WINDOW, Services};
use transport::wire::result::Stamps;

use super::steps::Steps;

/// Bytes that arrive at any time, as the rate of trains.
pub fn arrivals(bytes: &[u8]) {
    let (mut steps, mut arrivals, mut now) = (Steps(bytes), Arrivals::default(), 0_u64);
    while let Some(step) = steps.byte() {
        match step % 4 {
            0 => arrivals.enter(u64::from(step) * 1_000),
            1 => arrivals.leave(u64::from(step) * 300),
            2 => {
                let Some(at) = steps.long() else { return };
                arrivals.push(Monotonic::from_ns(at), usize::from(step) * 100);
            }
            _ => {
                let Some(gap) = steps.short() else { return };
                now = now.saturating_add(u64::from(gap) * 1_000);
                arrivals.push(Monotonic::from_ns(now), usize::from(step) * 10);
            }
        }
        let from = Monotonic::from_ns(now / 2);
        assert!(arrivals.rate_since(from).bytes > 0 || arrivals.rate_since(from).bytes_per_s == 0);
    }
}

/// Results with any stamps and trains, as both estimators hear them.
pub fn clocks(bytes: &[u8]) {
    let (mut steps, mut clocks) = (Steps(bytes), ClockOffset::default());
    let limits = EstimatorLimits::default();
    let mut rate = RateEstimator::new(limits);
    let (mut now, mut sent, mut refused) = (1_000_000_000_u64, 1_000_000_000_u64, 0);
    while let (Some(step), Some(gap), Some(number)) = (steps.byte(), steps.short(), steps.long()) {
        now = now.saturating_add(u64::from(gap) * 10_000);
        let at = Monotonic::from_ns(now);
        match step % 7 {
            0 => sent = now,
            1 => {
                // The numbers are near what they should be, or far from it.
                let near = |by: u64| now.saturating_sub(by % 1_000_000_000);
                let far = u64::from(step >> 4).wrapping_mul(number);
                let stamps = Stamps {
                    car_sent_ns: if step & 8 == 0 { sent } else { number },
                    header_received_ns: near(number).wrapping_add(far),
                    last_received_ns: near(number / 2).wrapping_add(far),
                    result_sent_ns: near(number / 4).wrapping_add(far),
                };
                refused += u64::from(clocks.sample(Monotonic::from_ns(sent), at, &stamps).is_err());
            }
            2 => rate.train(at, f64::from_bits(number), u32::from(gap)),
            3 => rate.acknowledged(at, number, u64::from(gap)),
            4 => {
                let ms = |part: u64| Duration::from_millis(part & 0xfff);
                rate.round_trip(at, ms(number), ms(number >> 12), ms(number >> 24), u64::from(gap));
            }
            5 => rate.late(at, number, Duration::from_millis(u64::from(gap))),
            _ => {
                clocks.reconnected();
                rate.reconnected();
            }
        }
        assert_eq!(clocks.absurd(), refused);
        assert!((limits.least..=limits.most).contains(&rate.rate(at)), "{}", rate.rate(at));
        if let Some(sample) = clocks.latest(at) {
            assert!(clocks.estimate(at).is_some() && sample.round_trip < Duration::from_secs(1 << 34));
        }
    }
}

/// Tasks that come, run and end: each leaves once, no service has two of either kind, none runs after its deadline.
pub fn scheduler(bytes: &[u8]) {
    let (mut steps, mut scheduler) = (Steps(bytes), Scheduler::default());
    let (mut waiting, mut running): (HashMap<Owner, Entry>, Vec<Entry>) = Default::default();
    let (mut now, mut id) = (1_000_000_u64, 0);
    while let (Some(step), Some(owner), Some(number)) = (steps.byte(), steps.byte(), steps.short()) {
        let at = Monotonic::from_ns(now);
        match step % 4 {
            0 => {
                id += 1;
                let owner = Owner { car: u64::from(owner & 3), service: u16::from(owner >> 6) };
                let deadline = at.plus(Duration::from_micros(u64::from(number)));
                let entry = Entry { id, owner, seq: u64::from(step), model: number % 3, deadline };
                let older = scheduler.submit(entry);
                let expected = match waiting.get(&owner) {
                    Some(waits) if waits.seq > entry.seq => Some(entry),
                    _ => waiting.insert(owner, entry),
                };
                assert_eq!(older, expected);
            }
            1 => match scheduler.next(at, |model| Duration::from_micros(u64::from(model) * 500)) {
                Some(Verdict::Run(entry)) => {
                    assert!(at < entry.deadline && running.iter().all(|other| other.owner != entry.owner));
                    assert_eq!(waiting.remove(&entry.owner), Some(entry));
                    running.push(entry);
                }
                Some(Verdict::Expired(entry)) => assert_eq!(waiting.remove(&entry.owner), Some(entry)),
                None => assert!(waiting.keys().all(|owner| running.iter().any(|entry| entry.owner == *owner))),
            },
            2 => {
                if let Some(entry) = running.pop() {
                    scheduler.finished(entry.id);
                }
                scheduler.finished(u64::from(number));
                running.retain(|entry| entry.id != u64::from(number));
            }
            _ => {
                now += u64::from(number) * 1_000;
                let id = u64::from(owner);
                scheduler.cancel(id);
                waiting.retain(|_, entry| entry.id != id);
            }
        }
        assert_eq!((scheduler.waiting(), scheduler.running()), (waiting.len(), running.len()));
        assert_eq!(scheduler.next_change(at).is_some(), !waiting.is_empty());
    }
}

/// Sequence numbers of services, against sets that forget nothing.
pub fn services(bytes: &[u8]) {
    let mut steps = Steps(bytes);
    let most = usize::from(steps.byte().unwrap_or(0) % 8);
    let (mut services, mut seen) = (Services::new(most), HashMap::<u16, HashSet<u64>>::new());
    let mut base = 0_u64;
    while let (Some(step), Some(offset)) = (steps.byte(), steps.byte()) {
        if step >= 0xf0 {
            let Some(leap) = steps.long() else { return };
            base = leap;
        }
        let (service, seq) = (u16::from(step & 15), base.saturating_add(u64::from(offset)));
        let expected = if !seen.contains_key(&service) && seen.len() >= most {
            Err(Offence::Service)
        } else {
            let seen = seen.entry(service).or_default();
            let newest = seen.iter().max().copied().unwrap_or(seq);
            let old = newest.saturating_sub(seq) >= u64::from(SEQUENCE_WINDOW);
            if old || !seen.insert(seq) { Err(Offence::Sequence) } else { Ok(()) }
        };
        assert_eq!(services.admit(service, seq), expected, "{seq} of service {service}");
    }
}
