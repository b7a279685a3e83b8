//! The hand-overs between the threads of the process, which only their own two ends touch.

use rt_core::clock::Monotonic;
use rt_core::depth::{Depth, DepthWatch};

use super::Part;
use crate::subscribe::{HandoverPicture, Picture};

/// Every hand-over that is watched, in the order in which they were given.
#[derive(Debug, Default)]
pub(super) struct Handovers(Vec<Handover>);

#[derive(Debug)]
struct Handover {
    name: [String; 3],
    watch: DepthWatch,
    /// The most that waited in the second that is over, in the present one, and ever.
    before: u64,
    present: u64,
    ever: u64,
}

impl Handover {
    fn look(&mut self) -> Depth {
        let depth = self.watch.look();
        self.present = self.present.max(depth.most);
        self.ever = self.ever.max(depth.most);
        depth
    }
}

impl Handovers {
    pub(super) fn add(&mut self, what: &str, from: &str, to: &str, watch: DepthWatch) {
        let name = [what, from, to].map(str::to_owned);
        self.0.push(Handover { name, watch, before: 0, present: 0, ever: 0 });
    }
}

impl Part for Handovers {
    fn tick(&mut self, _: Monotonic) {
        for handover in &mut self.0 {
            handover.look();
            handover.before = std::mem::take(&mut handover.present);
        }
    }

    fn show(&mut self, _: Monotonic, picture: &mut Picture) {
        picture.handovers.extend(self.0.iter_mut().map(|handover| {
            let Depth { capacity, waiting, sent, lost, .. } = handover.look();
            let [what, from, to] = handover.name.clone();
            HandoverPicture {
                handover: what,
                from,
                to,
                capacity,
                waiting,
                most_lately: handover.before.max(handover.present),
                most_waiting: handover.ever,
                sent,
                lost,
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_of_the_last_two_seconds_and_of_ever_whoever_looks_meanwhile() {
        let (mut producer, mut consumer, watch) = rt_core::ring::watched(8);
        let mut handovers = Handovers::default();
        handovers.add("results", "detector", "service-1", watch);
        let look = |handovers: &mut Handovers| {
            let mut picture = Picture::at(Monotonic::ZERO);
            handovers.show(Monotonic::ZERO, &mut picture);
            let HandoverPicture { waiting, most_lately, most_waiting, sent, lost, .. } = picture.handovers[0].clone();
            (waiting, most_lately, most_waiting, sent, lost)
        };
        (0..5).for_each(|number| assert!(producer.push(number).is_ok()));
        assert_eq!(look(&mut handovers), (5, 5, 5, 5, 0));
        while consumer.pop().is_ok() {}
        assert_eq!(look(&mut handovers), (0, 5, 5, 5, 0), "another who looks takes nothing away");
        handovers.tick(Monotonic::ZERO);
        assert!(producer.push(5).is_ok());
        assert_eq!(look(&mut handovers), (1, 5, 5, 6, 0), "the second before counts");
        handovers.tick(Monotonic::ZERO);
        assert_eq!(look(&mut handovers).1, 1);
        assert!(consumer.pop().is_ok());
        handovers.tick(Monotonic::ZERO);
        handovers.tick(Monotonic::ZERO);
        assert_eq!(look(&mut handovers), (0, 0, 5, 6, 0));
    }
}
