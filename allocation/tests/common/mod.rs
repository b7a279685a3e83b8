//! Instances like those of a real car: menus of many configurations that differ a little from service to service.

use allocation::choice::{Choice, Costs};
use allocation::menu::Menu;
use allocation::problem::{Demand, ServiceProblem};

/// A small generator, so that the instances are the same everywhere (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// `services` services of `choices` choices; accuracy grows with payload and execution time, with noise.
pub fn services(random: &mut Random, services: usize, choices: usize) -> Vec<ServiceProblem> {
    (0..services)
        .map(|_| {
            let menu = (0..choices)
                .map(|index| {
                    let (size, depth) = (random.unit(), random.unit());
                    let bits = 2e5 + 2e6 * size * size;
                    let costs = Costs {
                        payload_bits: bits,
                        mean_bits: 0.9 * bits,
                        encode_s: 0.005,
                        execution_s: 0.02 + 0.09 * depth,
                    };
                    let accuracy = 0.3 + 0.15 * size.sqrt() + 0.15 * depth + 0.05 * random.unit();
                    Choice::new(format!("m{index}-imgcompNone-inpcomp50").parse().unwrap(), costs, accuracy).unwrap()
                })
                .collect();
            let weight = 0.5 + random.unit();
            let demand = Demand { weight, slo_s: 0.2, fps: 5.0, margin_s: 0.005, floor_accuracy: 0.35 };
            ServiceProblem::new(demand, Menu::new(menu).unwrap()).unwrap()
        })
        .collect()
}
