//! What happened since the snapshot before: counts only ever rise, so a rate is the difference of two.

use std::collections::HashMap;

use telemetry::subscribe::Picture;

/// Rates between the last two snapshots; nothing after only one.
#[derive(Debug, Default)]
pub struct Rates {
    before: Option<Counts>,
    last: Option<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    at_ns: u64,
    /// By thread number: processor time, loops.
    threads: HashMap<u32, (u64, u64)>,
    /// By service: decisions, uplink bytes.
    services: HashMap<u16, (u64, u64)>,
}

impl Rates {
    /// Takes the next snapshot.
    pub fn follow(&mut self, picture: &Picture) {
        let loops = |counters: &Option<std::collections::BTreeMap<String, u64>>| {
            counters.as_ref().and_then(|counters| counters.get("loops")).copied().unwrap_or(0)
        };
        let threads =
            picture.threads.iter().filter_map(|thread| Some((thread.tid?, (thread.cpu_ms?, loops(&thread.counters)))));
        let services =
            picture.services.iter().map(|service| (service.service, (service.decisions, service.uplink_bytes)));
        let counts = Counts { at_ns: picture.at_ns, threads: threads.collect(), services: services.collect() };
        self.before = self.last.replace(counts);
    }

    fn both(&self) -> Option<(&Counts, &Counts, f64)> {
        let (before, last) = (self.before.as_ref()?, self.last.as_ref()?);
        let seconds = last.at_ns.saturating_sub(before.at_ns) as f64 * 1e-9;
        (seconds > 0.0).then_some((before, last, seconds))
    }

    /// Part of one core that a thread took, percent.
    pub fn cpu_percent(&self, tid: u32) -> Option<f64> {
        let (before, last, seconds) = self.both()?;
        let ms = last.threads.get(&tid)?.0.saturating_sub(before.threads.get(&tid)?.0);
        Some(ms as f64 / 10.0 / seconds)
    }

    /// Passes of a thread's loop, per second.
    pub fn loops_per_s(&self, tid: u32) -> Option<f64> {
        let (before, last, seconds) = self.both()?;
        Some(last.threads.get(&tid)?.1.saturating_sub(before.threads.get(&tid)?.1) as f64 / seconds)
    }

    /// Decisions of a service per second, and what it sent, Mbit/s.
    pub fn service(&self, service: u16) -> Option<(f64, f64)> {
        let (before, last, seconds) = self.both()?;
        let (then, now) = (before.services.get(&service)?, last.services.get(&service)?);
        let per_s = |then: u64, now: u64| now.saturating_sub(then) as f64 / seconds;
        Some((per_s(then.0, now.0), per_s(then.1, now.1) * 8e-6))
    }
}
