//! The frames of a run, with all that chance decides about them, drawn before any policy is asked.

use std::time::Duration;

use super::random::Random;
use super::scenario::Scenario;
use crate::choice::Choice;
use crate::planned::JITTER_PART;

/// How strongly a frame's size keeps to the one before of its camera: scenes change slowly.
const SIZE_MEMORY: f64 = 0.9;
/// 95th percentile of the standard normal distribution.
const Z95: f64 = 1.645;
/// 95th percentile of an encode time over its median; tables hold the former alone.
const ENCODE_TAIL: f64 = 1.25;

/// What chance decides about one frame, whatever is made of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw {
    size: f64,
    encode: f64,
    execution: f64,
    jitter: f64,
    /// Which packets are lost.
    pub losses: Random,
}

/// The frames of a run: for every service one draw per capture.
#[derive(Clone, Debug)]
pub struct Frames {
    draws: Vec<Vec<Draw>>,
}

/// What one frame in one configuration needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needs {
    /// Bits of the payload.
    pub bits: u64,
    /// Time on the vehicle from the frame at hand to the payload ready to send.
    pub encode: Duration,
    /// Time on the cloud from the payload received to the result ready to send.
    pub execution: Duration,
}

impl Frames {
    /// Draws the frames of `length` from the scenario's seed.
    #[must_use]
    pub fn draw(scenario: &Scenario, length: Duration) -> Self {
        let draws = scenario.services.iter().zip(0_u64..).map(|(service, index)| {
            let count = (length.as_secs_f64() * service.demand().fps) as u64;
            let mut size = Random::of(scenario.seed, [index, 0, u64::MAX]).normal();
            let draw = |frame: u64| {
                let mut random = Random::of(scenario.seed, [index, 1, frame]);
                size = SIZE_MEMORY * size + (1.0 - SIZE_MEMORY * SIZE_MEMORY).sqrt() * random.normal();
                let (encode, execution, jitter) = (random.normal(), random.normal(), random.exponential());
                Draw { size, encode, execution, jitter, losses: random }
            };
            (0..count).map(draw).collect()
        });
        Self { draws: draws.collect() }
    }

    /// How many frames a service has.
    #[must_use]
    pub fn count(&self, service: usize) -> usize {
        self.draws.get(service).map_or(0, Vec::len)
    }

    /// What a service's frame needs in this configuration, for whoever sends the same frames over a real stack; `None`
    /// where there is no such frame.
    #[must_use]
    pub fn needs(&self, service: usize, frame: usize, choice: &Choice) -> Option<Needs> {
        self.draw_of(service, frame).map(|draw| draw.needs(choice))
    }

    pub(super) fn draw_of(&self, service: usize, frame: usize) -> Option<&Draw> {
        self.draws.get(service)?.get(frame)
    }
}

impl Draw {
    /// What the frame needs in this configuration: log-normal about the table's numbers.
    pub(super) fn needs(&self, choice: &Choice) -> Needs {
        let costs = choice.costs();
        let spread = spread_of_mean(costs.payload_bits / costs.mean_bits);
        let bits = costs.mean_bits * (spread * self.size - spread * spread / 2.0).exp();
        let encode = costs.encode_s / ENCODE_TAIL * (ENCODE_TAIL.ln() / Z95 * self.encode).exp();
        let median = choice.typical_execution_s();
        let tail = if median > 0.0 { (costs.execution_s / median).ln().max(0.0) / Z95 } else { 0.0 };
        Needs {
            bits: bits.max(1.0) as u64,
            encode: seconds(encode),
            execution: seconds(median * (tail * self.execution).exp()),
        }
    }

    /// The round trip that this frame meets.
    pub(super) fn rtt(&self, least: Duration) -> Duration {
        least + least.mul_f64(JITTER_PART * self.jitter)
    }
}

/// σ of the log-normal distribution whose 95th percentile is `tail` times its mean: ln tail = z σ − σ² / 2.
fn spread_of_mean(tail: f64) -> f64 {
    let log = tail.max(1.0).ln();
    Z95 - (Z95 * Z95 - 2.0 * log).max(0.0).sqrt()
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Costs;
    use crate::menu::Menu;
    use crate::problem::Demand;
    use crate::simulate::Service;

    #[test]
    fn frames_have_the_mean_and_the_tail_of_their_table() {
        let costs = Costs { payload_bits: 1.4e6, mean_bits: 1e6, encode_s: 0.01, execution_s: 0.09 };
        let choice = Choice::new("a-imgcompNone-inpcomp50".parse().unwrap(), costs, 0.5).unwrap();
        let choice = choice.with_typical_execution(0.06).unwrap();
        let demand = Demand { weight: 1.0, slo_s: 0.2, fps: 10.0, margin_s: 0.0, floor_accuracy: 0.4 };
        let service = Service { demand, menu: Menu::new(vec![choice.clone()]).unwrap() };
        let scenario = Scenario::new(vec![service], Duration::from_millis(50), 0.0, 7).unwrap();
        let frames = Frames::draw(&scenario, Duration::from_secs(4000));
        assert_eq!(frames.count(0), 40_000);
        let needs: Vec<Needs> = (0..40_000).map(|at| frames.draw_of(0, at).unwrap().needs(&choice)).collect();
        let p95 = |values: Vec<f64>| {
            let mut values = values;
            values.sort_by(f64::total_cmp);
            values[values.len() * 95 / 100]
        };
        let mean = needs.iter().map(|needs| needs.bits as f64).sum::<f64>() / 4e4;
        assert!((mean / 1e6 - 1.0).abs() < 0.03, "{mean}");
        for (value, expected) in [
            (p95(needs.iter().map(|needs| needs.bits as f64).collect()), 1.4e6),
            (p95(needs.iter().map(|needs| needs.encode.as_secs_f64()).collect()), 0.01),
            (p95(needs.iter().map(|needs| needs.execution.as_secs_f64()).collect()), 0.09),
        ] {
            assert!((value / expected - 1.0).abs() < 0.05, "{value} instead of {expected}");
        }
        let rtts = (0..40_000).map(|at| frames.draw_of(0, at).unwrap().rtt(Duration::from_millis(50)).as_secs_f64());
        let expected = crate::planned::round_trip(Duration::from_millis(50)).as_secs_f64();
        assert!((p95(rtts.collect()) / expected - 1.0).abs() < 0.02);
    }
}
