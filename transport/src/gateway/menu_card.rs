//! The menu as the cars have it: written anew only where it says something else, and encoded once for all of them.

use bytes::Bytes;
use rt_core::clock::Monotonic;

use super::execution::ExecutionTimes;
use crate::wire::control::ControlMessage;
use crate::wire::menu::CloudMenu;

/// A time that has moved by less than one part in so many, or by less than this, is the same.
const SAME_PART: u32 = 20;
const SAME_US: u32 = 200;

/// The newest edition.
#[derive(Debug)]
pub(super) struct MenuCard {
    menu: CloudMenu,
    edition: u64,
    /// Of this edition, once somebody needs it.
    message: Option<Bytes>,
}

impl MenuCard {
    pub(super) const fn new(menu: CloudMenu) -> Self {
        Self { menu, edition: 0, message: None }
    }

    /// The newest edition: a new one where the measured times or the workers are not what the last one says.
    pub(super) fn menu(&mut self, times: &mut [ExecutionTimes], workers: u16, now: Monotonic) -> &CloudMenu {
        let micros = |time: std::time::Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let measured =
            times.iter_mut().map(|times| times.percentiles(now)).map(|(p50, p95)| (micros(p50), micros(p95)));
        let measured: Vec<(u32, u32)> = measured.collect();
        let mut models = self.menu.models.iter().zip(&measured);
        let same = models.all(|(model, (p50, p95))| {
            model.workers == workers && alike(model.p50_us, *p50) && alike(model.p95_us, *p95)
        });
        if !same {
            for (model, (p50, p95)) in self.menu.models.iter_mut().zip(measured) {
                (model.p50_us, model.p95_us, model.workers) = (p50, p95, workers);
            }
            self.edition += 1;
            self.message = None;
        }
        &self.menu
    }

    /// Which it is.
    pub(super) const fn edition(&self) -> u64 {
        self.edition
    }

    /// It as a control message.
    pub(super) fn message(&mut self) -> Bytes {
        let encode = || ControlMessage::Menu { menu: self.menu.clone() }.encode().into();
        self.message.get_or_insert_with(encode).clone()
    }
}

fn alike(said_us: u32, now_us: u32) -> bool {
    said_us.abs_diff(now_us) <= (said_us / SAME_PART).max(SAME_US)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::control::decode;
    use crate::wire::menu::ModelEntry;

    fn model(p50_us: u32) -> ModelEntry {
        let p95_us = p50_us * 2;
        ModelEntry { name: "m".into(), input_width: 64, input_height: 64, classes: vec![], p50_us, p95_us, workers: 0 }
    }

    #[test]
    fn a_new_edition_needs_news() {
        let entry = model(20_000);
        let mut times = [ExecutionTimes::new(&entry)];
        let mut card = MenuCard::new(CloudMenu { models: vec![entry] });
        let now = Monotonic::from_ns(1);
        assert_eq!(card.menu(&mut times, 1, now).models.first().map(|model| model.workers), Some(1));
        let first = card.edition();
        let record = |times: &mut [ExecutionTimes; 1], us| {
            (0..128).for_each(|_| times.iter_mut().for_each(|times| times.record(now, Duration::from_micros(us))));
        };
        for _ in 0..128 {
            record(&mut times, 20_500);
        }
        // The p95 of the configured figures was 40 ms: that much is news, and once only.
        card.menu(&mut times, 1, now);
        assert_eq!(card.edition(), first + 1);
        record(&mut times, 21_000);
        card.menu(&mut times, 1, now);
        assert_eq!(card.edition(), first + 1, "a change of two parts in a hundred is none");
        record(&mut times, 30_000);
        card.menu(&mut times, 1, now);
        assert_eq!(card.edition(), first + 2);
        let message = card.message();
        let body = message.get(4..).expect("a body");
        assert!(
            matches!(decode(body), Ok(ControlMessage::Menu { menu }) if menu.models.iter().all(|m| m.p50_us == 30_000))
        );
        card.menu(&mut times, 0, now);
        assert_eq!(card.edition(), first + 3, "a worker that died");
        assert_ne!(card.message(), message);
    }
}
